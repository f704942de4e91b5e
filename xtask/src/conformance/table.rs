//! The table of agreement: one line an implementation, one column a class of vectors.

use super::vector::{Class, Vector, Verdict};
use super::{Outcome, Verdicts};
use crate::output;

/// How far one implementation agrees with the vectors.
pub(super) struct Table {
    name: String,
    cells: Vec<String>,
    disagreements: Vec<String>,
}

impl Table {
    /// Our own gate against the vectors.
    pub(super) fn of_our_gate(vectors: &[Vector], verdicts: &Verdicts) -> Self {
        Self::count("our gate", vectors, verdicts, Vector::fault)
    }

    /// Another implementation against our gate.
    pub(super) fn of_another(
        name: &str,
        vectors: &[Vector],
        outcome: &Outcome<Verdicts>,
        ours: &Verdicts,
    ) -> Self {
        match outcome {
            Outcome::Ran(verdicts) => Self::count(name, vectors, verdicts, |vector, verdict| {
                vector.disagreement(verdict, ours.get(&vector.name)?)
            }),
            Outcome::Skipped(reason) => Self {
                name: name.to_owned(),
                cells: vec![format!("  SKIP: {reason}")],
                disagreements: Vec::new(),
            },
        }
    }

    fn count(
        name: &str,
        vectors: &[Vector],
        verdicts: &Verdicts,
        fault_of: impl Fn(&Vector, &Verdict) -> Option<String>,
    ) -> Self {
        let mut disagreements = Vec::new();
        let cells = Class::ALL.map(|class| {
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
    pub(super) fn print(self) -> Vec<String> {
        output::line(&row(&self.name, &self.cells));
        self.disagreements
    }

    /// Prints the names of the columns above the line.
    pub(super) fn print_with_heading(self) -> Vec<String> {
        let columns = ["pass", "document", "schema", "denylist"].map(str::to_owned);
        output::line(&row("vectors that agree", &columns));
        self.print()
    }
}

fn row(name: &str, cells: &[String]) -> String {
    cells.iter().fold(format!("{name:<42}"), |row, cell| format!("{row}{cell:>12}"))
}
