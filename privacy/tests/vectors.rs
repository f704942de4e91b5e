//! Every published vector through the gate: the contract promises that it refuses, and passes, exactly these.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use privacy::Gate;
use serde_json::Value;

/// The bytes of a vector.
fn bytes_of(vector: &Value) -> Vec<u8> {
    if let Some(encoded) = vector["raw_base64"].as_str() {
        return base64::engine::general_purpose::STANDARD.decode(encoded).expect("base64");
    }
    vector["raw"]
        .as_str()
        .map_or_else(|| vector["document"].to_string().into_bytes(), |raw| raw.as_bytes().to_vec())
}

/// What is wrong with the verdict on a vector, if anything is.
fn fault_of(vector: &Value) -> Option<String> {
    let verdict = Gate::default().check(&bytes_of(vector));
    let Some(rule) = vector["rule"].as_str() else {
        return verdict.err().map(|rejection| format!("refused: {rejection}"));
    };
    let Err(rejection) = verdict else { return Some("passed".to_owned()) };
    let found = rejection.violations();
    let named = found.iter().any(|found| found.rule() == rule && vector["pointer"] == found.pointer());
    // Where a rule about the document as a whole trips, the schema is not used.
    let by_schema = found.iter().any(|found| found.rule().starts_with("schema."));
    let asked = rule.contains('.');
    let agrees = !asked || vector["schema_alone_refuses"] == by_schema;
    (!named || !agrees).then(|| format!("expected {rule} at {}, found: {rejection}", vector["pointer"]))
}

/// Every test of the published vectors. The committed files are read, not what the types would generate: receivers have
/// the files.
fn published_vectors() -> Vec<Value> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../schema/contract")
        .join(format!("v{}", schema::SCHEMA_VERSION))
        .join("vectors");
    let entries = fs::read_dir(directory).expect("the published vectors");
    let texts = entries.map(|entry| fs::read_to_string(entry.expect("an entry").path()).expect("vectors"));
    let groups = texts.flat_map(|text| serde_json::from_str::<Vec<Value>>(&text).expect("groups"));
    groups.flat_map(|group| group["tests"].as_array().expect("tests").clone()).collect()
}

#[test]
fn the_gate_agrees_with_every_vector() {
    let vectors = published_vectors();
    assert!(!vectors.is_empty(), "a directory without vectors proves nothing");
    let faults: Vec<String> = vectors
        .iter()
        .filter_map(|vector| fault_of(vector).map(|fault| format!("{}: {fault}", vector["description"])))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
