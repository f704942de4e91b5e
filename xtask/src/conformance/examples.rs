//! The examples for receiver teams, tried out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::gate;
use super::tools::{self, ToolResult, checked, scratch};
use super::vector::{PublishedVector, VectorClass};
use crate::program::{self, ReceiverProcess};
use crate::workspace;

/// Tries every example; what went wrong.
pub(super) fn check(
    vectors: &[PublishedVector],
    python: &ToolResult<PathBuf>,
) -> anyhow::Result<Vec<String>> {
    let directory = workspace::contract().join("examples");
    let snake = match python {
        ToolResult::Ran(programs) => {
            ToolResult::Ran(validate(&directory, &programs.join("python"), vectors)?)
        }
        ToolResult::Skipped(reason) => ToolResult::Skipped(reason.clone()),
    };
    let script = directory.join("typescript");
    let script = match tools::node("typescript", &script)? {
        ToolResult::Ran(()) => {
            let build =
                tools::output_of(Command::new("npm").args(["run", "--silent", "build"]).current_dir(&script));
            ToolResult::Ran(build.map(|_| "types generated and receiver compiled".to_owned()))
        }
        ToolResult::Skipped(reason) => ToolResult::Skipped(reason),
    };
    let curl = match tools::output_of(Command::new("curl").arg("--version")) {
        Ok(_) => ToolResult::Ran(send(&directory)?),
        Err(reason) => ToolResult::Skipped(reason),
    };
    let outcomes =
        [("example in Python", snake), ("example in TypeScript", script), ("example with curl", curl)];
    Ok(outcomes.into_iter().filter_map(|(name, outcome)| checked(name, outcome)).collect())
}

/// Lets the Python example judge the document of every vector.
fn validate(
    directory: &Path,
    python: &Path,
    vectors: &[PublishedVector],
) -> anyhow::Result<Result<String, String>> {
    let documents = gate::lay_out(vectors)?;
    let output = Command::new(python)
        .arg("-B")
        .arg(directory.join("python/validate.py"))
        .args(vectors.iter().map(|vector| &vector.name))
        .current_dir(&documents)
        .output()
        .with_context(|| format!("failed to start {}", python.display()))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let verdict_of =
        |vector: &PublishedVector| if vector.class() == VectorClass::Pass { "pass" } else { "refused" };
    // It ends with an error, since most documents must be refused: what counts is its line for each.
    let missing = vectors.iter().find(|vector| {
        let wanted = format!("{}: {}", vector.name, verdict_of(vector));
        !printed.lines().any(|line| line == wanted)
    });
    Ok(match missing {
        None => Ok(format!("{} documents judged as the vectors say", vectors.len())),
        Some(vector) => Err(format!("{}: {}", vector.name, String::from_utf8_lossy(&output.stderr))),
    })
}

/// Sends the telemetry vectors to our receiver with curl.
fn send(directory: &Path) -> anyhow::Result<Result<String, String>> {
    let program = program::build(&["--package", "receiver"])?;
    // What an earlier run left would be duplicates.
    let kept = scratch().join("received");
    if kept.exists() {
        fs::remove_dir_all(&kept)?;
    }
    let mut serve = Command::new(program);
    serve.args(["serve", "--disk-reserve", "0", "--store"]).arg(kept.join("receiver.db"));
    let receiver = ReceiverProcess::start(serve)?;
    let script = directory.join("curl/send.sh");
    let sent = tools::output_of(
        Command::new("sh").arg(script).arg(format!("http://{}/telemetry", receiver.address)),
    );
    Ok(sent.map(|said| said.trim().to_owned()))
}
