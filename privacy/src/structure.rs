//! The allowlist: the published schemas, compiled into the program.
//!
//! Two validators read the same file. The one that decides is generated at build time and says only yes or no; it needs
//! no start-up. The one that explains is built when the first document was refused, since building it takes longer than
//! checking thousands of documents. Where they disagree the first one counts, so the gate still fails closed.

use std::sync::OnceLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use schema::DocumentKind;
use serde_json::Value;

use crate::published::published_schema;
use crate::rejection::{Segment, Violation, Violations, masked};

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

/// Asks the slower validator, which knows keyword and place. Whatever it says, there is at least one violation.
fn explain(kind: DocumentKind, document: &Value, violations: &mut Violations) {
    if let Some(validator) = explainer(kind) {
        validator.iter_errors(document).for_each(|error| describe(&error, violations));
    }
    // The fast validator said no, so the document is refused even if the slow one finds nothing to say.
    if violations.is_empty() {
        violations.add(Violation::new("schema.false", String::new(), message_of("false")));
    }
}

fn explainer(kind: DocumentKind) -> Option<&'static Validator> {
    static EXPLAINERS: [OnceLock<Option<Validator>>; 2] = [OnceLock::new(), OnceLock::new()];
    let slot = match kind {
        DocumentKind::RunManifest => &EXPLAINERS[0],
        DocumentKind::Telemetry => &EXPLAINERS[1],
    };
    slot.get_or_init(|| build(kind)).as_ref()
}

fn build(kind: DocumentKind) -> Option<Validator> {
    let schema = serde_json::from_str(published_schema(kind)).ok()?;
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex())
        .offline()
        .build(&schema)
        .ok()
}

/// An error as violations, without its own words: those print values and unexpected keys. Of a union the branch is
/// described that the document is nearest to.
fn describe(error: &ValidationError<'_>, violations: &mut Violations) {
    match error.kind() {
        // All branches together would report every event for one wrong field.
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let place = error.instance_path().as_str();
            let nearest = context.iter().min_by_key(|branch| distance(place, branch));
            nearest.into_iter().flatten().for_each(|error| describe(error, violations));
        }
        kind => {
            let keyword = kind.keyword();
            let pointer = pointer_of(error);
            violations.add(Violation::new(format!("schema.{keyword}"), pointer, message_of(keyword)));
        }
    }
}

/// How far a branch of a union at `place` is from the document: first whether the type of the value fits, then whether
/// the name of the event does, then the number of errors.
fn distance(place: &str, branch: &[ValidationError<'_>]) -> (bool, bool, usize) {
    let wrong_type = branch.iter().any(|error| {
        matches!(error.kind(), ValidationErrorKind::Type { .. }) && error.instance_path().as_str() == place
    });
    let wrong_event = branch.iter().any(|error| error.instance_path().as_str() == "/event_name");
    (wrong_type, wrong_event, branch.len())
}

fn pointer_of(error: &ValidationError<'_>) -> String {
    let steps: Vec<LocationSegment<'_>> = error.instance_path().segments().collect();
    masked(steps.iter().map(|step| match step {
        LocationSegment::Property(key) => Segment::Key(key),
        LocationSegment::Index(index) => Segment::Index(*index),
    }))
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
