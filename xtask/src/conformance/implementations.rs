//! The implementations that share no code with our gate: a validator and a denylist in each of three languages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use super::vector::Verdict;
use super::{Outcome, Verdicts, install};
use crate::files;

/// Each implementation's name and verdicts.
pub(super) fn verdicts(
    contract: &Path,
    python: &Outcome<PathBuf>,
) -> anyhow::Result<Vec<(&'static str, Outcome<Verdicts>)>> {
    let folder = files::contract().join("conformance");
    let node = match install::node("node", &folder.join("node"))? {
        Outcome::Ran(()) => run(Command::new("node").arg(folder.join("node/check.mjs")).arg(contract))?,
        Outcome::Skipped(reason) => Outcome::Skipped(reason),
    };
    let (snake, perl) = match python {
        Outcome::Ran(programs) => (
            run(Command::new(programs.join("python"))
                .arg("-B")
                .arg(folder.join("python/check.py"))
                .arg(contract))?,
            // By its module: two of the packages have a program of the name `jsonschema`.
            run(Command::new("perl")
                .arg(folder.join("perl/check.pl"))
                .arg(contract)
                .arg(programs.join("python"))
                .args(["-m", "sourcemeta_jsonschema"]))?,
        ),
        Outcome::Skipped(reason) => (Outcome::Skipped(reason.clone()), Outcome::Skipped(reason.clone())),
    };
    Ok(vec![
        ("ajv, denylist in JavaScript", node),
        ("python-jsonschema, denylist in Python", snake),
        ("Sourcemeta (C++), denylist in Perl", perl),
    ])
}

/// The verdicts that a program prints, one JSON object a line. A program that is not there is skipped; one that fails
/// is a fault.
fn run(command: &mut Command) -> anyhow::Result<Outcome<Verdicts>> {
    let program = command.get_program().to_string_lossy().into_owned();
    if let Err(reason) = install::output_of(Command::new(&program).arg("--version")) {
        return Ok(Outcome::Skipped(reason));
    }
    let printed = install::output_of(command).map_err(anyhow::Error::msg)?;
    let verdicts =
        printed.lines().map(|line| parse(line).with_context(|| format!("{program} printed {line:?}")));
    Ok(Outcome::Ran(verdicts.collect::<anyhow::Result<_>>()?))
}

fn parse(line: &str) -> anyhow::Result<(String, Verdict)> {
    let line: Value = serde_json::from_str(line)?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
    let tripped = line["tripped"].as_array().context("what tripped")?;
    let tripped =
        tripped.iter().map(|pair| Ok((text(&pair[0])?, text(&pair[1])?))).collect::<anyhow::Result<_>>()?;
    Ok((text(&line["vector"])?, Verdict { schema_accepts: line["schema_accepts"].as_bool(), tripped }))
}
