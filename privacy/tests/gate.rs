//! The gate over whole documents.

#[path = "common/documents.rs"]
mod documents;

use std::collections::BTreeSet;

use privacy::{Gate, Rejection, Violation};
use schema::DocumentKind;
use serde_json::{Value, json};

fn manifest() -> Value {
    serde_json::to_value(documents::full_manifest()).expect("JSON")
}

fn delivery() -> Value {
    serde_json::to_value(documents::telemetry().pop()).expect("JSON")
}

/// Changes the value at `pointer`, or puts a new one there.
fn with(mut document: Value, pointer: &str, value: impl Into<Value>) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    document.pointer_mut(parent).expect("a parent")[key] = value.into();
    document
}

fn rejection(document: &Value) -> Rejection {
    Gate::default().check(document.to_string().as_bytes()).expect_err("must be refused")
}

#[track_caller]
fn check_refused(document: &Value, expected: &[(&str, &str)]) {
    let rejection = rejection(document);
    let found: BTreeSet<_> =
        rejection.violations().iter().map(|found| (found.rule(), found.pointer())).collect();
    assert_eq!(found, expected.iter().copied().collect());
}

#[test]
fn documents_of_the_contract_pass_and_keep_their_bytes() {
    let gate = Gate::default();
    let manifest = documents::full_manifest();
    let vetted = gate.vet(&manifest).expect("passes");
    let lines = serde_json::to_string_pretty(&manifest).expect("JSON") + "\n";
    assert_eq!(vetted.as_bytes(), lines.as_bytes());
    assert_eq!(gate.check(vetted.as_bytes()), Ok(DocumentKind::RunManifest));
    for document in documents::telemetry() {
        let vetted = gate.vet(&document).expect("passes");
        assert_eq!(vetted.as_bytes(), serde_json::to_vec(&document).expect("JSON"));
        assert_eq!(gate.check(&vetted.into_bytes()), Ok(DocumentKind::Telemetry));
    }
}

#[test]
fn a_report_says_what_each_rule_of_the_reader_is() {
    let nested = "[".repeat(schema::limits::MAX_DEPTH + 1);
    let large = vec![b' '; schema::limits::MAX_DOCUMENT_BYTES + 1];
    for (bytes, rule) in [
        (&large[..], "size"),
        (b"\xff", "utf8"),
        (b"{", "syntax"),
        (nested.as_bytes(), "depth"),
        (br#"{"a": 1, "a": 1}"#, "duplicate_key"),
    ] {
        let rejection = Gate::default().check(bytes).expect_err(rule);
        let found = &rejection.violations()[0];
        let known = schema::denylist::DOCUMENT_RULES.iter().find(|known| known.id == rule).expect(rule);
        assert_eq!((found.rule(), found.message()), (rule, known.words));
    }
}

#[test]
fn the_schema_names_keyword_and_place() {
    check_refused(&with(manifest(), "/status", "done"), &[("schema.enum", "/status")]);
    check_refused(&with(manifest(), "/exit_code", 256), &[("schema.maximum", "/exit_code")]);
    check_refused(
        &with(manifest(), "/started_at", "2026-13-22T07:50:02Z"),
        &[("schema.pattern", "/started_at"), ("schema.format", "/started_at")],
    );
    check_refused(
        &with(manifest(), "/features/tls_mode", Value::Null),
        &[("schema.enum", "/features/tls_mode"), ("schema.type", "/features/tls_mode")],
    );
    check_refused(
        &with(manifest(), "/components/k3s/result", 1),
        &[("schema.enum", "/components/k3s/result"), ("schema.type", "/components/k3s/result")],
    );
    check_refused(&json!([]), &[("schema.type", "")]);
}

#[test]
fn of_a_union_the_branch_is_described_that_the_event_names() {
    check_refused(&with(delivery(), "/delivery_attempt", 0), &[("schema.minimum", "/delivery_attempt")]);
    check_refused(&with(delivery(), "/parent_run_id", "-x"), &[("schema.pattern", "/parent_run_id")]);
    check_refused(&with(delivery(), "/parent_run_id", 5), &[("schema.type", "/parent_run_id")]);
    check_refused(
        &with(delivery(), "/manifest/platform/arch", "x86"),
        &[("schema.enum", "/manifest/platform/arch")],
    );
    check_refused(
        &with(delivery(), "/event_name", "core.bootstrap.server.begun"),
        &[("schema.const", "/event_name"), ("value.fqdn", "/event_name")],
    );
    check_refused(
        &with(delivery(), "/telemetry_meta/anonymous_by_contract", false),
        &[("schema.const", "/telemetry_meta/anonymous_by_contract")],
    );
    let mut document = delivery();
    document.as_object_mut().expect("an object").remove("client");
    check_refused(&document, &[("schema.required", "")]);
}

#[test]
fn keys_are_refused_where_they_stand_and_never_shown() {
    check_refused(
        &with(manifest(), "/platform/hostname", "debian"),
        &[("schema.additionalProperties", "/platform"), ("key.token", "/platform/*")],
    );
    // Exempt is a place, not a name.
    check_refused(
        &with(manifest(), "/platform/local_hosts", true),
        &[("schema.additionalProperties", "/platform"), ("key.token", "/platform/local_hosts")],
    );
    check_refused(
        &with(manifest(), "/platform/srv01", json!({ "alice": [{ "hostName": 1 }] })),
        &[
            ("schema.additionalProperties", "/platform"),
            ("key.shape", "/platform/*/*/0/*"),
            ("key.token", "/platform/*/*/0/*"),
        ],
    );
}

#[test]
fn documents_are_told_apart_by_themselves() {
    let manifest = with(manifest(), "/event_family", "usage");
    check_refused(&manifest, &[("schema.required", ""), ("schema.additionalProperties", "")]);
    assert_eq!(
        Gate::default().check(b"{").map_err(|rejection| rejection.violations()[0].rule().to_owned()),
        Err("syntax".to_owned())
    );
}

#[test]
fn reports_hold_no_value_and_are_bounded() {
    let canaries = ["srv01canary", "canary.example.com", "/home/canary"];
    let mut document = manifest();
    for (index, canary) in canaries.iter().enumerate() {
        document[*canary] = json!([canary, { *canary: canary }]);
        document["features"][format!("key{index}{canary}")] = json!(canary);
        document["status"] = json!(canary);
    }
    let rejection = rejection(&document);
    let json = serde_json::to_string(&rejection).expect("JSON");
    for text in [rejection.to_string(), format!("{rejection:?}"), json] {
        assert!(!text.contains("canary"), "{text}");
    }
    let many: Value = (0..5000).map(|_| json!({ "host": 1 })).collect();
    assert_eq!(self::rejection(&many).violations().len(), Rejection::MAX_VIOLATIONS);
    let vetted = Gate::default().vet(&documents::full_manifest()).expect("passes");
    assert_eq!(format!("{vetted:?}"), format!("Vetted {{ length: {}, .. }}", vetted.as_bytes().len()));
}

#[test]
fn single_texts_are_checked_too() {
    let gate = Gate::default();
    let refused = gate.check_text("srv01.example.com").expect_err("a domain name");
    assert_eq!(refused.to_string(), "value.fqdn at the document: a domain name");
    assert_eq!(gate.check_text(schema::DEFAULT_MARKER), Ok(()));
}

/// A slash in a key must not make one segment look like two: the exemption is for the exact pointer.
#[test]
fn a_key_with_a_slash_does_not_reach_an_exemption() {
    let mut document = manifest();
    document["components/local_hosts"] = json!(true);
    let rejection = rejection(&document);
    let rules: BTreeSet<_> = rejection.violations().iter().map(Violation::rule).collect();
    assert!(rules.contains("key.token"), "{rules:?}");
}
