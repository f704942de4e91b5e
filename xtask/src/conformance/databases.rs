//! The published tables, loaded into real databases.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::tools::{self, ToolResult, checked};
use super::traffic::{StoredRows, Traffic};
use crate::workspace;

/// Loads every engine that is available; what went wrong.
pub(super) fn check(contract: &Path, traffic: &Traffic, python: &ToolResult<PathBuf>) -> Vec<String> {
    let directory = workspace::contract().join("conformance");
    let duck = python.with(|programs| {
        let printed = tools::output_of(
            Command::new(programs.join("python"))
                .arg("-B")
                .arg(directory.join("python/tables.py"))
                .args([contract, &traffic.rows]),
        )?;
        let found: Value = serde_json::from_str(&printed).map_err(|error| error.to_string())?;
        let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
        judge(&traffic.stored, |name| number(&found[name]).or_else(|| number(&found["tables"][name])))
    });
    let postgres = postgres(contract, traffic, &directory);
    let query = ToolResult::Skipped("a service, which no package installs".to_owned());
    let outcomes = [("DuckDB tables", duck), ("PostgreSQL tables", postgres), ("BigQuery table", query)];
    outcomes.into_iter().filter_map(|(name, outcome)| checked(name, outcome)).collect()
}

fn postgres(contract: &Path, traffic: &Traffic, directory: &Path) -> ToolResult<Result<String, String>> {
    let mut command = Command::new("sh");
    command.arg(directory.join("postgresql/load.sh")).args([contract, &traffic.valid, &traffic.wrong_words]);
    let printed = match tools::output_of(&mut command) {
        Ok(printed) => printed,
        Err(fault) => return ToolResult::Ran(Err(fault)),
    };
    if let Some(reason) = printed.strip_prefix("SKIP: ") {
        return ToolResult::Skipped(reason.trim().to_owned());
    }
    ToolResult::Ran(judge(&traffic.stored, |name| {
        let mut lines = printed.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(known, _)| *known == name).and_then(|(_, number)| number.parse().ok())
    }))
}

/// Whether the tables hold each document once, and refused every word that is in no list.
fn judge(wanted: &StoredRows, found: impl Fn(&str) -> Option<usize>) -> Result<String, String> {
    let number = |name: &str| found(name).ok_or_else(|| format!("{name} is not told"));
    let stored = StoredRows {
        events: number("telemetry_event")?,
        manifests: number("run_manifest")?,
        components: number("run_component")?,
    };
    if stored != *wanted {
        return Err(format!("{stored:?} in place of {wanted:?}"));
    }
    if number("telemetry_incoming")? != 0 {
        return Err("documents were left in telemetry_incoming".to_owned());
    }
    let (words, refused) = (number("wrong_words")?, number("refused")?);
    if words == 0 || refused != words {
        return Err(format!("{refused} of {words} wrong words were refused"));
    }
    Ok(format!(
        "{} documents loaded twice and stored once, {} manifests, {} components; {words} wrong words refused",
        stored.events, stored.manifests, stored.components
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_too_many_and_a_word_that_got_in_are_faults() {
        let wanted = StoredRows { events: 3, manifests: 1, components: 2 };
        let good = [
            ("telemetry_incoming", 0),
            ("telemetry_event", 3),
            ("run_manifest", 1),
            ("run_component", 2),
            ("wrong_words", 4),
            ("refused", 4),
        ];
        let verdict = |changed: Option<(&str, Option<usize>)>| {
            judge(&wanted, |name| match changed {
                Some((known, number)) if known == name => number,
                _ => good.iter().find(|(known, _)| *known == name).map(|(_, number)| *number),
            })
        };
        assert!(verdict(None).is_ok());
        for (name, number) in good {
            for wrong in [None, Some(number + 1), Some(9)] {
                assert!(verdict(Some((name, wrong))).is_err(), "{name} {wrong:?}");
            }
        }
    }
}
