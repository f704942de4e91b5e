//! The plan as data: `run --dry-run --json`, its published schema, and `--detailed-exitcode`.

use serde_json::Value;
use tests::{Sandbox, Stub};

fn published() -> Value {
    serde_json::from_str(include_str!("../../../bootstrap/run.schema.json")).expect("JSON")
}

#[test]
fn every_mode_gives_a_document_of_the_published_schema() {
    let sandbox = Sandbox::new();
    let schema = published();
    jsonschema::meta::validate(&schema).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let token = sandbox.file("token", "hunter2-join-token\n", 0o600);
    for mode in ["server", "stack", "single-node", "agent"] {
        let mut call = sandbox.dry_run(mode).args(["--json"]);
        if mode == "agent" {
            call = call.args(["--agent-server-url", "https://k3s.example.local:6443", "--agent-token-file"]);
            call = call.args([token.as_os_str()]);
        }
        let document = call.run().expect(0).json();
        let faults: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{mode}: {faults:?}");
        assert_eq!(document["format"], "plan/v1");
        assert!(!document.to_string().contains("hunter2"), "{mode}");
    }
}

#[test]
fn steps_are_typed_and_hold_no_prose() {
    let sandbox = Sandbox::new();
    let document = sandbox.dry_run("single-node").args(["--json"]).run().expect(0).json();
    let steps: Vec<&Value> = document["plan"]
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(|component| component["steps"].as_array().expect("a list"))
        .collect();
    let of =
        |kind: &str| *steps.iter().find(|step| step["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    let fetch = of("fetch");
    assert_eq!(fetch["source"]["kind"], "url");
    assert!(fetch["source"]["url"].as_str().is_some_and(|url| url.starts_with("https://")), "{fetch}");
    assert_eq!(fetch["checksum"]["source"], "built_in");
    assert_eq!(fetch["commands"][0]["argv"][0], "curl");
    let script = of("install_service");
    assert_eq!(script["commands"][0]["root"], true);
    assert_eq!(script["commands"][0]["env"]["INSTALL_K3S_SKIP_START"], "true");
    assert_eq!(of("install_chart")["values"]["hostname"], Value::Null, "longhorn comes first");
    assert_eq!(of("add_line")["path"], "/etc/exports");
}

#[test]
fn the_exit_code_says_whether_something_would_change() {
    let sandbox = Sandbox::new();
    let dry = |arguments: &[&str]| sandbox.dry_run("server").args(["--detailed-exitcode"]).args(arguments);
    let changes = dry(&[]).run().expect(2);
    assert_eq!(changes.stderr, "", "a change is no failure");
    assert_eq!(dry(&["--json"]).run().expect(2).json()["exit_code"], 2);
    dry(&["--skip", "k3s", "--skip", "helm"]).run().expect(0);
    for wrong in [&["--moed", "server"][..], &["--rancher-host", "no name"], &["--config", "none.yaml"]] {
        dry(wrong).run().expect(1);
    }
    sandbox.stub("exportfs", Stub::default());
    sandbox.stub(
        "dpkg-query",
        Stub { stdout: "", stderr: "dpkg-query: database is locked", seconds: 0, code: 2 },
    );
    let unknown = sandbox.dry_run("single-node").args(["--detailed-exitcode"]).run();
    assert_eq!(unknown.code(), 1, "{unknown}");
    assert!(unknown.stdout.contains("  ? nfs"), "{unknown}");
    sandbox.bootstrap(["run", "--detailed-exitcode", "--yes"]).run().expect(1);
}
