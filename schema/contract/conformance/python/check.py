"""Runs every vector through python-jsonschema and the denylist: check.py CONTRACT_DIRECTORY. One JSON line per vector."""

import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

from denylist import Denylist
from vectors import load, vectors

# Without the packages that check them, formats would be passed over silently.
CHECKER = Draft202012Validator.FORMAT_CHECKER
assert {"date-time", "uuid"} <= set(CHECKER.checkers), "install jsonschema[format-nongpl]"


def main(directory):
    schemas = {kind: load(directory / f"{kind}.schema.json") for kind in ("run-manifest", "telemetry")}
    validators = {kind: Draft202012Validator(schema, format_checker=CHECKER) for kind, schema in schemas.items()}
    denylist = Denylist(load(directory / "denylist.json"), schemas.values())
    for kind, _, name, data in vectors(directory):
        document, tripped = denylist.read(data)
        whole = {rule for rule, _ in tripped}
        readable = not whole & {"size", "utf8", "syntax"}
        accepts = validators[kind].is_valid(document) if readable else None
        found = tripped or list(denylist.walk(document))
        print(json.dumps({"vector": name, "schema_accepts": accepts, "tripped": found}))


main(Path(sys.argv[1]))
