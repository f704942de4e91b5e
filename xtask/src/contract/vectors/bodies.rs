//! Telemetry documents whose body the schema refuses.

use serde_json::{Value, json};

use super::Vector;
use super::base::{command_event, component_event, delivery, manifest, mode_event, with, without};

pub(super) fn vectors() -> Vec<Vector> {
    [bodies(), manifests()].concat()
}

fn bodies() -> Vec<Vector> {
    let body =
        |name, description, document, rule, pointer| Vector::fail(name, description, document, rule, pointer);
    let named = with(command_event(), "/event_name", "core.bootstrap.server.started");
    vec![
        body(
            "command-missing",
            "A required property is missing.",
            without(command_event(), "/command"),
            "schema.required",
            "",
        ),
        body(
            "command-and-component",
            "One body.",
            with(command_event(), "/enabled_component", json!({ "name": "k3s", "result": "installed" })),
            "schema.additionalProperties",
            "",
        ),
        body(
            "command-with-manifest",
            "Only deliveries have a manifest.",
            with(command_event(), "/manifest", manifest()),
            "schema.additionalProperties",
            "",
        ),
        body(
            "category-and-name-apart",
            "Category and name belong together.",
            named,
            "schema.const",
            "/event_category",
        ),
        body(
            "rollback-of-nothing",
            "A word outside the list.",
            with(command_event(), "/command/name", "uninstall"),
            "schema.enum",
            "/command/name",
        ),
        body(
            "component-planned",
            "Only what is verified is reported.",
            with(component_event(), "/enabled_component/result", "pending"),
            "schema.enum",
            "/enabled_component/result",
        ),
        body(
            "component-unknown",
            "A word outside the list.",
            with(component_event(), "/enabled_component/name", "traefik"),
            "schema.enum",
            "/enabled_component/name",
        ),
    ]
}

fn manifests() -> Vec<Vector> {
    let body =
        |name, description, document, rule, pointer| Vector::fail(name, description, document, rule, pointer);
    vec![
        body(
            "manifest-null",
            "A required property is null.",
            with(delivery(), "/manifest", Value::Null),
            "schema.type",
            "/manifest",
        ),
        body(
            "manifest-as-text",
            "JSON inside a string.",
            with(delivery(), "/manifest", manifest().to_string()),
            "schema.type",
            "/manifest",
        ),
        body(
            "manifest-with-more",
            "The enclosed manifest is closed as well.",
            with(delivery(), "/manifest/platform/kernel", "6.8"),
            "schema.additionalProperties",
            "/manifest/platform",
        ),
        body(
            "manifest-without-status",
            "The enclosed manifest is complete.",
            without(delivery(), "/manifest/status"),
            "schema.required",
            "/manifest",
        ),
        body(
            "manifest-status-unknown",
            "A word outside the list.",
            with(delivery(), "/manifest/status", "done"),
            "schema.enum",
            "/manifest/status",
        ),
        body(
            "list-of-events",
            "One document a request.",
            json!([command_event(), mode_event()]),
            "schema.type",
            "",
        ),
    ]
}
