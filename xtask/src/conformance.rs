//! `cargo xtask conformance`: the vectors through our gate and through implementations that share no code with it.
//!
//! Receivers use only the published files, in their own languages. A mistake in the files, or a sentence of the
//! denylist with two meanings, shows only in another implementation: hence three other languages.

mod clients;
mod databases;
mod examples;
mod gate;
mod implementations;
mod speed;
mod tools;
mod traffic;
mod vector;
mod wasm;
mod wheel;

use anyhow::bail;

use crate::{program, workspace};
use tools::ToolResult;
use vector::{PublishedVector, VectorClass, VectorVerdict, Verdicts};
pub(crate) use wasm::build_alone as build_wasm;
pub(crate) use wheel::build_alone as build_wheel;

/// Prints the table of agreement, and fails on any disagreement.
pub(crate) fn run() -> anyhow::Result<()> {
    let contract = workspace::published();
    let vectors = vector::load(&contract)?;
    let program = program::build(&["--package", "bootstrap"])?;
    let python = tools::python()?;
    let ours = gate::verdicts(&program, &vectors)?;
    let mut disagreements = Table::of_our_gate(&vectors, &ours).print_with_heading();
    for (name, outcome) in implementations::verdicts(&contract, &python)? {
        disagreements.extend(Table::of_another(name, &vectors, &outcome, &ours).print());
    }
    let wheel = wheel::install(&python)?;
    let wasm = wasm::install()?;
    for (name, outcome) in [
        ("our gate as a wheel for Python", wheel::verdicts(&contract, &wheel)?),
        ("our gate as WebAssembly", wasm::verdicts(&contract, &wasm)?),
    ] {
        disagreements.extend(Table::of_ours_elsewhere(name, &vectors, &outcome, &ours).print());
    }
    workspace::print_line("");
    disagreements.extend(implementations::check_schemas(&contract, &python));
    disagreements.extend(implementations::check_openapi(&contract, &python));
    let traffic = traffic::prepare(&program, &vectors)?;
    disagreements.extend(clients::check(&contract, &traffic, &python)?);
    disagreements.extend(wheel::check(&contract, &traffic, &wheel));
    disagreements.extend(wasm::check(&contract, &traffic, &wasm)?);
    disagreements.extend(databases::check(&contract, &traffic, &python));
    disagreements.extend(gate::released(&program)?);
    disagreements.extend(examples::check(&vectors, &python)?);
    if disagreements.is_empty() {
        return Ok(());
    }
    bail!("{} disagreements:\n  {}", disagreements.len(), disagreements.join("\n  "))
}

/// How far one implementation agrees with the vectors.
struct Table {
    name: String,
    cells: Vec<String>,
    disagreements: Vec<String>,
}

impl Table {
    /// Our own gate against the vectors.
    fn of_our_gate(vectors: &[PublishedVector], verdicts: &Verdicts) -> Self {
        Self::count("our gate", vectors, verdicts, PublishedVector::fault)
    }

    /// Another implementation against our gate.
    fn of_another(
        name: &str,
        vectors: &[PublishedVector],
        outcome: &ToolResult<Verdicts>,
        ours: &Verdicts,
    ) -> Self {
        Self::of(name, vectors, outcome, |vector, verdict| {
            vector.disagreement(verdict, ours.get(&vector.name)?)
        })
    }

    /// Our gate in another language against our gate: it is the same code, so nothing may differ, not even the order.
    fn of_ours_elsewhere(
        name: &str,
        vectors: &[PublishedVector],
        outcome: &ToolResult<Verdicts>,
        ours: &Verdicts,
    ) -> Self {
        Self::of(name, vectors, outcome, |vector, verdict| {
            let ours = ours.get(&vector.name);
            (Some(verdict) != ours).then(|| format!("{verdict:?}, and our gate: {ours:?}"))
        })
    }

    fn of(
        name: &str,
        vectors: &[PublishedVector],
        outcome: &ToolResult<Verdicts>,
        fault_of: impl Fn(&PublishedVector, &VectorVerdict) -> Option<String>,
    ) -> Self {
        match outcome {
            ToolResult::Ran(verdicts) => Self::count(name, vectors, verdicts, fault_of),
            ToolResult::Skipped(reason) => Self {
                name: name.to_owned(),
                cells: vec![format!("  SKIP: {reason}")],
                disagreements: Vec::new(),
            },
        }
    }

    fn count(
        name: &str,
        vectors: &[PublishedVector],
        verdicts: &Verdicts,
        fault_of: impl Fn(&PublishedVector, &VectorVerdict) -> Option<String>,
    ) -> Self {
        let mut disagreements = Vec::new();
        let cells = VectorClass::ALL.map(|class| {
            let of_class = vectors.iter().filter(|vector| vector.class() == class);
            let all = of_class.clone().count();
            let before = disagreements.len();
            disagreements.extend(of_class.filter_map(|vector| {
                let fault = match verdicts.get(&vector.name) {
                    Some(verdict) => fault_of(vector, verdict)?,
                    None => "no verdict".to_owned(),
                };
                Some(format!("{name}: {}: {fault}", vector.name))
            }));
            format!("{}/{all}", all - (disagreements.len() - before))
        });
        Self { name: name.to_owned(), cells: cells.into(), disagreements }
    }

    /// Prints the line; what does not agree.
    fn print(self) -> Vec<String> {
        workspace::print_line(&row(&self.name, &self.cells));
        self.disagreements
    }

    /// Prints the names of the columns above the line.
    fn print_with_heading(self) -> Vec<String> {
        let columns = ["pass", "document", "schema", "denylist"].map(str::to_owned);
        workspace::print_line(&row("vectors that agree", &columns));
        self.print()
    }
}

fn row(name: &str, cells: &[String]) -> String {
    cells.iter().fold(format!("{name:<42}"), |row, cell| format!("{row}{cell:>12}"))
}
