//! Documents that must pass.

use schema::denylist::VALUE_RULES;
use schema::limits::MAX_DOCUMENT_BYTES;
use schema::{
    Command, CommandName, CommandResult, ComponentResult, EnabledComponent, EnabledResult, Execution,
    Failure, FailureReason, Finish, Id, Mode, Step, TelemetryEvent,
};
use serde_json::Value;

use super::documents::{self, json_of};
use super::vector::{Group, Payload, Vector, group, with};

pub(super) fn groups() -> Vec<Group> {
    vec![
        group("accepted", "Run manifests of every mode and ending", manifests()),
        group("accepted", "Each bound by itself", bounds()),
        group("accepted", "Each unusual form by itself", forms()),
        group("accepted", "Lifecycle events", events()),
        group("accepted", "Deliveries, attempts and chains", deliveries()),
        group("accepted", "Texts that a reader might bend", texts()),
        group("accepted", "Strings that look like something private and are not", innocents()),
    ]
}

fn pass(name: impl Into<String>, description: impl Into<String>, document: Value) -> Vector {
    Vector::pass(name, description, Payload::Document(document))
}

fn manifests() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for mode in Mode::ALL {
        let running = json_of(&documents::running(*mode, Execution::Apply));
        vectors.push(pass(
            format!("manifest-{mode}-running"),
            "A run has just begun: no exit code, no end.",
            running,
        ));
        let ended = json_of(&documents::ended(*mode, Execution::Apply, Finish::Success, 0));
        vectors.push(pass(format!("manifest-{mode}-success"), "A run ended well.", ended));
    }
    let failure = Failure { step: Step::K3s, reason: FailureReason::VerificationFailed };
    let endings = [
        ("failed", "A step failed; the manifest says which and why.", Finish::Failed(failure), 1),
        ("cancelled", "The operator declined.", Finish::Cancelled, 4),
        ("interrupted", "A signal ended the run.", Finish::Interrupted, 130),
    ];
    for (name, description, finish, exit_code) in endings {
        let mut manifest = documents::ended(Mode::Server, Execution::Apply, finish, exit_code);
        manifest.components.set_result(schema::Component::K3s, ComponentResult::Failed);
        vectors.push(pass(format!("manifest-{name}"), description, json_of(&manifest)));
    }
    let planned = json_of(&documents::ended(Mode::Agent, Execution::DryRun, Finish::Success, 0));
    vectors.push(pass("manifest-dry-run", "A dry run: planned, not carried out.", planned));
    vectors.push(pass("manifest-maximal", "Every feature and every component.", documents::manifest()));
    vectors
}

/// Each bound by itself.
fn bounds() -> Vec<Vector> {
    let manifest = documents::manifest;
    let at = |pointer: &str, value: Value| with(manifest(), pointer, value);
    vec![
        pass("exit-code-255", "The highest exit code.", at("/exit_code", 255.into())),
        pass(
            "replica-count-9",
            "The highest number of replicas.",
            at("/features/longhorn_replica_count", 9.into()),
        ),
        pass(
            "percentage-0",
            "The lowest percentage.",
            at("/features/longhorn_minimal_available_percentage", 0.into()),
        ),
        pass(
            "percentage-100",
            "The highest percentage.",
            at("/features/longhorn_minimal_available_percentage", 100.into()),
        ),
        pass("size-65536", "The largest volume.", at("/features/registry_pvc_size_gib", 65_536.into())),
    ]
}

/// Each unusual form by itself.
fn forms() -> Vec<Vector> {
    let at = |pointer: &str, value: Value| with(documents::manifest(), pointer, value);
    vec![
        pass("os-version-other", "A version that is no number.", at("/platform/os_version", "other".into())),
        pass("os-version-one-part", "A version of one number.", at("/platform/os_version", "12".into())),
        pass("os-version-year", "A version that is a year.", at("/platform/os_version", "2023.12".into())),
        pass("tool-version-highest", "The longest version.", at("/tool/version", "9.99.99-alpha.99".into())),
        pass("tool-version-candidate", "A release candidate.", at("/tool/version", "1.2.3-rc.1".into())),
        pass(
            "leap-day",
            "A day that exists in leap years.",
            at("/started_at", "2028-02-29T23:59:59Z".into()),
        ),
        pass(
            "id-of-16-hex-digits",
            "An id as the neighbouring layers make it.",
            at("/run_id", "9f86d081884c7d65".into()),
        ),
        pass(
            "id-of-32-hex-digits",
            "An id as tracers make it.",
            at("/run_id", "4bf92f3577b34da6a3ce929d0e0e4736".into()),
        ),
        pass(
            "id-uuid-7",
            "A random UUID that begins with a time.",
            at("/run_id", "019a0c1f-3b8e-7d53-8a55-0b6f3a2c7d10".into()),
        ),
        pass("id-of-digits", "A random id may lack letters.", at("/run_id", "0123456789012345".into())),
    ]
}

fn events() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for mode in Mode::ALL {
        for (result, word) in [(CommandResult::Started, "started"), (CommandResult::Success, "completed")] {
            let event =
                json_of(&documents::telemetry(TelemetryEvent::Mode(documents::command(*mode, result))));
            vectors.push(pass(format!("mode-{mode}-{word}"), format!("A run of this mode: {word}."), event));
        }
    }
    for result in CommandResult::ALL {
        let command = Command { name: CommandName::Rollback, ..documents::command(Mode::Stack, *result) };
        let event = json_of(&documents::telemetry(TelemetryEvent::Command(command)));
        vectors.push(pass(format!("command-{result}"), format!("A rollback: {result}."), event));
    }
    for (component, result) in [
        (schema::Component::K3s, EnabledResult::Installed),
        (schema::Component::LocalHosts, EnabledResult::Configured),
    ] {
        let event = json_of(&documents::telemetry(TelemetryEvent::Component(EnabledComponent {
            name: component,
            result,
        })));
        vectors.push(pass(format!("component-{result}"), format!("A component was {result}."), event));
    }
    vectors
}

fn deliveries() -> Vec<Vector> {
    // Optional properties are all absent in the one and all present in the other.
    let minimal = documents::running(Mode::Server, Execution::DryRun);
    // The types count attempts themselves, so later ones are written into the JSON.
    let retried = with(
        with(with(documents::delivery(), "/delivery_attempt", 3), "/retry_attempt", 2),
        "/is_retry",
        true,
    );
    let last = with(with(documents::command_event(), "/delivery_attempt", 65_535), "/retry_attempt", 65_534);
    vec![
        pass(
            "delivery-maximal",
            "A manifest with every feature and every component is delivered.",
            documents::delivery(),
        ),
        pass(
            "delivery-minimal",
            "The smallest manifest is delivered.",
            json_of(&documents::telemetry(TelemetryEvent::Manifest(Box::new(minimal)))),
        ),
        pass("delivery-retried", "The third attempt: the event id is that of the first.", retried),
        pass("attempt-65535", "The highest number of an attempt.", with(last, "/is_retry", true)),
        pass(
            "no-parent",
            "Nothing is above the run: null, not absent.",
            with(documents::mode_event(), "/parent_run_id", Value::Null),
        ),
        pass(
            "reported-by-infra",
            "The infrastructure layer reports.",
            with(documents::command_event(), "/component", "infra"),
        ),
        pass(
            "reported-by-cli",
            "The command line layer reports.",
            with(documents::command_event(), "/component", "cli"),
        ),
    ]
}

/// Texts of documents that a reader might change, although they are valid.
fn texts() -> Vec<Vector> {
    let compact = json_of(&documents::running(Mode::Server, Execution::Apply)).to_string();
    let padding = " ".repeat(MAX_DOCUMENT_BYTES - compact.len());
    let text =
        |name: &str, description: &str, text: String| Vector::pass(name, description, Payload::Raw(text));
    vec![
        text("white-space", "White space before and after the document.", format!(" \r\n\t{compact}\n")),
        text(
            "escaped-letters",
            "Escapes that stand for plain letters.",
            compact.replace("\"apply\"", "\"\\u0061pply\""),
        ),
        text(
            "escaped-key",
            "A key written with an escape.",
            compact.replace("\"status\"", "\"st\\u0061tus\""),
        ),
        text(
            "whole-number-with-fraction",
            "1.0 is an integer in JSON Schema.",
            compact.replace("\"exit_code\":null", "\"exit_code\":1.0"),
        ),
        text("largest", "Exactly as large as a document may be.", compact + &padding),
    ]
}

/// The harmless neighbours of each rule for values, as an id.
fn innocents() -> Vec<Vector> {
    let mut seen = std::collections::BTreeSet::new();
    // Only what has the form of an id can replace it; the tests of the gate try the others.
    let examples = VALUE_RULES.iter().flat_map(|rule| rule.innocents.iter().map(move |text| (rule, *text)));
    let fitting = examples.filter(|(_, text)| Id::parse(text).is_ok() && seen.insert(*text));
    fitting
        .map(|(rule, text)| {
            let name = format!(
                "not-{}-{}",
                rule.id.trim_start_matches("value.").replace('_', "-"),
                text.to_lowercase().replace('_', "-")
            );
            pass(
                name,
                format!("Looks like {} and is not.", rule.words),
                with(documents::manifest(), "/run_id", text),
            )
        })
        .collect()
}
