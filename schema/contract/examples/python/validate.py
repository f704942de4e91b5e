"""Checks documents with only the published files: validate.py DOCUMENT...

Needs `pip install 'jsonschema[format-nongpl]'`. The denylist is the one of the conformance run, a hundred lines that
were written only from denylist.json; copy it.
"""

import hashlib
import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

HERE = Path(__file__).resolve().parent
CONTRACT = HERE / "../../v1"
sys.path.insert(0, str(HERE / "../../conformance/python"))
from denylist import Denylist  # noqa: E402


def load(name):
    return json.loads((CONTRACT / name).read_text(encoding="utf-8"))


def untouched():
    """Whether each file is what the index says: a damaged schema would let everything pass."""
    for entry in load("index.json")["files"]:
        digest = hashlib.sha256((CONTRACT / entry["path"]).read_bytes()).hexdigest()
        if digest != entry["sha256"]:
            sys.exit(f"{entry['path']} is damaged")


def main(paths):
    untouched()
    schemas = {kind: load(f"{kind}.schema.json") for kind in ("run-manifest", "telemetry")}
    checker = Draft202012Validator.FORMAT_CHECKER
    validators = {kind: Draft202012Validator(schema, format_checker=checker) for kind, schema in schemas.items()}
    denylist = Denylist(load("denylist.json"), schemas.values())
    refused = 0
    for path in paths:
        document, tripped = denylist.read(Path(path).read_bytes())
        if not tripped:
            kind = "telemetry" if isinstance(document, dict) and "event_family" in document else "run-manifest"
            # Say which keyword and where, and never the value: it may be what must not be told.
            errors = validators[kind].iter_errors(document)
            tripped = [(f"schema.{e.validator}", denylist.masked(e.absolute_path)) for e in errors]
            tripped += denylist.walk(document)
        refused += bool(tripped)
        print(f"{path}: {'refused' if tripped else 'pass'}")
        for rule, pointer in tripped:
            print(f"  {rule} at {pointer or 'the document'}")
    return 1 if refused else 0


sys.exit(main(sys.argv[1:]))
