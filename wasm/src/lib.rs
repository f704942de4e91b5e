//! The gate as a WebAssembly module: one function over [`privacy::Gate`].
//!
//! What receivers see is written in JavaScript (`package/`): it checks arguments, starts a fresh instance after a fault, and
//! gives verdicts their types.

use std::panic;

use privacy::{Gate, Rejection};
use schema::limits::MAX_DOCUMENT_BYTES;
use schema::{CONTRACT_VERSION, DocumentKind};
use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;

/// Must be called once in each instance.
#[wasm_bindgen]
pub fn start() {
    panic::set_hook(Box::new(throw_place));
}

/// The version of the contract by which documents are judged.
#[wasm_bindgen]
pub fn contract_version() -> String {
    CONTRACT_VERSION.to_owned()
}

/// The most bytes that a document may have.
#[wasm_bindgen]
pub fn max_document_bytes() -> usize {
    MAX_DOCUMENT_BYTES
}

/// Judges the bytes of one document by schema and denylist. The verdict is JSON: one text crosses the border faster than a
/// value for each rule and place.
#[wasm_bindgen]
pub fn judge(document: &[u8]) -> String {
    match Gate::default().check(document) {
        Ok(DocumentKind::RunManifest) => accepted("run-manifest"),
        Ok(DocumentKind::Telemetry) => accepted("telemetry"),
        Err(rejection) => refused(&rejection, rejection.is_of_newer_contract(document)),
    }
}

/// Only the kind: JavaScript keeps one verdict for each.
fn accepted(kind: &str) -> String {
    kind.to_owned()
}

fn refused(rejection: &Rejection, newer_contract: bool) -> String {
    let violations: Vec<Value> = rejection
        .violations()
        .iter()
        .map(|found| json!({ "rule": found.rule(), "pointer": found.pointer(), "message": found.message() }))
        .collect();
    json!({ "accepted": false, "kind": null, "violations": violations, "newerContract": newer_contract })
        .to_string()
}

/// Leaves the module with an error that names the place. The message of a panic may quote the document.
fn throw_place(panic: &panic::PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
    wasm_bindgen::throw_str(&format!("the gate failed{place}"))
}
