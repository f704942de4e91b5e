"""The vectors of a contract, one after the other."""

import base64
import json


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def bytes_of(vector):
    if "raw_base64" in vector:
        return base64.b64decode(vector["raw_base64"])
    return vector.get("raw", json.dumps(vector.get("document"), ensure_ascii=False)).encode("utf-8")


def vectors(contract):
    """The name of the schema that applies, the vector, its name and its bytes."""
    for path in sorted((contract / "vectors").iterdir()):
        for group in load(path):
            for vector in group["tests"]:
                yield group["schema"], vector, vector["description"].split(": ")[0], bytes_of(vector)
