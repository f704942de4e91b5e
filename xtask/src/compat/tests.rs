//! A deliberate change of each kind to the real contract, and the report on it. Each example is proved with a real
//! validator: one version accepts it and the other refuses it.

use serde_json::{Value, json};

use super::change::{Breaks, ContractChange, VersionLevel, judge};
use super::{coverage, denylist, schemas};
use crate::releases::Version;

fn published(path: &str) -> Value {
    let file = crate::contract::sound_files()
        .expect("a sound contract")
        .into_iter()
        .find(|file| file.path == path)
        .expect("published");
    serde_json::from_str(&file.contents).expect("JSON")
}

fn manifest() -> Value {
    published("run-manifest.schema.json")
}

fn accepts(schema: &Value, document: &Value) -> bool {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(schema).expect("a schema").is_valid(document)
}

fn changed(change: impl FnOnce(&mut Value)) -> (Value, Value) {
    let old = manifest();
    let mut new = old.clone();
    change(&mut new);
    assert_ne!(old, new, "the change must change something");
    (old, new)
}

/// Compares, and proves each example.
fn compare((old, new): &(Value, Value)) -> Vec<ContractChange> {
    let changes = schemas::compare("run-manifest.schema.json", old, new).expect("schemas");
    for change in &changes {
        let Some(example) = &change.example else { continue };
        let (accepting, refusing) = match change.breaks {
            Breaks::OldDocuments => (old, new),
            Breaks::OldReceivers => (new, old),
            Breaks::Nobody => panic!("nobody is broken by {change}"),
        };
        assert!(accepts(accepting, example) && !accepts(refusing, example), "{change}");
    }
    changes
}

#[track_caller]
fn check(change: impl FnOnce(&mut Value), expected: &[(&str, Breaks)]) {
    let changes = compare(&changed(change));
    let found: Vec<(&str, Breaks)> =
        changes.iter().map(|change| (change.pointer.as_str(), change.breaks)).collect();
    assert_eq!(found, expected, "{changes:#?}");
    let proved = changes.iter().all(|change| change.breaks == Breaks::Nobody || change.example.is_some());
    assert!(proved, "an example is missing: {changes:#?}");
}

#[test]
fn nothing_changed() {
    for path in ["run-manifest.schema.json", "telemetry.schema.json"] {
        assert_eq!(schemas::compare(path, &published(path), &published(path)).expect("schemas"), []);
    }
    assert_eq!(denylist::compare(&published("denylist.json"), &published("denylist.json")), []);
}

#[test]
fn an_optional_field_was_added() {
    check(
        |schema| schema["$defs"]["Platform"]["properties"]["virtual"] = json!({ "type": "boolean" }),
        &[("/platform/virtual", Breaks::OldReceivers)],
    );
}

#[test]
fn a_field_was_removed() {
    check(
        |schema| {
            drop(
                schema["$defs"]["Features"]["properties"]
                    .as_object_mut()
                    .expect("properties")
                    .remove("tls_mode"),
            );
        },
        &[("/features/tls_mode", Breaks::OldDocuments)],
    );
}

#[test]
fn a_required_field_was_added() {
    check(
        |schema| {
            schema["properties"]["kernel"] = json!({ "type": "boolean" });
            schema["required"].as_array_mut().expect("a list").push(json!("kernel"));
        },
        &[("/kernel", Breaks::OldDocuments), ("/kernel", Breaks::OldReceivers)],
    );
}

#[test]
fn a_field_became_required_or_optional() {
    check(
        |schema| schema["required"].as_array_mut().expect("a list").push(json!("failure")),
        &[("/failure", Breaks::OldDocuments)],
    );
    check(
        |schema| schema["required"].as_array_mut().expect("a list").retain(|name| name != "exit_code"),
        &[("/exit_code", Breaks::OldReceivers)],
    );
}

#[test]
fn a_word_was_added_or_removed() {
    check(
        |schema| schema["$defs"]["Arch"]["enum"].as_array_mut().expect("a list").push(json!("riscv64")),
        &[("/platform/arch", Breaks::OldReceivers)],
    );
    check(
        |schema| schema["$defs"]["Arch"]["enum"] = json!(["amd64", "other"]),
        &[("/platform/arch", Breaks::OldDocuments)],
    );
    check(
        |schema| {
            schema["$defs"]["ToolName"] =
                json!({ "type": "string", "enum": ["productive-k3s-core", "productive-k3s-cli"] });
        },
        &[("/tool/name", Breaks::OldReceivers)],
    );
}

#[test]
fn a_bound_was_tightened_or_loosened() {
    check(
        |schema| schema["$defs"]["Features"]["properties"]["longhorn_replica_count"]["maximum"] = json!(5),
        &[("/features/longhorn_replica_count", Breaks::OldDocuments)],
    );
    check(
        |schema| schema["properties"]["exit_code"]["minimum"] = json!(-1),
        &[("/exit_code", Breaks::OldReceivers)],
    );
    check(
        |schema| drop(schema["properties"]["exit_code"].as_object_mut().expect("a schema").remove("maximum")),
        &[("/exit_code", Breaks::OldReceivers)],
    );
    check(|schema| schema["$defs"]["Id"]["maxLength"] = json!(35), &[("/run_id", Breaks::OldDocuments)]);
}

#[test]
fn a_pattern_was_changed() {
    let pattern =
        |text: &'static str| move |schema: &mut Value| schema["$defs"]["Id"]["pattern"] = json!(text);
    check(pattern("^[0-9a-f-]{16,36}$"), &[("/run_id", Breaks::OldReceivers)]);
    check(pattern("^[0-9a-f]{16}$"), &[("/run_id", Breaks::OldDocuments)]);
    check(pattern("^[0-9a-z]{16}$"), &[("/run_id", Breaks::OldDocuments), ("/run_id", Breaks::OldReceivers)]);
    let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
    for same in
        [format!("^({uuid}|([0-9a-f]{{16}}){{1,2}})$"), format!("^({uuid}|[a-f0-9]{{16}}([a-f0-9]{{16}})?)$")]
    {
        check(|schema| schema["$defs"]["Id"]["pattern"] = json!(same), &[("/run_id", Breaks::Nobody)]);
    }
}

#[test]
fn a_format_was_dropped() {
    check(
        |schema| drop(schema["$defs"]["UtcSeconds"].as_object_mut().expect("a schema").remove("format")),
        &[("/started_at", Breaks::OldReceivers), ("/finished_at", Breaks::OldReceivers)],
    );
}

#[test]
fn a_type_was_added_or_removed() {
    check(
        |schema| schema["properties"]["exit_code"]["type"] = json!("integer"),
        &[("/exit_code", Breaks::OldDocuments)],
    );
    check(
        |schema| schema["properties"]["failure"] = json!({ "description": schema["properties"]["failure"]["description"], "anyOf": [{ "$ref": "#/$defs/Failure" }, { "type": "null" }] }),
        &[("/failure", Breaks::OldReceivers)],
    );
}

#[test]
fn an_object_was_opened() {
    check(
        |schema| schema["$defs"]["Tool"]["additionalProperties"] = json!(true),
        &[("/tool", Breaks::OldReceivers)],
    );
}

#[test]
fn only_words_were_changed() {
    check(
        |schema| schema["properties"]["status"]["description"] = json!("Other words. Purpose: the same."),
        &[("/status", Breaks::Nobody)],
    );
}

#[test]
fn what_is_not_known_is_taken_to_break() {
    let changes = compare(&changed(|schema| schema["properties"]["exit_code"]["multipleOf"] = json!(2)));
    assert_eq!(changes.iter().map(|change| change.level).collect::<Vec<_>>(), [VersionLevel::Major]);
}

#[test]
fn a_break_that_no_place_shows_is_reported_for_the_document() {
    let changes =
        compare(&changed(|schema| schema["$defs"]["Platform"]["propertyNames"] = json!({ "maxLength": 5 })));
    let found: Vec<(&str, Breaks)> =
        changes.iter().map(|change| (change.pointer.as_str(), change.breaks)).collect();
    assert_eq!(found, [("", Breaks::OldDocuments)], "{changes:#?}");
}

#[test]
fn a_change_that_leaves_the_documents_as_they_were_breaks_nobody() {
    // The walk treats the two as different kinds of places; the schemas as a whole accept the same.
    let wrap = |schema: &mut Value| {
        let tool = schema["properties"]["tool"].take();
        schema["properties"]["tool"] = json!({ "description": tool["description"], "anyOf": [tool] });
    };
    assert!(compare(&changed(wrap)).iter().all(|change| change.breaks == Breaks::Nobody));
}

#[test]
fn strings_beyond_ascii_are_compared_as_well() {
    let form = |pattern: &str| json!({ "type": "string", "pattern": pattern, "maxLength": 1 });
    let (narrow, wide) = (form("^[^a\\u{e4}]$"), form("^[^a]$"));
    let (narrow, wide) = (&narrow, &wide);
    assert!(matches!(coverage::difference(narrow, wide), coverage::Difference::Nothing));
    let coverage::Difference::Strings(Some(text)) = coverage::difference(wide, narrow) else {
        panic!("the wider form accepts more")
    };
    assert_eq!(text, "\u{e4}");
}

#[test]
fn an_event_was_added_and_examples_are_whole_documents() {
    let old = published("telemetry.schema.json");
    let mut new = old.clone();
    new["$defs"]["ComponentEventName"] =
        json!({ "type": "string", "enum": ["core.component.enabled", "core.component.failed"] });
    let changes = compare(&(old, new));
    let [change] = changes.as_slice() else { panic!("one change: {changes:#?}") };
    assert_eq!((change.pointer.as_str(), change.level), ("/event_name", VersionLevel::Minor));
    let example = change.example.as_ref().expect("an example");
    assert!(example["enabled_component"].is_object(), "{example}");
}

#[test]
fn a_rule_of_the_denylist_was_changed() {
    let old = published("denylist.json");
    let check = |change: &dyn Fn(&mut Value), level: VersionLevel| {
        let mut new = old.clone();
        change(&mut new);
        let changes = denylist::compare(&old, &new);
        assert_eq!(changes.iter().map(|change| change.level).collect::<Vec<_>>(), [level], "{changes:#?}");
    };
    check(&|new| drop(new["values"]["rules"].as_array_mut().expect("rules").pop()), VersionLevel::Minor);
    check(&|new| new["values"]["rules"][0]["pattern"] = json!("x"), VersionLevel::Minor);
    check(
        &|new| new["keys"]["tokens"].as_array_mut().expect("tokens").push(json!("zone")),
        VersionLevel::Minor,
    );
    check(&|new| new["document"]["max_bytes"] = json!(1024), VersionLevel::Minor);
    check(&|new| new["values"]["rules"][0]["words"] = json!("x"), VersionLevel::Patch);
}

#[test]
fn the_version_must_be_raised_as_the_change_demands() {
    let version = |text: &str| text.parse::<Version>().expect("a version");
    let allowed = |needed, current| judge(needed, version("1.2.3"), version(current)).is_ok();
    let cases = [
        (None, "1.2.3", true),
        (None, "1.2.2", false),
        (Some(VersionLevel::Patch), "1.2.3", false),
        (Some(VersionLevel::Patch), "1.2.4", true),
        (Some(VersionLevel::Patch), "2.0.0", true),
        (Some(VersionLevel::Minor), "1.2.4", false),
        (Some(VersionLevel::Minor), "1.3.0", true),
        (Some(VersionLevel::Minor), "2.0.0", true),
        (Some(VersionLevel::Major), "1.9.9", false),
        (Some(VersionLevel::Major), "2.0.0", true),
        (Some(VersionLevel::Patch), "0.9.9", false),
    ];
    for (needed, current, expected) in cases {
        assert_eq!(allowed(needed, current), expected, "{needed:?} {current}");
    }
}
