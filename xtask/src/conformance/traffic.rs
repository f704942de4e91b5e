//! Documents for programs of others: those of real runs, and the telemetry vectors.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::tools::scratch;
use super::vector::PublishedVector;

/// Files of documents.
pub(super) struct Traffic {
    /// One row per document, with what is known about it.
    pub(super) rows: PathBuf,
    /// Only the valid documents, each event once.
    pub(super) valid: PathBuf,
    /// Only the documents with a word outside its list.
    pub(super) wrong_words: PathBuf,
    /// What the tables must hold of the valid ones.
    pub(super) stored: StoredRows,
}

/// Rows of the tables.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StoredRows {
    pub(super) events: usize,
    pub(super) manifests: usize,
    pub(super) components: usize,
}

/// Makes the documents. `program` is ours; it makes dry runs, which need neither root nor a network.
pub(super) fn prepare(program: &Path, vectors: &[PublishedVector]) -> anyhow::Result<Traffic> {
    let mut rows = real_documents(program)?;
    if rows.is_empty() {
        bail!("dry runs with telemetry left no documents");
    }
    rows.extend(vectors.iter().filter_map(PublishedVector::telemetry_row));
    // Vectors share an event id, and tables hold each event once.
    for (number, row) in rows.iter_mut().enumerate().filter(|(_, row)| row["valid"] == true) {
        row["document"]["event_id"] = json!(format!("0d5a1c7e-6a53-4a9e-8c0f-{number:012x}"));
    }
    let documents = |wanted: &dyn Fn(&&Value) -> bool| -> Vec<Value> {
        rows.iter().filter(wanted).map(|row| row["document"].clone()).collect()
    };
    let valid = documents(&|row| row["valid"] == true);
    let manifests: Vec<&Value> = valid.iter().filter_map(|document| document.get("manifest")).collect();
    let components = manifests.iter().filter_map(|manifest| manifest["components"].as_object());
    let stored = StoredRows {
        events: valid.len(),
        manifests: manifests.len(),
        components: components.map(serde_json::Map::len).sum(),
    };
    Ok(Traffic {
        rows: write("rows.ndjson", &rows)?,
        wrong_words: write("wrong-words.ndjson", &documents(&|row| row["stored"] == true))?,
        valid: write("valid.ndjson", &valid)?,
        stored,
    })
}

fn write(name: &str, lines: &[Value]) -> anyhow::Result<PathBuf> {
    let path = scratch().join(name);
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let text = lines.join("\n") + "\n";
    fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
    Ok(path)
}

/// What dry runs of three modes would send.
fn real_documents(program: &Path) -> anyhow::Result<Vec<Value>> {
    let runs = scratch().join("runs");
    if runs.exists() {
        fs::remove_dir_all(&runs)?;
    }
    for mode in ["server", "single-node", "stack"] {
        let output = Command::new(program)
            .args(["run", "--mode", mode, "--dry-run", "--yes"])
            .env("PRODUCTIVE_K3S_RUNS_DIR", &runs)
            // Empty: stored and never sent.
            .envs([("TELEMETRY_ENABLED", "true"), ("TELEMETRY_ENDPOINT", "")])
            .output()
            .context("failed to start the program")?;
        if !output.status.success() {
            bail!("a dry run of {mode} failed: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let mut rows = Vec::new();
    for entry in fs::read_dir(runs.join("telemetry-outbox"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let stored: Value = serde_json::from_slice(&fs::read(&path)?)?;
            rows.push(json!({
                "name": "real", "valid": true, "wrong_word": false, "stored": false, "document": stored["document"],
            }));
        }
    }
    Ok(rows)
}
