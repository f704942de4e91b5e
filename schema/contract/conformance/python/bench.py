"""Measures validators in Python: bench.py CONTRACT_DIRECTORY DOCUMENTS. One JSON list.

DOCUMENTS has one valid document per line. Each measurement begins with the bytes of a request, so that reading JSON counts.
All figures are processor time, not wall-clock time: others may use the machine.
"""

import json
import sys
import time
from pathlib import Path

import fastjsonschema
import jsonschema_rs
from jsonschema import Draft202012Validator
from productive_k3s_contract import validate

from denylist import Denylist
from vectors import load, vectors

contract, documents = (Path(argument) for argument in sys.argv[1:])
SCHEMAS = {kind: load(contract / f"{kind}.schema.json") for kind in ("run-manifest", "telemetry")}
VECTORS = [(vector["valid"], data) for _, vector, _, data in vectors(contract)]
ACCEPTED = [line for line in documents.read_bytes().splitlines() if validate(line)]
SECONDS = 1.0


def schema_alone(is_valid):
    """A judge that reads JSON as Python does, and asks the schema of the document's kind."""

    def judge(data):
        try:
            document = json.loads(data)
            kind = "telemetry" if isinstance(document, dict) and "event_family" in document else "run-manifest"
            return is_valid[kind](document)
        except (ValueError, RecursionError):
            return False

    return judge


def raising(check):
    """fastjsonschema answers with an exception."""

    def is_valid(document):
        try:
            check(document)
        except fastjsonschema.JsonSchemaException:
            return False
        return True

    return is_valid


def with_denylist():
    """All of the contract, as the example does it."""
    denylist = Denylist(load(contract / "denylist.json"), SCHEMAS.values())
    checker = Draft202012Validator.FORMAT_CHECKER
    validators = {kind: Draft202012Validator(schema, format_checker=checker) for kind, schema in SCHEMAS.items()}

    def judge(data):
        document, tripped = denylist.read(data)
        kind = "telemetry" if isinstance(document, dict) and "event_family" in document else "run-manifest"
        return not tripped and validators[kind].is_valid(document) and not any(denylist.walk(document))

    return judge


def speed(judge):
    begun, count = time.process_time(), 0
    while time.process_time() - begun < SECONDS:
        for data in ACCEPTED:
            judge(data)
        count += len(ACCEPTED)
    return round(count / (time.process_time() - begun))


def figures(name, judge):
    verdicts = [(valid, bool(judge(data))) for valid, data in VECTORS]
    return {
        "name": name,
        "documents_a_second": speed(judge),
        "refused": sum(valid and not passed for valid, passed in verdicts) + sum(not judge(data) for data in ACCEPTED),
        "passed": sum(passed and not valid for valid, passed in verdicts),
    }


fast = {kind: raising(fastjsonschema.compile(schema)) for kind, schema in SCHEMAS.items()}
rust = {
    kind: jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid
    for kind, schema in SCHEMAS.items()
}
print(
    json.dumps(
        [
            figures("all: productive-k3s-contract", validate),
            figures("all: python-jsonschema and denylist.py", with_denylist()),
            figures("schema alone: jsonschema-rs", schema_alone(rust)),
            figures("schema alone: fastjsonschema", schema_alone(fast)),
        ]
    )
)
