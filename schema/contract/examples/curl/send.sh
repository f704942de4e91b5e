#!/bin/sh
# Sends every telemetry vector to a receiver and checks its answers: send.sh [ENDPOINT]
#
#   cargo run -p receiver -- serve &
#   schema/contract/examples/curl/send.sh http://127.0.0.1:8787/telemetry
#
# One document by hand:
#
#   curl --data-binary @document.json -H 'Content-Type: application/json' \
#     -H 'X-Productive-K3S-Telemetry: pk3s-public-v1' http://127.0.0.1:8787/telemetry
set -eu

endpoint=${1:-http://127.0.0.1:8787/telemetry}
vectors=$(cd "$(dirname "$0")/../../v1/vectors" && pwd)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Lays out the documents of the telemetry vectors.
python3 - "$vectors" "$scratch" <<'PYTHON'
import json, pathlib, sys
vectors, scratch = map(pathlib.Path, sys.argv[1:])
groups = [group for path in vectors.iterdir() for group in json.loads(path.read_text(encoding="utf-8"))]
for group in groups:
    for vector in group["tests"] if group["schema"] == "telemetry" else []:
        name = vector["description"].split(": ")[0] + (".pass.json" if vector["valid"] else ".fail.json")
        (scratch / name).write_text(vector.get("raw") or json.dumps(vector["document"]), encoding="utf-8")
PYTHON

answer() {
    curl --silent --show-error --max-time 10 --noproxy '*' --output /dev/null --write-out '%{http_code}' \
        --data-binary "@$1" -H 'Content-Type: application/json' -H 'X-Productive-K3S-Telemetry: pk3s-public-v1' "$endpoint"
}

sent=0
for document in "$scratch"/*.json; do
    status=$(answer "$document")
    sent=$((sent + 1))
    case "$document:$status" in
        *.pass.json:2??) ;;
        *.fail.json:4??) ;;
        *) echo "$(basename "$document"): answered $status" >&2; exit 1 ;;
    esac
done
echo "$sent documents sent, every answer as the contract says"
