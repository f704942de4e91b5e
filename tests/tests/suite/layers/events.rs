//! `--events ndjson`: lines for programs, none of which can contain anything about the host.

use serde_json::Value;
use tests::Outcome;

use super::{core, sandbox};

fn validator() -> jsonschema::Validator {
    let path = tests::workspace().join("bootstrap/operation-event.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(path).expect("committed")).expect("JSON");
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
}

/// The events, each as the schema says.
fn events(outcome: &Outcome) -> Vec<Value> {
    let validator = validator();
    let parsed = outcome.stdout.lines().map(|line| {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(validator.is_valid(&event), "{event}");
        event
    });
    parsed.collect()
}

#[test]
fn every_command_has_a_first_and_a_last_event() {
    let sandbox = sandbox();
    for (words, operation, status) in [
        ("help", "core.help", "success"),
        ("bundle info --json", "core.bundle", "success"),
        ("bom --json", "core.bom", "success"),
        ("preflight --mode canary", "core.preflight", "failed"),
        ("validate", "core.validate", "failed"),
        ("backup --dry-run", "core.backup", "success"),
        ("rollback --to nowhere", "core.rollback", "failed"),
        ("clean", "core.cleanup", "success"),
        ("stack install --tgz canary.tgz", "stack.install", "failed"),
        ("addon install --tgz canary.tgz", "addon.install", "failed"),
        ("addon validate --tgz canary.tgz", "addon.validate", "failed"),
        ("send-telemetry", "core.telemetry", "failed"),
        ("canary", "core.unknown", "failed"),
        ("--dry-run --mode server", "core.bootstrap", "success"),
        ("apply --dry-run --mode server", "core.apply", "success"),
    ] {
        let outcome = core(&sandbox, &format!("--events ndjson {words}")).stdin("\n\n\n").run();
        let events = events(&outcome);
        let of = |event: &Value| (event["operation"].clone(), event["step"].clone(), event["status"].clone());
        let expected = |step: &str, status: &str| (operation.into(), step.into(), status.into());
        assert_eq!(of(&events[0]), expected("operation.started", "running"), "{words}: {outcome}");
        let last = events.last().expect("several");
        assert_eq!(of(last), expected("operation.completed", status), "{words}: {outcome}");
        assert!(!outcome.stdout.contains("canary"), "{words}: {outcome}");
    }
}

#[test]
fn text_and_questions_are_on_the_other_stream() {
    let sandbox = sandbox();
    let call = core(&sandbox, "--events ndjson bootstrap --dry-run --mode agent");
    let outcome = call.stdin("y\nhttps://canary.example.local:6443\ncanary-token\ny\n").run().expect(0);
    assert_eq!(events(&outcome).len(), 2);
    for text in ["- k3s: missing\n", "Agent server URL []: ", "Proceed with this plan?", "Dry run: agent"] {
        assert!(outcome.stderr.contains(text), "{text}: {outcome}");
    }
}

#[test]
fn a_preflight_has_an_event_for_each_check() {
    let sandbox = sandbox();
    let outcome = core(&sandbox, "--events ndjson preflight --mode server").run();
    let checks = events(&outcome).iter().filter(|event| event["step"] == "core.check").count();
    let listed = core(&sandbox, "preflight --mode server --json-output").run().json();
    assert_eq!(checks, listed["results"].as_array().expect("a list").len());
}
