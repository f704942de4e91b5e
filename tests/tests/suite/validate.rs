//! `validate`: foreign documents against the published contract.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use tests::Sandbox;

#[test]
fn our_own_manifest_passes_and_a_changed_one_is_refused_without_its_value() {
    let sandbox = Sandbox::new();
    sandbox.dry_run("single-node").run().expect(0);
    let run = sandbox.only_run();
    let manifest = fs::read_to_string(&run.public).expect("written");
    sandbox.file("good.json", &manifest, 0o600);
    let mut changed = run.manifest();
    changed["hunter2"] = json!("hunter2.example.org");
    changed["platform"]["os_version"] = json!("10.0.0.1/hunter2");
    sandbox.file("changed.json", &changed.to_string(), 0o600);
    sandbox.file("no.json", "hunter2", 0o600);

    sandbox.bootstrap(["validate", "good.json"]).run().expect(0);
    let outcome = sandbox.bootstrap(["validate", "good.json", "changed.json", "no.json"]).run().expect(1);
    assert!(!outcome.output().contains("hunter2"), "{outcome}");
    sandbox.snapshot("validate_files", &outcome);
    let unreadable = sandbox.bootstrap(["validate", "good.json", "nowhere.json", "no.json"]).run().expect(2);
    assert!(
        unreadable.stdout.contains("good.json: pass") && unreadable.stderr.contains("nowhere.json"),
        "{unreadable}"
    );
}

#[test]
fn the_private_context_is_no_public_document() {
    let sandbox = Sandbox::new();
    sandbox.dry_run("single-node").run().expect(0);
    let private = sandbox.only_run().private;
    let outcome = sandbox.bootstrap(["validate"]).args([private]).run().expect(1);
    assert!(
        !outcome.output().contains("example.local") && !outcome.output().contains("192.168"),
        "{outcome}"
    );
}

#[test]
fn standard_input_holds_a_document_a_line() {
    let sandbox = Sandbox::new();
    sandbox.dry_run("server").run().expect(0);
    let good = sandbox.only_run().manifest().to_string();
    let input = format!("{good}\n\nhunter2\n{{\"hunter2\":1}}\n{good}");
    let outcome = sandbox.bootstrap(["validate", "-"]).stdin(input.clone()).run().expect(1);
    assert!(!outcome.output().contains("hunter2"), "{outcome}");
    sandbox.snapshot("validate_lines", &outcome);
    let json = sandbox.bootstrap(["validate", "-", "--json"]).stdin(input).run().expect(1);
    let lines =
        json.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let verdicts: Vec<_> = lines.map(|line| (line["line"].as_u64(), line["verdict"] == "pass")).collect();
    assert_eq!(verdicts, [(Some(1), true), (Some(3), false), (Some(4), false), (Some(5), true)]);
    sandbox.bootstrap(["validate", "-"]).stdin(format!("{good}\n")).run().expect(0);
}

/// Every test of every file of vectors.
fn published_vectors() -> Vec<Value> {
    let directory = tests::workspace().join("schema/contract/v1/vectors");
    let entries = fs::read_dir(directory).expect("published").map(|entry| entry.expect("an entry").path());
    let files = entries.map(|path| fs::read(path).expect("readable"));
    let groups = files.flat_map(|text| serde_json::from_slice::<Vec<Value>>(&text).expect("groups"));
    groups.flat_map(|group| group["tests"].as_array().expect("tests").clone()).collect()
}

#[test]
fn every_published_vector_is_judged_as_it_says() {
    let sandbox = Sandbox::new();
    let mut expected = BTreeMap::new();
    for vector in published_vectors() {
        let name = vector["description"]
            .as_str()
            .and_then(|text| text.split(':').next())
            .expect("a name")
            .to_owned();
        let document = match (vector.get("document"), vector.get("raw")) {
            (Some(document), _) => document.to_string(),
            (None, Some(raw)) => raw.as_str().expect("text").to_owned(),
            // The few that are no text are judged by the tests of the gate.
            (None, None) => continue,
        };
        sandbox.file(&name, &document, 0o600);
        expected.insert(name, (vector["valid"] == true, vector["rule"].as_str().map(str::to_owned)));
    }
    let outcome = sandbox.bootstrap(["validate", "--json"]).args(expected.keys()).run().expect(1);
    let verdicts: Vec<Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(expected.len() > 100 && verdicts.len() == expected.len(), "{}", verdicts.len());
    for verdict in verdicts {
        let name = verdict["file"].as_str().expect("a file");
        let (passes, rule) = &expected[name];
        assert_eq!(verdict["verdict"] == "pass", *passes, "{name}: {verdict}");
        let violations = verdict["violations"].as_array().into_iter().flatten();
        let rules: Vec<&str> = violations.filter_map(|violation| violation["rule"].as_str()).collect();
        assert!(rule.as_deref().is_none_or(|rule| rules.contains(&rule)), "{name}: {rules:?}");
    }
}

#[test]
fn config_schema_and_completions_are_data() {
    let sandbox = Sandbox::new();
    let schema = sandbox.bootstrap(["config-schema"]).run().expect(0).json();
    jsonschema::meta::validate(&schema).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(
        validator
            .is_valid(&json!({"mode": "agent", "agent": {"server_url": "https://k3s.example.local:6443"}}))
    );
    for bad in
        [json!({"moed": "agent"}), json!({"mode": "serve"}), json!({"longhorn": {"replica_count": 10}})]
    {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = sandbox.bootstrap(["completions", shell]).run().expect(0);
        assert!(script.stdout.contains("agent-server-url") && script.stderr.is_empty(), "{shell}");
    }
}
