//! Every published vector gets the status that the contract states, and nothing of a refused one is kept.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::{Site, on_both_stores};

on_both_stores! {
    every_vector_gets_its_status_and_nothing_refused_is_kept,
}

/// A document of the published vectors, with the rule that refuses it.
struct Published {
    name: String,
    schema: String,
    bytes: Vec<u8>,
    rule: Option<String>,
}

fn published() -> Vec<Published> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/contract/v1/vectors");
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("vectors") {
        let path = entry.expect("an entry").path();
        let file: Value = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        // One vector per file, or groups of them.
        match &file {
            Value::Array(groups) => {
                for group in groups {
                    let tests = group["tests"].as_array().expect("tests");
                    found.extend(tests.iter().map(|test| read(&name, &group["schema"], test)));
                }
            }
            vector => found.push(read(&name, &vector["schema"], vector)),
        }
    }
    assert!(found.len() > 300, "{} vectors", found.len());
    found
}

fn read(file: &str, schema: &Value, vector: &Value) -> Published {
    let text = |field: &str| vector[field].as_str().map(str::to_owned);
    let bytes = match (text("raw_base64"), text("raw")) {
        (Some(encoded), _) => STANDARD.decode(encoded).expect("base64"),
        (_, Some(raw)) => raw.into_bytes(),
        _ => vector["document"].to_string().into_bytes(),
    };
    let name = format!("{file}: {}", text("description").unwrap_or_default());
    Published { name, schema: schema.as_str().expect("a schema").to_owned(), bytes, rule: text("rule") }
}

/// The statuses that a vector may get.
fn expected(vector: &Published) -> &'static [u16] {
    match vector.rule.as_deref() {
        Some("size") => &[413],
        Some("syntax" | "utf8" | "depth" | "duplicate_key") => &[400],
        None if vector.schema == "telemetry" => &[202],
        // A manifest is accepted only within a delivery.
        _ => &[422],
    }
}

fn every_vector_gets_its_status_and_nothing_refused_is_kept(site: &Site) {
    let mut receiver = site.receiver();
    let (vectors, mut client) = (published(), receiver.client());
    let mut answers = String::new();
    for vector in &vectors {
        let reply = client.post(&vector.bytes);
        assert!(expected(vector).contains(&reply.status), "{}: {reply:?}", vector.name);
        if reply.header("connection") == Some("close") {
            client = receiver.client();
        }
        if reply.status != 202 {
            answers.push_str(&reply.head);
            answers.push_str(&reply.body);
        }
    }
    let (_, metrics) = receiver.admin("/metrics");
    let (status, log) = receiver.stop();
    assert!(status.success(), "{log}");
    let kept = site.dump();
    assert!(kept.contains("schema."), "refusals are counted: {kept}");
    let files = files_of(site.path());
    for value in refused_values(&vectors) {
        for (place, text) in [("answers", &answers), ("log", &log), ("tables", &kept), ("metrics", &metrics)]
        {
            assert!(!text.contains(&value), "{value:?} is in the {place}");
        }
        assert!(!files.windows(value.len()).any(|window| window == value.as_bytes()), "{value:?} is on disk");
    }
}

/// Text that is in refused documents and in none that passes: what a sender should not have sent.
fn refused_values(vectors: &[Published]) -> Vec<String> {
    let is_stored = |vector: &&Published| vector.rule.is_none() && vector.schema == "telemetry";
    let stored: String = vectors
        .iter()
        .filter(is_stored)
        .map(|vector| String::from_utf8_lossy(&vector.bytes).into_owned())
        .collect();
    let mut values = Vec::new();
    for vector in vectors.iter().filter(|vector| vector.rule.is_some()) {
        if let Ok(document) = serde_json::from_slice(&vector.bytes) {
            texts(&document, &mut values);
        }
    }
    values.sort_unstable();
    values.dedup();
    // Words of three letters occur in everything, and words of the contract or of its rules are no secret.
    let rules =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/contract/v1/denylist.json"));
    let contract =
        [privacy::published_schema(schema::DocumentKind::Telemetry), &rules.expect("rules")].concat();
    // An id without its hyphens is the same bytes.
    let bare = |text: &str| text.replace('-', "");
    let (stored, contract) = (bare(&stored), bare(&contract));
    values.retain(|value| {
        value.len() > 4 && !stored.contains(&bare(value)) && !contract.contains(&bare(value))
    });
    assert!(values.len() > 100, "{} values", values.len());
    values
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => {
            for (key, member) in members {
                found.push(key.clone());
                texts(member, found);
            }
        }
        _ => {}
    }
}

/// The bytes of all files of a directory.
fn files_of(directory: &Path) -> Vec<u8> {
    let paths = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    let bytes = |path: std::path::PathBuf| {
        if path.is_dir() { files_of(&path) } else { fs::read(path).expect("readable") }
    };
    paths.flat_map(bytes).collect()
}
