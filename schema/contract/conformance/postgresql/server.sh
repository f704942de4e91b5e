#!/bin/sh
# A separate PostgreSQL in a directory, which listens only on a socket in that directory, for its superuser "tests".
#
#   server.sh start DIRECTORY [OPTION...]   start it, and make its files if they are missing; options as of postgres(1)
#   server.sh stop DIRECTORY MODE           end it: fast, or immediate as a power failure would
#
# Says "SKIP: reason" and ends well where there is no server to start. The server refuses to run as root: root gives the
# directory to an ordinary user.
set -eu

action=$1 data=$2
shift 2
for directory in "$(dirname "$(command -v initdb || echo /)")" /usr/lib/postgresql/*/bin; do
    [ -x "$directory/initdb" ] && bin=$directory
done
[ -n "${bin:-}" ] || { echo "SKIP: initdb is not installed"; exit 0; }

as() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    owner=postgres
    id "$owner" >/dev/null 2>&1 || owner=nobody
    as() { runuser -u "$owner" -- "$@"; }
fi
cd "$data"

case $action in
start)
    if [ ! -d db ]; then
        [ -z "${owner:-}" ] || chown "$owner" "$data"
        as "$bin/initdb" --pgdata="$data/db" --auth=trust --username=tests --no-sync --encoding=UTF8 >/dev/null
    fi
    as "$bin/pg_ctl" --pgdata="$data/db" --wait --log="$data/log" \
        --options="-c listen_addresses='' -k '$data' $*" start >/dev/null
    ;;
stop)
    as "$bin/pg_ctl" --pgdata="$data/db" --mode="$1" --wait stop >/dev/null 2>&1
    ;;
esac
