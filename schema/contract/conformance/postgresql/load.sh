#!/bin/sh
# Loads documents into a PostgreSQL of its own: load.sh CONTRACT_FOLDER VALID WRONG, each with one document a line.
#
# Says "SKIP: reason" where there is no server to start. The server listens on a socket in a new directory alone, and ends with
# this script.
set -eu

contract=$1 valid=$2 wrong=$3
for directory in "$(dirname "$(command -v initdb || echo /)")" /usr/lib/postgresql/*/bin; do
    [ -x "$directory/initdb" ] && bin=$directory
done
[ -n "${bin:-}" ] || { echo "SKIP: initdb is not installed"; exit 0; }

data=$(mktemp -d)
# The server refuses to run as root.
as() { "$@"; }
owner=$(id -un)
if [ "$(id -u)" = 0 ]; then
    owner=postgres
    id "$owner" >/dev/null 2>&1 || owner=nobody
    chown "$owner" "$data"
    as() { runuser -u "$owner" -- "$@"; }
fi
stop() {
    as "$bin/pg_ctl" --pgdata="$data/db" --mode=immediate stop >/dev/null 2>&1 || true
    rm -rf "$data"
}
trap stop EXIT

cd "$data"
as "$bin/initdb" --pgdata="$data/db" --auth=trust --username=conformance --no-sync --encoding=UTF8 >/dev/null
as "$bin/pg_ctl" --pgdata="$data/db" --wait --log="$data/log" \
    --options="-c listen_addresses='' -k '$data' -c fsync=off" start >/dev/null

sql() { psql --host="$data" --username=conformance --dbname=postgres --no-psqlrc --quiet --set=ON_ERROR_STOP=1 "$@"; }
# A line is taken as it is: neither quotes nor separators of this form stand in a document.
copy() { sql --command="\\copy telemetry_incoming FROM '$1' WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"; }
load() { copy "$1" && sql --file="$contract/sql/postgresql.sql" 2>/dev/null; }

sql --file="$contract/sql/postgresql.sql" 2>/dev/null
load "$valid"
load "$valid"
for table in telemetry_incoming telemetry_event run_manifest run_component; do
    echo "$table $(sql --tuples-only --no-align --command="SELECT count(*) FROM $table")"
done

refused=0 words=0
while IFS= read -r document; do
    words=$((words + 1))
    printf '%s\n' "$document" > "$data/wrong"
    sql --command='DELETE FROM telemetry_incoming'
    load "$data/wrong" || refused=$((refused + 1))
done < "$wrong"
echo "wrong_words $words"
echo "refused $refused"
