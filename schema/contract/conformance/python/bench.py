"""Validates the documents of an NDJSON file with python-jsonschema: bench.py CONTRACT_FOLDER FILE LIMIT.

Prints the seconds it took. LIMIT bounds the documents, because this is slow.
"""

import json
import sys
import time
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker

folder, file, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((folder / name).read_text())
    return Draft202012Validator(schema, format_checker=FormatChecker())


manifest, telemetry = validator("run-manifest.schema.json"), validator("telemetry.schema.json")
lines = Path(file).read_text().splitlines()[:limit]
begun, refused = time.process_time(), 0
for line in lines:
    document = json.loads(line)
    chosen = telemetry if "event_family" in document else manifest
    refused += not chosen.is_valid(document)
print(json.dumps({"documents": len(lines), "refused": refused, "cpu_seconds": time.process_time() - begun}))
