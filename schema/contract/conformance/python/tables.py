"""Loads documents into DuckDB: tables.py CONTRACT_DIRECTORY DOCUMENTS. One JSON object: the rows of each table."""

import json
import sys
from pathlib import Path

import duckdb

directory, documents = (Path(argument) for argument in sys.argv[1:])
script = (directory / "sql/duckdb.sql").read_text(encoding="utf-8")
rows = [json.loads(line) for line in documents.read_text(encoding="utf-8").splitlines()]
TABLES = ["telemetry_incoming", "telemetry_event", "run_manifest", "run_component"]


def loaded(texts):
    """The rows of each table after two loads of the same documents."""
    database = duckdb.connect()
    database.execute(script)
    for _ in range(2):
        database.executemany("INSERT INTO telemetry_incoming VALUES (?)", [[text] for text in texts])
        database.execute(script)
    return {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}


def is_refused(text):
    """Whether the bounds of the tables keep a document out."""
    try:
        loaded([text])
    except duckdb.Error:
        return True
    return False


valid = [json.dumps(row["document"]) for row in rows if row["valid"]]
words = [json.dumps(row["document"]) for row in rows if row["wrong_word"] and row["stored"]]
print(json.dumps({"tables": loaded(valid), "wrong_words": len(words), "refused": sum(map(is_refused, words))}))
