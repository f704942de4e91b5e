//! The gate as an extension module of Python, `productive_k3s_contract._gate`: one function over [`privacy::Gate`].
//!
//! What receivers see is written in Python (`python/productive_k3s_contract`): classes from there can be compared, hashed,
//! pickled and type-checked without a line here, and an accepted document needs no new object.

use std::panic;

use privacy::{Gate, Rejection};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use schema::limits::MAX_DOCUMENT_BYTES;
use schema::{CONTRACT_VERSION, DocumentKind};

/// What Python gets: the kind of an accepted document; for a refused one the rule, pointer and message of each
/// violation, and whether it is of a newer contract.
type PythonVerdict = (Option<&'static str>, Vec<(String, String, &'static str)>, bool);

#[pymodule(gil_used = false)]
fn _gate(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // This copy of the standard library belongs to this module, and so does its hook. The default one prints the message
    // of a panic, which may quote the document.
    panic::set_hook(Box::new(report_place));
    module.add("CONTRACT_VERSION", CONTRACT_VERSION)?;
    module.add("MAX_DOCUMENT_BYTES", MAX_DOCUMENT_BYTES)?;
    module.add_function(wrap_pyfunction!(judge, module)?)
}

/// Judges the bytes of one document by schema and denylist.
///
/// Python's `bytes` never change, so other threads may run meanwhile.
#[pyfunction]
#[pyo3(signature = (document, /))]
fn judge(document: &Bound<'_, PyBytes>) -> PyResult<PythonVerdict> {
    let bytes = document.as_bytes();
    // A panic that pyo3 passes on is not an `Exception`: the handlers of a server would not catch it.
    let judged = document.py().detach(|| panic::catch_unwind(|| verdict(bytes)));
    judged.map_err(|_| PyRuntimeError::new_err("the gate failed; nothing is known of the document"))
}

fn verdict(document: &[u8]) -> PythonVerdict {
    match Gate::default().check(document) {
        Ok(DocumentKind::RunManifest) => (Some("run-manifest"), Vec::new(), false),
        Ok(DocumentKind::Telemetry) => (Some("telemetry"), Vec::new(), false),
        Err(rejection) => (None, violations(&rejection), rejection.is_of_newer_contract(document)),
    }
}

fn violations(rejection: &Rejection) -> Vec<(String, String, &'static str)> {
    let found = rejection.violations().iter();
    found.map(|found| (found.rule().to_owned(), found.pointer().to_owned(), found.message())).collect()
}

#[expect(clippy::print_stderr, reason = "a library has no other place for its own faults")]
fn report_place(panic: &panic::PanicHookInfo<'_>) {
    if let Some(place) = panic.location() {
        eprintln!("productive_k3s_contract: the gate failed at {place}");
    }
}
