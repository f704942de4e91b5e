//! Telemetry documents that the schema refuses.

use serde_json::{Value, json};

use super::documents::{command_event, component_event, delivery, manifest, mode_event};
use super::vector::{Group, Vector, group, with, without};

pub(super) fn groups() -> Vec<Group> {
    vec![
        group("envelope", "Family, category and name belong together", envelopes()),
        group("numbers", "Numbers of attempts outside their bounds", attempts()),
        group("envelope", "Promises that hold for every document", promises()),
        group("versions", "Versions of other contracts", contract_versions()),
        group("events", "Kinds of events", unions()),
        group("properties", "Envelopes that are closed and complete", closed_envelopes()),
        group("ids", "Ids of events and of parents", ids()),
        group("ids", "Names, numbers and times", ids_that_are_names()),
        group("events", "One body, and that of the event", bodies()),
        group("events", "Bodies and words of other events", bodies_of_other_events()),
        group("deliveries", "The enclosed manifest is an object", manifests()),
        group("deliveries", "The enclosed manifest is checked like any other", parts_of_manifests()),
    ]
}

/// `document` with `value` at `pointer`, where `keyword` must refuse it.
fn at(
    name: &str,
    description: &str,
    document: Value,
    (pointer, value): (&str, Value),
    keyword: &str,
) -> Vector {
    Vector::fail(name, description, with(document, pointer, value), &format!("schema.{keyword}"), pointer)
}

fn envelopes() -> Vec<Vector> {
    let command = |name, description, pointer, value, keyword| {
        at(name, description, command_event(), (pointer, value), keyword)
    };
    vec![
        command("unknown-family", "A word outside the list.", "/event_family", json!("metrics"), "const"),
        command(
            "family-of-another-event",
            "Only manifest deliveries are of this family.",
            "/event_family",
            json!("install"),
            "const",
        ),
        command(
            "category-of-another-event",
            "Category and name belong together.",
            "/event_category",
            json!("mode_usage"),
            "const",
        ),
    ]
}

fn attempts() -> Vec<Vector> {
    let command = |name, description, pointer, value, keyword| {
        at(name, description, command_event(), (pointer, value), keyword)
    };
    vec![
        command("attempt-0", "Attempts are counted from 1.", "/delivery_attempt", json!(0), "minimum"),
        command("attempt-65536", "Above the bound.", "/delivery_attempt", json!(65_536), "maximum"),
        command("retry-negative", "Below the bound.", "/retry_attempt", json!(-1), "minimum"),
        command("is-retry-as-text", "Booleans are booleans.", "/is_retry", json!("false"), "type"),
    ]
}

fn promises() -> Vec<Vector> {
    let command = |name, description, pointer, value, keyword| {
        at(name, description, command_event(), (pointer, value), keyword)
    };
    vec![
        command(
            "not-anonymous",
            "The promise holds for every document.",
            "/telemetry_meta/anonymous_by_contract",
            json!(false),
            "const",
        ),
        command(
            "delivery-mode-unknown",
            "The promise holds for every document.",
            "/telemetry_meta/delivery_mode",
            json!("guaranteed"),
            "const",
        ),
        command("layer-unknown", "A word outside the list.", "/component", json!("kubectl"), "enum"),
        command("client-other", "Another program.", "/client/name", json!("curl"), "const"),
        command(
            "time-of-the-event-offset",
            "A local offset gives away a place.",
            "/occurred_at",
            json!("2026-11-22T08:50:02+01:00"),
            "pattern",
        ),
        command("time-of-the-attempt-null", "Every attempt has its time.", "/sent_at", Value::Null, "type"),
    ]
}

fn contract_versions() -> Vec<Vector> {
    let version = |name, description, text: &str| {
        at(name, description, command_event(), ("/telemetry_meta/contract_version", json!(text)), "pattern")
    };
    vec![
        version(
            "contract-version-of-another-major",
            "A newer contract is told by its version, and has other schemas.",
            "2.0.0",
        ),
        version("contract-version-two-parts", "The exact version.", "1.0"),
        version("contract-version-address", "An address has larger numbers.", "1.168.1"),
        Vector::fail(
            "no-contract-version",
            "A required property is missing.",
            without(command_event(), "/telemetry_meta/contract_version"),
            "schema.required",
            "/telemetry_meta",
        ),
    ]
}

/// What makes the kinds of documents differ, and what makes them complete.
fn unions() -> Vec<Vector> {
    // A validator names many errors of a union; the gate must report the branch that was meant.
    vec![
        at(
            "event-of-nobody",
            "A name outside the list.",
            mode_event(),
            ("/event_name", json!("core.bootstrap.server.failed")),
            "enum",
        ),
        Vector::fail(
            "no-client",
            "A required property is missing.",
            without(command_event(), "/client"),
            "schema.required",
            "",
        ),
    ]
}

fn closed_envelopes() -> Vec<Vector> {
    vec![
        Vector::fail(
            "unexpected-in-client",
            "Every object is closed.",
            with(command_event(), "/client/os", "linux"),
            "schema.additionalProperties",
            "/client",
        ),
        Vector::fail(
            "unexpected-in-envelope",
            "Every object is closed.",
            with(command_event(), "/note", 1),
            "schema.additionalProperties",
            "",
        ),
        Vector::fail(
            "no-family",
            "Without a family it is judged as a run manifest.",
            without(command_event(), "/event_family"),
            "schema.required",
            "",
        ),
        Vector::fail(
            "manifest-with-family",
            "With a family it is judged as a telemetry document.",
            with(manifest(), "/event_family", "usage"),
            "schema.required",
            "",
        ),
    ]
}

fn ids() -> Vec<Vector> {
    let event = |name, description, text: &str| {
        at(name, description, command_event(), ("/event_id", json!(text)), "pattern")
    };
    let parent = |name, description, value, keyword| {
        at(name, description, command_event(), ("/parent_run_id", value), keyword)
    };
    vec![
        event("event-id-upper-case", "One form only.", "0D5A1C7E-6A53-4A9E-8C0F-51B7A2F4D3C8"),
        event("event-id-bare", "One form only.", "0d5a1c7e6a534a9e8c0f51b7a2f4d3c8"),
        event(
            "event-id-version-1",
            "Version 1 holds a hardware address.",
            "0d5a1c7e-6a53-1a9e-8c0f-51b7a2f4d3c8",
        ),
        event(
            "event-id-variant",
            "Another variant has room for text.",
            "0d5a1c7e-6a53-4a9e-0c0f-51b7a2f4d3c8",
        ),
        event(
            "event-id-line-feed",
            "In some languages `$` matches before it.",
            "0d5a1c7e-6a53-4a9e-8c0f-51b7a2f4d3c8\n",
        ),
        parent("parent-empty", "Nothing above is null, not an empty string.", json!(""), "pattern"),
        parent("parent-number", "Ids are strings.", json!(7), "type"),
        Vector::fail(
            "parent-missing",
            "Nothing above is null, not absent.",
            without(command_event(), "/parent_run_id"),
            "schema.required",
            "",
        ),
    ]
}

fn ids_that_are_names() -> Vec<Vector> {
    vec![
        at(
            "parent-word",
            "A name is no id.",
            command_event(),
            ("/parent_run_id", json!("pipeline")),
            "pattern",
        ),
        at(
            "session-word",
            "A name is no id.",
            command_event(),
            ("/session_id", json!("session-123")),
            "pattern",
        ),
        at(
            "delivered-run-id-word",
            "In an enclosed manifest as well.",
            delivery(),
            ("/manifest/run_id", json!("srv01")),
            "pattern",
        ),
    ]
}

fn bodies() -> Vec<Vector> {
    vec![
        Vector::fail(
            "command-missing",
            "A required property is missing.",
            without(command_event(), "/command"),
            "schema.required",
            "",
        ),
        Vector::fail(
            "command-and-component",
            "One body.",
            with(command_event(), "/enabled_component", json!({ "name": "k3s", "result": "installed" })),
            "schema.additionalProperties",
            "",
        ),
        Vector::fail(
            "command-with-manifest",
            "Only deliveries have a manifest.",
            with(command_event(), "/manifest", manifest()),
            "schema.additionalProperties",
            "",
        ),
    ]
}

fn bodies_of_other_events() -> Vec<Vector> {
    let named = with(command_event(), "/event_name", "core.bootstrap.server.started");
    vec![
        Vector::fail(
            "category-and-name-apart",
            "Category and name belong together.",
            named,
            "schema.const",
            "/event_category",
        ),
        Vector::fail(
            "rollback-of-nothing",
            "A word outside the list.",
            with(command_event(), "/command/name", "uninstall"),
            "schema.enum",
            "/command/name",
        ),
        Vector::fail(
            "component-planned",
            "Only what is verified is reported.",
            with(component_event(), "/enabled_component/result", "pending"),
            "schema.enum",
            "/enabled_component/result",
        ),
        Vector::fail(
            "component-unknown",
            "A word outside the list.",
            with(component_event(), "/enabled_component/name", "traefik"),
            "schema.enum",
            "/enabled_component/name",
        ),
    ]
}

fn manifests() -> Vec<Vector> {
    vec![
        Vector::fail(
            "manifest-null",
            "A required property is null.",
            with(delivery(), "/manifest", Value::Null),
            "schema.type",
            "/manifest",
        ),
        Vector::fail(
            "manifest-as-text",
            "JSON inside a string.",
            with(delivery(), "/manifest", manifest().to_string()),
            "schema.type",
            "/manifest",
        ),
    ]
}

fn parts_of_manifests() -> Vec<Vector> {
    vec![
        Vector::fail(
            "manifest-with-more",
            "The enclosed manifest is closed as well.",
            with(delivery(), "/manifest/platform/kernel", "6.8"),
            "schema.additionalProperties",
            "/manifest/platform",
        ),
        Vector::fail(
            "manifest-without-status",
            "The enclosed manifest is complete.",
            without(delivery(), "/manifest/status"),
            "schema.required",
            "/manifest",
        ),
        Vector::fail(
            "manifest-status-unknown",
            "A word outside the list.",
            with(delivery(), "/manifest/status", "done"),
            "schema.enum",
            "/manifest/status",
        ),
        Vector::fail(
            "list-of-events",
            "One document a request.",
            json!([command_event(), mode_event()]),
            "schema.type",
            "",
        ),
    ]
}
