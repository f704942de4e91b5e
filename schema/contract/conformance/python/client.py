"""Generates pydantic models and feeds them: client.py CONTRACT_DIRECTORY DOCUMENTS SCRATCH. One JSON object.

From the strict schema and from the one for generators, so that what the second is for can be seen.
"""

import importlib.util
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from pydantic import ValidationError

directory, documents, scratch = (Path(argument) for argument in sys.argv[1:])
ROWS = [json.loads(line) for line in documents.read_text(encoding="utf-8").splitlines()]


def generated(name, schema):
    path = scratch / f"{name}.py"
    options = ["--input-file-type", "jsonschema", "--output-model-type", "pydantic_v2.BaseModel"]
    options += ["--formatters", "builtin", "--disable-timestamp"]
    command = [sys.executable, "-m", "datamodel_code_generator", "--input", schema, "--output", path, *options]
    subprocess.run(command, check=True)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return path.read_text(encoding="utf-8"), module.TelemetryDocument


def errors_of(model, text):
    try:
        model.model_validate_json(text)
    except ValidationError as error:
        return error.error_count()
    return 0


def speed(model, texts):
    begun, count = time.process_time(), 0
    while time.process_time() - begun < 1:
        for text in texts:
            model.model_validate_json(text)
        count += len(texts)
    return round(count / (time.process_time() - begun))


def figures(name, schema):
    source, model = generated(name, schema)
    found = [(row, errors_of(model, json.dumps(row["document"]))) for row in ROWS]
    words = [errors for row, errors in found if row["wrong_word"]]
    return {
        "lines": len(source.splitlines()),
        "numbered": len(re.findall(r"^class \w*[a-z][0-9]+\(", source, re.MULTILINE)),
        "tagged": "discriminator='event_name'" in source,
        "errors_for_a_wrong_word": round(sum(words) / len(words), 1),
        "documents_a_second": speed(model, [json.dumps(row["document"]) for row in ROWS if row["valid"]]),
        "refused_though_valid": [row["name"] for row, errors in found if row["valid"] and errors],
        "passed_though_invalid": [row["name"] for row, errors in found if not row["valid"] and not errors],
    }


strict, codegen = directory / "telemetry.schema.json", directory / "codegen/telemetry.schema.json"
print(json.dumps({"before": figures("strict", strict), "after": figures("codegen", codegen)}))
