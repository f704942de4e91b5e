"""Runs every vector through the wheel: wheel_verdicts.py CONTRACT_DIRECTORY. One JSON line per vector."""

import json
import sys
from pathlib import Path

from productive_k3s_contract import validate

from vectors import vectors

for _, _, name, data in vectors(Path(sys.argv[1])):
    tripped = [(violation.rule, violation.pointer) for violation in validate(data).violations]
    accepts = not any(rule.startswith("schema.") for rule, _ in tripped)
    print(json.dumps({"vector": name, "schema_accepts": accepts, "tripped": tripped}))
