//! The allowlist: the published schemas, compiled into the program.
//!
//! The code that decides is generated at build time and answers only yes or no; it needs no start-up. The code that
//! explains a refusal reads the same file by itself. Where they disagree, the first one counts, so the gate still fails
//! closed.

mod explain;

use schema::DocumentKind;
use serde_json::Value;

use crate::rejection::{Violation, Violations, masked};

/// Compiled at build time from the published file, so that what receivers read is what is checked here.
#[jsonschema::validator(
    path = "../schema/contract/v1/run-manifest.schema.json",
    draft = Draft202012,
    validate_formats = true,
    ignore_unknown_formats = false,
    pattern_options = { engine = regex },
    methods = { is_valid = true, validate = false, iter_errors = false }
)]
struct RunManifestSchema;

/// Compiled at build time from the published file, as above.
#[jsonschema::validator(
    path = "../schema/contract/v1/telemetry.schema.json",
    draft = Draft202012,
    validate_formats = true,
    ignore_unknown_formats = false,
    pattern_options = { engine = regex },
    methods = { is_valid = true, validate = false, iter_errors = false }
)]
struct TelemetrySchema;

/// Adds what the schema of `kind` refuses in `document`. Nothing was found before.
pub(crate) fn check(kind: DocumentKind, document: &Value, violations: &mut Violations) {
    let valid = match kind {
        DocumentKind::RunManifest => RunManifestSchema::is_valid(document),
        DocumentKind::Telemetry => TelemetrySchema::is_valid(document),
    };
    if !valid {
        explain(kind, document, violations);
    }
}

/// Adds a violation for each fault that the explanation names. Whatever it says, there is at least one violation.
fn explain(kind: DocumentKind, document: &Value, violations: &mut Violations) {
    for fault in explain::faults(kind, document) {
        let rule = format!("schema.{}", fault.keyword);
        violations.add(Violation::new(rule, masked(fault.path), message_of(fault.keyword)));
    }
    // The document is refused even if the explanation finds nothing to say.
    if violations.is_empty() {
        violations.add(Violation::new("schema.false", String::new(), message_of("false")));
    }
}

fn message_of(keyword: &str) -> &'static str {
    match keyword {
        "additionalProperties" => "an object has a property that the contract does not have",
        "required" => "an object lacks a property that the contract requires",
        "type" => "a value is of another type than the contract says",
        "const" | "enum" => "a value is none of the words that the contract lists",
        "pattern" | "format" => "a string is not of the form that the contract says",
        "minLength" | "maxLength" => "a string is shorter or longer than the contract allows",
        "minimum" | "maximum" => "a number is outside the bounds of the contract",
        _ => "the document does not satisfy the schema",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_keyword_that_a_document_can_break_has_words_of_its_own() {
        let groups: [&[&str]; 7] = [
            &["additionalProperties"],
            &["required"],
            &["type"],
            &["const", "enum"],
            &["pattern", "format"],
            &["minLength", "maxLength"],
            &["minimum", "maximum"],
        ];
        let words: Vec<_> = groups.iter().map(|group| message_of(group[0])).collect();
        for (group, found) in groups.iter().zip(&words) {
            assert!(group.iter().all(|keyword| message_of(keyword) == *found), "{group:?}");
            assert_eq!(words.iter().filter(|other| *other == found).count(), 1, "{group:?}");
            assert_ne!(*found, message_of("uniqueItems"), "{group:?}");
        }
    }
}
