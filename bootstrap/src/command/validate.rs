//! `bootstrap validate`: foreign documents against the published contract.

mod lines;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use privacy::{Gate, Rejection};
use schema::DocumentKind;
use schema::limits::MAX_DOCUMENT_BYTES;
use serde::Serialize;

use crate::cli::Validate;
use crate::exit::{Exit, Failure};
use crate::terminal::Printer;

/// What the gate said of one document.
#[derive(Debug, Serialize)]
struct Verdict<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    #[serde(rename = "verdict")]
    word: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'static str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    rejection: Option<&'a Rejection>,
}

/// Where a document stands.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Place<'a> {
    /// A file of one document.
    File(&'a Path),
    /// A line of standard input, from 1.
    Line(u64),
}

impl<'a> Verdict<'a> {
    fn new(place: Place<'a>, result: &'a Result<DocumentKind, Rejection>) -> Self {
        let (word, document, rejection) = match result {
            Ok(DocumentKind::RunManifest) => ("pass", Some("run-manifest"), None),
            Ok(DocumentKind::Telemetry) => ("pass", Some("telemetry"), None),
            Err(rejection) => ("refused", None, Some(rejection)),
        };
        Self { place, word, document, rejection }
    }
}

/// Checks every file; an unreadable one does not keep the others from being checked.
pub(super) fn run(options: &Validate, printer: &mut Printer) -> Exit {
    // Names of this machine are not compared: the document may be of another machine, and the verdict must be the
    // same wherever it is asked for.
    let gate = Gate::default();
    let mut exit = Exit::Done;
    for path in &options.files {
        let outcome =
            if path.as_os_str() == "-" { lines::run(&gate, printer) } else { file(&gate, path, printer) };
        exit = match (outcome, exit) {
            (Ok(true), exit) => exit,
            (Ok(false), Exit::Usage) | (Err(()), _) => Exit::Usage,
            (Ok(false), _) => Exit::Failed,
        };
    }
    exit
}

/// Whether the document of the file passed.
fn file(gate: &Gate, path: &Path, printer: &mut Printer) -> Result<bool, ()> {
    let bytes = read_bounded(path).map_err(|error| {
        printer.failure(&Failure::usage(format!("cannot read {}: {error}", path.display())));
    })?;
    let result = gate.check(&bytes);
    report(Place::File(path), &result, printer);
    Ok(result.is_ok())
}

/// One byte more than a document may have is enough for the gate to refuse it.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_DOCUMENT_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn report(place: Place<'_>, result: &Result<DocumentKind, Rejection>, printer: &mut Printer) {
    let verdict = Verdict::new(place, result);
    if printer.is_json() {
        return printer.json_line(&verdict);
    }
    let name = match place {
        Place::File(path) => path.display().to_string(),
        Place::Line(number) => format!("line {number}"),
    };
    match result {
        Ok(_) => printer.data(&format!("{name}: {} {}", verdict.word, verdict.document.unwrap_or_default())),
        Err(rejection) => {
            printer.data(&format!("{name}: refused"));
            for violation in rejection.violations() {
                printer.folded("  ", "    ", &violation.to_string());
            }
        }
    }
}
