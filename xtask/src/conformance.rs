//! `cargo xtask conformance`: the vectors through our gate and through implementations that share no code with it.

mod examples;
mod gate;
mod implementations;
mod install;
mod schemas;
mod table;
mod vector;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;

use crate::{files, output};
use table::Table;
use vector::Verdict;

/// What came of an implementation or a check.
enum Outcome<T> {
    Ran(T),
    /// It cannot be had here; why.
    Skipped(String),
}

/// Verdicts by the name of the vector.
type Verdicts = BTreeMap<String, Verdict>;

/// Where implementations are installed and documents are laid out.
fn scratch() -> PathBuf {
    files::root().join("target/conformance")
}

/// Prints the table of agreement, and fails on any disagreement.
pub(crate) fn run() -> anyhow::Result<()> {
    let contract = files::published();
    let vectors = vector::load(&contract)?;
    let program = gate::build(&["--package", "bootstrap"])?;
    let python = install::python()?;
    let ours = gate::verdicts(&program, &vectors)?;
    let mut disagreements = Table::of_our_gate(&vectors, &ours).print_with_heading();
    for (name, outcome) in implementations::verdicts(&contract, &python)? {
        disagreements.extend(Table::of_another(name, &vectors, &outcome, &ours).print());
    }
    output::line("");
    disagreements.extend(schemas::check(&contract, &python));
    disagreements.extend(gate::released(&program)?);
    disagreements.extend(examples::check(&vectors, &python)?);
    if disagreements.is_empty() {
        return Ok(());
    }
    bail!("{} disagreements:\n  {}", disagreements.len(), disagreements.join("\n  "))
}

/// Prints how a check went; the fault if it found one.
fn checked(name: &str, outcome: Outcome<Result<String, String>>) -> Option<String> {
    match outcome {
        Outcome::Ran(Ok(words)) => {
            output::line(&format!("{name}: {words}"));
            None
        }
        Outcome::Ran(Err(fault)) => {
            output::line(&format!("{name}: FAILED"));
            Some(format!("{name}: {fault}"))
        }
        Outcome::Skipped(reason) => {
            output::line(&format!("{name}: SKIP ({reason})"));
            None
        }
    }
}
