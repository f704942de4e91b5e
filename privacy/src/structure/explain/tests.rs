//! The explanation beside the one of a complete implementation of JSON Schema.

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use super::*;
use crate::rejection::masked;

/// Keyword and place of each fault, without their order.
type Explanation = Vec<(String, String)>;

fn ours(kind: DocumentKind, document: &Value) -> Explanation {
    let faults = faults(kind, document).into_iter();
    sorted(faults.map(|fault| (fault.keyword.to_owned(), masked(fault.path))).collect())
}

fn theirs(kind: DocumentKind, document: &Value) -> Explanation {
    static VALIDATORS: [OnceLock<Validator>; 2] = [OnceLock::new(), OnceLock::new()];
    let slot = usize::from(kind == DocumentKind::Telemetry);
    let validator = VALIDATORS[slot].get_or_init(|| {
        let schema = serde_json::from_str(published_schema(kind)).expect("JSON");
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        options.with_pattern_options(PatternOptions::regex()).build(&schema).expect("a schema")
    });
    let mut found = Vec::new();
    validator.iter_errors(document).for_each(|error| describe(&error, &mut found));
    sorted(found)
}

fn sorted(mut explanation: Explanation) -> Explanation {
    explanation.sort();
    explanation.dedup();
    explanation
}

fn describe(error: &ValidationError<'_>, found: &mut Explanation) {
    if let ValidationErrorKind::AnyOf { context } = error.kind() {
        let place = error.instance_path().as_str();
        let nearest = context.iter().min_by_key(|branch| branch_distance(place, branch));
        return nearest.into_iter().flatten().for_each(|error| describe(error, found));
    }
    let steps: Vec<LocationSegment<'_>> = error.instance_path().segments().collect();
    let pointer = masked(steps.iter().map(|step| match step {
        LocationSegment::Property(key) => Segment::Key(key),
        LocationSegment::Index(index) => Segment::Index(*index),
    }));
    found.push((error.kind().keyword().to_owned(), pointer));
}

fn branch_distance(place: &str, branch: &[ValidationError<'_>]) -> (bool, bool, usize) {
    let wrong_type = branch.iter().any(|error| {
        matches!(error.kind(), ValidationErrorKind::Type { .. }) && error.instance_path().as_str() == place
    });
    let wrong_event = branch.iter().any(|error| error.instance_path().as_str() == "/event_name");
    (wrong_type, wrong_event, branch.len())
}

/// The documents of the published vectors that are JSON, each with its schema.
fn documents() -> &'static [(DocumentKind, Value)] {
    static DOCUMENTS: OnceLock<Vec<(DocumentKind, Value)>> = OnceLock::new();
    DOCUMENTS.get_or_init(|| {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema/contract/v1/vectors");
        let mut documents = Vec::new();
        for entry in std::fs::read_dir(directory).expect("the published vectors") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("vectors");
            let groups: Value = serde_json::from_str(&text).expect("groups");
            for group in groups.as_array().expect("groups") {
                let tests = group["tests"].as_array().expect("tests");
                let kept = tests.iter().filter_map(|test| test.get("document"));
                documents.extend(kept.map(|document| (kind_of(document), document.clone())));
            }
        }
        documents
    })
}

fn kind_of(document: &Value) -> DocumentKind {
    let is_telemetry = document.get("event_family").is_some();
    if is_telemetry { DocumentKind::Telemetry } else { DocumentKind::RunManifest }
}

#[test]
fn each_vector_is_explained_as_by_a_complete_implementation() {
    assert!(documents().len() > 300, "{}", documents().len());
    for (kind, document) in documents() {
        assert_eq!(ours(*kind, document), theirs(*kind, document), "{document}");
    }
}

#[test]
fn the_published_schemas_have_no_other_keywords() {
    const EXPLAINED: &[&str] = &[
        "$ref",
        "anyOf",
        "properties",
        "required",
        "additionalProperties",
        "not",
        "type",
        "const",
        "enum",
        "minimum",
        "maximum",
        "maxLength",
        "pattern",
        "format",
    ];
    const ANNOTATIONS: &[&str] = &["$id", "$schema", "$defs", "title", "description", "examples"];
    fn check(schema: &Value) {
        for (keyword, argument) in schema.as_object().into_iter().flatten() {
            let is_known = EXPLAINED.contains(&keyword.as_str()) || ANNOTATIONS.contains(&keyword.as_str());
            assert!(is_known, "nothing explains {keyword}");
            match keyword.as_str() {
                "properties" | "$defs" => {
                    argument.as_object().expect("schemas").values().for_each(check);
                }
                "anyOf" => argument.as_array().expect("schemas").iter().for_each(check),
                "not" | "additionalProperties" => check(argument),
                "pattern" => drop(Regex::new(argument.as_str().expect("a pattern")).expect("a pattern")),
                "format" => assert!(argument == "date-time" || argument == "uuid", "{argument}"),
                _ => {}
            }
        }
    }
    for kind in DocumentKind::ALL {
        check(&serde_json::from_str(published_schema(kind)).expect("JSON"));
    }
}

/// The places of a document, the whole first.
fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    for (key, member) in value.as_object().into_iter().flatten() {
        places(member, &format!("{pointer}/{key}"), found);
    }
}

/// A value that something in the schemas may refuse.
fn value() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "alice",
        "é",
        "apply",
        "2026-02-30T00:00:00Z",
        "2026-02-03t00:00:00z",
        "2026-02-03T00:00:60Z",
        "6F1C1F3E-3B8E-4D53-9A55-0B6F3A2C7D10",
        "6f1c1f3e-3b8e-1d53-9a55-0b6f3a2c7d10",
        "9f86d081884c7d65",
        "1.2.3",
        "99.99",
        "usage",
        "bootstrap.completed",
        "x\ny",
    ];
    let numbers =
        [json!(-1), json!(0), json!(1), json!(1.0), json!(1.5), json!(256), json!(70000), json!(1e300)];
    prop_oneof![
        proptest::sample::select(texts.map(Value::from).to_vec()),
        proptest::sample::select(numbers.to_vec()),
        proptest::sample::select(vec![json!(null), json!(true), json!([]), json!({}), json!({ "alice": 1 })]),
        "[ -~]{0,40}".prop_map(Value::from),
    ]
}

/// Replaces, adds or removes what the numbers point at.
fn change(document: &mut Value, place: Index, value: Value, how: u8) {
    let mut pointers = Vec::new();
    places(document, "", &mut pointers);
    let pointer = place.get(&pointers).clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", ""));
    match (how, document.pointer_mut(parent)) {
        (0, Some(Value::Object(members))) => drop(members.remove(key)),
        (1, Some(Value::Object(members))) => drop(members.insert("alice".to_owned(), value)),
        _ => *document.pointer_mut(&pointer).expect("a place") = value,
    }
}

proptest! {
    #[test]
    fn changed_documents_are_explained_as_by_a_complete_implementation(
        start in any::<Index>(),
        changes in proptest::collection::vec((any::<Index>(), value(), 0..3_u8), 1..5),
        swap in any::<bool>(),
    ) {
        let (kind, mut document) = start.get(documents()).clone();
        for (place, value, how) in changes {
            change(&mut document, place, value, how);
        }
        let other = if kind == DocumentKind::Telemetry { DocumentKind::RunManifest } else { DocumentKind::Telemetry };
        let kind = if swap { other } else { kind };
        prop_assert_eq!(ours(kind, &document), theirs(kind, &document), "{}", document);
    }
}

#[test]
fn patterns_are_collected_wherever_a_schema_stands() {
    let mut patterns = HashMap::new();
    collect_patterns(
        &json!({ "anyOf": [{ "pattern": "a" }, { "items": { "pattern": "b" } }] }),
        &mut patterns,
    );
    let mut found: Vec<&str> = patterns.keys().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, ["a", "b"]);
}

#[test]
fn a_number_without_a_fraction_is_an_integer() {
    for (number, is_integer) in [(json!(5), true), (json!(5.0), true), (json!(5.5), false)] {
        assert!(has_type(&json!("number"), &number), "{number}");
        assert_eq!(has_type(&json!("integer"), &number), is_integer, "{number}");
        assert!(has_type(&json!(["null", "number"]), &number) && !has_type(&json!(["null"]), &number));
    }
}
