#!/bin/sh
# Loads documents into a separate PostgreSQL: load.sh CONTRACT_DIRECTORY VALID WRONG, each with one document per line.
#
# Says "SKIP: reason" where there is no server to start. The server ends with this script.
set -eu

contract=$1 valid=$2 wrong=$3
server=$(dirname "$0")/server.sh
data=$(mktemp -d)
stop() {
    sh "$server" stop "$data" immediate || true
    rm -rf "$data"
}
trap stop EXIT

said=$(sh "$server" start "$data" -c fsync=off)
[ -z "$said" ] || { echo "$said"; exit 0; }

sql() { psql --host="$data" --username=tests --dbname=postgres --no-psqlrc --quiet --set=ON_ERROR_STOP=1 "$@"; }
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
