//! Code generators: their output for the strict schema and for the one for generators, compiled and tried with documents.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::tools::{self, ToolResult, checked, scratch};
use super::traffic::Traffic;
use crate::workspace;

/// What a generated client may let pass although the schema refuses it: generated types are no validators.
type Leniency = &'static str;

/// Tries every client; what went wrong.
pub(super) fn check(
    contract: &Path,
    traffic: &Traffic,
    python: &ToolResult<PathBuf>,
) -> anyhow::Result<Vec<String>> {
    let directory = workspace::contract().join("conformance");
    let snake = python.with(|programs| {
        run(Command::new(programs.join("python")).arg("-B").arg(directory.join("python/client.py")).args([
            contract,
            &traffic.rows,
            &scratch(),
        ]))
    });
    let script = tools::node("typescript", &workspace::contract().join("examples/typescript"))?.with(|()| {
        run(Command::new("node").arg(directory.join("node/types.mjs")).args([
            contract,
            &traffic.rows,
            &scratch(),
        ]))
    });
    let rust = tools::rust(contract, &directory.join("rust"))?
        .with(|program| run(Command::new(program).arg(&traffic.rows)));
    let clients: [(&str, _, Leniency); 3] = [
        ("pydantic (datamodel-code-generator)", snake, "offsets of times, and texts for booleans"),
        ("TypeScript (json-schema-to-typescript)", script, "every bound and every pattern"),
        ("Rust (typify)", rust, "bounds of numbers"),
    ];
    let mut faults = Vec::new();
    for (name, outcome, leniency) in clients {
        faults.extend(checked(
            name,
            outcome.map(|figures| figures.and_then(|figures| told(&figures, leniency))),
        ));
    }
    Ok(faults)
}

fn run(command: &mut Command) -> Result<Value, String> {
    let printed = tools::output_of(command)?;
    serde_json::from_str(printed.trim()).map_err(|error| format!("{error}: {printed}"))
}

/// The figures as text, or what is wrong with them.
fn told(figures: &Value, leniency: Leniency) -> Result<String, String> {
    let after = &figures["after"];
    let refused = after["refused_though_valid"].as_array().ok_or("no figures")?;
    if !refused.is_empty() {
        return Err(format!("valid documents are refused: {}", after["refused_though_valid"]));
    }
    for (name, wanted) in [("numbered", 0), ("untagged", 0)] {
        if after.get(name).is_some_and(|count| *count != wanted) {
            return Err(format!("{} types are {name}", after[name]));
        }
    }
    if after["tagged"] == false {
        return Err("the union has no tag".to_owned());
    }
    let mut text = String::new();
    for (member, words) in [
        ("lines", "lines"),
        ("numbered", "numbered types"),
        ("untagged", "untagged unions"),
        ("errors_for_a_wrong_word", "errors for a wrong word"),
        ("documents_a_second", "documents a second"),
        ("documents_compiled_a_second", "documents compiled a second (types alone)"),
    ] {
        if after.get(member).is_some() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{words} {} -> {}; ", figures["before"][member], after[member]);
        }
    }
    let passed = |side: &str| figures[side]["passed_though_invalid"].as_array().map_or(0, Vec::len);
    Ok(format!("{text}invalid documents that pass {} -> {} ({leniency})", passed("before"), passed("after")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_client_that_is_no_better_is_a_fault() {
        let good = json!({ "lines": 5, "numbered": 0, "tagged": true, "untagged": 0,
                           "refused_though_valid": [], "passed_though_invalid": ["x"] });
        let before = json!({ "lines": 9, "numbered": 3, "passed_though_invalid": ["x", "y"] });
        let check = |after: &Value, is_good: bool| {
            let found = told(&json!({ "before": before, "after": after }), "patterns");
            assert_eq!(found.is_ok(), is_good, "{found:?}");
        };
        check(&good, true);
        for (member, value) in [
            ("numbered", json!(1)),
            ("untagged", json!(1)),
            ("tagged", json!(false)),
            ("refused_though_valid", json!(["a"])),
            ("refused_though_valid", Value::Null),
        ] {
            let mut bad = good.clone();
            bad[member] = value;
            check(&bad, false);
        }
        let text = told(&json!({ "before": before, "after": good }), "patterns");
        assert_eq!(
            text.as_deref(),
            Ok("lines 9 -> 5; numbered types 3 -> 0; untagged unions null -> 0; \
                invalid documents that pass 2 -> 1 (patterns)")
        );
    }
}
