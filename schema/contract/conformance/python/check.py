"""Runs every vector through python-jsonschema and the denylist: check.py CONTRACT_FOLDER. One JSON line a vector."""

import base64
import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

from denylist import Denylist

# Without the packages that check them, formats would be passed over silently.
CHECKER = Draft202012Validator.FORMAT_CHECKER
assert {"date-time", "uuid"} <= set(CHECKER.checkers), "install jsonschema[format-nongpl]"


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def bytes_of(vector):
    if "raw_base64" in vector:
        return base64.b64decode(vector["raw_base64"])
    return vector.get("raw", json.dumps(vector.get("document"), ensure_ascii=False)).encode("utf-8")


def main(folder):
    schemas = {kind: load(folder / f"{kind}.schema.json") for kind in ("run-manifest", "telemetry")}
    validators = {kind: Draft202012Validator(schema, format_checker=CHECKER) for kind, schema in schemas.items()}
    denylist = Denylist(load(folder / "denylist.json"), schemas.values())
    groups = [group for path in sorted((folder / "vectors").iterdir()) for group in load(path)]
    for group, vector in ((group, vector) for group in groups for vector in group["tests"]):
        document, tripped = denylist.read(bytes_of(vector))
        whole = {rule for rule, _ in tripped}
        readable = not whole & {"size", "utf8", "syntax"}
        accepts = validators[group["schema"]].is_valid(document) if readable else None
        found = tripped or list(denylist.walk(document))
        name = vector["description"].split(": ")[0]
        print(json.dumps({"vector": name, "schema_accepts": accepts, "tripped": found}))


main(Path(sys.argv[1]))
