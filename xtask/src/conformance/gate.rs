//! Our own gate, as everyone can run it: `bootstrap validate`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use super::tools::{ToolResult, checked, scratch};
use super::vector::{self, PublishedVector, VectorClass, VectorVerdict, Verdicts};
use crate::releases;

/// Writes the document of each vector to a file of the vector's name; the directory of the files.
pub(super) fn lay_out(vectors: &[PublishedVector]) -> anyhow::Result<PathBuf> {
    let directory = scratch().join("documents");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory).with_context(|| format!("failed to create {}", directory.display()))?;
    for vector in vectors {
        fs::write(directory.join(&vector.name), &vector.bytes)?;
    }
    Ok(directory)
}

/// The verdict of the gate on each vector.
pub(super) fn verdicts(program: &Path, vectors: &[PublishedVector]) -> anyhow::Result<Verdicts> {
    let directory = lay_out(vectors)?;
    // It ends with 1 because documents are refused, which is what most vectors are about.
    let names = vectors.iter().map(|vector| &vector.name);
    let output = Command::new(program)
        .args(["validate", "--json", "--"])
        .args(names)
        .current_dir(&directory)
        .output()
        .with_context(|| format!("failed to start {}", program.display()))?;
    let printed = String::from_utf8(output.stdout)?;
    printed.lines().map(parse).collect()
}

fn parse(line: &str) -> anyhow::Result<(String, VectorVerdict)> {
    let line: Value = serde_json::from_str(line)?;
    let violations = line["violations"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tripped: Vec<(String, String)> =
        violations.iter().map(|found| (text(&found["rule"]), text(&found["pointer"]))).collect();
    if (line["verdict"] == "pass") != tripped.is_empty() {
        bail!("a verdict and its violations contradict each other: {line}");
    }
    // The gate reports both kinds together; the others report the schema apart.
    let schema_accepts = Some(!tripped.iter().any(|(rule, _)| rule.starts_with("schema.")));
    Ok((text(&line["file"]), VectorVerdict { schema_accepts, tripped }))
}

/// Whether the gate still passes what releases of this major version promised to pass.
pub(super) fn released(program: &Path) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    for release in releases::all()?.into_iter().filter(releases::ContractRelease::is_of_this_major) {
        let vectors = vector::load(&release.directory)?;
        let passing: Vec<PublishedVector> =
            vectors.into_iter().filter(|vector| vector.class() == VectorClass::Pass).collect();
        let verdicts = verdicts(program, &passing)?;
        let refused: Vec<String> = passing
            .iter()
            .filter_map(|vector| {
                let fault = vector.fault(verdicts.get(&vector.name)?)?;
                Some(format!("{}: {fault}", vector.name))
            })
            .collect();
        let outcome = if refused.is_empty() {
            Ok(format!("{} pass", passing.len()))
        } else {
            Err(refused.join("\n    "))
        };
        faults.extend(checked(
            &format!("pass vectors of release {}", release.version),
            ToolResult::Ran(outcome),
        ));
    }
    Ok(faults)
}
