//! Reads the documents of an NDJSON file as each set of types: contract-types DOCUMENTS. One JSON object.

use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[allow(dead_code, clippy::all, clippy::pedantic)]
mod before {
    pub const SOURCE: &str = include_str!(concat!(env!("OUT_DIR"), "/before.rs"));
    include!(concat!(env!("OUT_DIR"), "/before.rs"));
}

#[allow(dead_code, clippy::all, clippy::pedantic)]
mod after {
    pub const SOURCE: &str = include_str!(concat!(env!("OUT_DIR"), "/after.rs"));
    include!(concat!(env!("OUT_DIR"), "/after.rs"));
}

fn figures<T: DeserializeOwned>(source: &str, rows: &[Value]) -> Value {
    let reads = |row: &&Value| serde_json::from_str::<T>(&row["document"].to_string()).is_ok();
    let named = |rows: Vec<&Value>| rows.into_iter().map(|row| row["name"].clone()).collect::<Vec<_>>();
    let valid = || rows.iter().filter(|row| row["valid"] == true);
    let invalid = || rows.iter().filter(|row| row["valid"] != true);
    let texts: Vec<String> = valid().filter(|row| reads(row)).map(|row| row["document"].to_string()).collect();
    let wrong = || rows.iter().filter(|row| row["wrong_word"] == true);
    // Serde stops at the first error.
    let errors = wrong().filter(|row| !reads(row)).count();
    let (begun, mut count) = (Instant::now(), 0_u64);
    while begun.elapsed() < Duration::from_secs(1) && !texts.is_empty() {
        for text in &texts {
            count += u64::from(serde_json::from_str::<T>(text).is_ok());
        }
    }
    json!({
        "lines": source.lines().count(),
        "untagged": source.matches("serde(untagged)").count() + source.matches("serde(flatten").count(),
        "tagged": source.contains("serde(tag = \"event_category\""),
        "errors_for_a_wrong_word": (errors as f64 / wrong().count() as f64 * 10.0).round() / 10.0,
        "documents_a_second": u128::from(count) * 1000 / begun.elapsed().as_millis().max(1),
        "refused_though_valid": named(valid().filter(|row| !reads(row)).collect()),
        "passed_though_invalid": named(invalid().filter(|row| reads(row)).collect()),
    })
}

fn main() {
    let path = std::env::args().nth(1).expect("a file of documents");
    let text = std::fs::read_to_string(path).expect("documents");
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    let before = figures::<before::TelemetryDocument>(before::SOURCE, &rows);
    let after = figures::<after::TelemetryDocument>(after::SOURCE, &rows);
    println!("{}", json!({ "before": before, "after": after }));
}
