//! The implementations that share no code with our gate: a validator and a denylist in each of three languages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use schema::DocumentKind;
use serde_json::Value;

use super::tools::{self, ToolResult, checked};
use super::vector::{VectorVerdict, Verdicts};
use crate::workspace;

/// Each implementation's name and verdicts.
pub(super) fn verdicts(
    contract: &Path,
    python: &ToolResult<PathBuf>,
) -> anyhow::Result<Vec<(&'static str, ToolResult<Verdicts>)>> {
    let directory = workspace::contract().join("conformance");
    let node = match tools::node("node", &directory.join("node"))? {
        ToolResult::Ran(()) => run(Command::new("node").arg(directory.join("node/check.mjs")).arg(contract))?,
        ToolResult::Skipped(reason) => ToolResult::Skipped(reason),
    };
    let (snake, perl) = match python {
        ToolResult::Ran(programs) => (
            run(Command::new(programs.join("python"))
                .arg("-B")
                .arg(directory.join("python/check.py"))
                .arg(contract))?,
            // By its module: two of the packages have a program of the name `jsonschema`.
            run(Command::new("perl")
                .arg(directory.join("perl/check.pl"))
                .arg(contract)
                .arg(programs.join("python"))
                .args(["-m", "sourcemeta_jsonschema"]))?,
        ),
        ToolResult::Skipped(reason) => {
            (ToolResult::Skipped(reason.clone()), ToolResult::Skipped(reason.clone()))
        }
    };
    Ok(vec![
        ("ajv, denylist in JavaScript", node),
        ("python-jsonschema, denylist in Python", snake),
        ("Sourcemeta (C++), denylist in Perl", perl),
    ])
}

/// The verdicts that a program prints, one JSON object per line. A missing program is skipped; one that fails
/// is a fault.
pub(super) fn run(command: &mut Command) -> anyhow::Result<ToolResult<Verdicts>> {
    let program = command.get_program().to_string_lossy().into_owned();
    // Its version first, to distinguish a missing program from one that fails.
    if let Err(reason) = tools::output_of(Command::new(&program).arg("--version")) {
        return Ok(ToolResult::Skipped(reason));
    }
    let printed = tools::output_of(command).map_err(anyhow::Error::msg)?;
    let verdicts =
        printed.lines().map(|line| parse(line).with_context(|| format!("{program} printed {line:?}")));
    Ok(ToolResult::Ran(verdicts.collect::<anyhow::Result<_>>()?))
}

fn parse(line: &str) -> anyhow::Result<(String, VectorVerdict)> {
    let line: Value = serde_json::from_str(line)?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
    let tripped = line["tripped"].as_array().context("what tripped")?;
    let tripped =
        tripped.iter().map(|pair| Ok((text(&pair[0])?, text(&pair[1])?))).collect::<anyhow::Result<_>>()?;
    Ok((text(&line["vector"])?, VectorVerdict { schema_accepts: line["schema_accepts"].as_bool(), tripped }))
}

/// Whether `openapi.json` is a sound OpenAPI document.
pub(super) fn check_openapi(contract: &Path, python: &ToolResult<PathBuf>) -> Option<String> {
    let outcome = python.with(|programs| {
        let mut command = Command::new(programs.join("openapi-spec-validator"));
        tools::output_of(command.arg("--schema").arg("3.1").arg(contract.join("openapi.json")))
            .map(|_| "openapi.json is sound".to_owned())
    });
    checked("openapi-spec-validator", outcome)
}

/// Whether the published schemas are sound schemas themselves. That ajv compiles them in strict mode without a warning is
/// part of its own run.
pub(super) fn check_schemas(contract: &Path, python: &ToolResult<PathBuf>) -> Option<String> {
    let outcome = match python {
        ToolResult::Ran(programs) => {
            let schemas = DocumentKind::ALL.map(|kind| contract.join(kind.schema_file()));
            let mut command = Command::new(programs.join("check-jsonschema"));
            ToolResult::Ran(
                tools::output_of(command.arg("--check-metaschema").args(schemas))
                    .map(|said| said.trim().to_owned()),
            )
        }
        ToolResult::Skipped(reason) => ToolResult::Skipped(reason.clone()),
    };
    checked("check-jsonschema --check-metaschema", outcome)
}
