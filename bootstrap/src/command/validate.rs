//! `bootstrap validate`: foreign documents against the published contract.

mod lines;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use privacy::{Gate, Rejection};
use schema::DocumentKind;
use schema::limits::MAX_DOCUMENT_BYTES;
use serde::Serialize;

use super::diagnostic::Diagnostic;
use super::error::Error;
use crate::cli::ValidateArgs;
use crate::terminal::{Line, Printer, Tone};
use lines::BATCH_BYTES;

/// What the gate said of one document.
#[derive(Debug, Serialize)]
struct DocumentVerdict<'a> {
    #[serde(flatten)]
    place: DocumentPlace<'a>,
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
enum DocumentPlace<'a> {
    /// A file of one document.
    File(&'a Path),
    /// A line of standard input, from 1.
    Line(u64),
}

impl<'a> DocumentVerdict<'a> {
    fn new(place: DocumentPlace<'a>, result: &'a Result<DocumentKind, Rejection>) -> Self {
        let (word, document, rejection) = match result {
            Ok(DocumentKind::RunManifest) => ("pass", Some("run-manifest"), None),
            Ok(DocumentKind::Telemetry) => ("pass", Some("telemetry"), None),
            Err(rejection) => ("refused", None, Some(rejection)),
        };
        Self { place, word, document, rejection }
    }
}

/// How many documents were checked, and how many of them the contract refuses.
#[derive(Debug, Default)]
struct Totals {
    checked: u64,
    refused: u64,
}

impl Totals {
    fn count(&mut self, result: &Result<DocumentKind, Rejection>) {
        self.checked += 1;
        self.refused += u64::from(result.is_err());
    }
}

/// Checks every file; an unreadable one does not keep the others from being checked.
///
/// # Errors
/// A file could not be read, or a document was refused. All of it is printed already, each at its place in the order, and
/// the unreadable file counts more: of its document nothing is known.
pub(super) fn run(args: &ValidateArgs, printer: &mut Printer) -> Result<(), Diagnostic> {
    // Names of this machine are not compared: the document may be of another machine, and the verdict must be the
    // same wherever it is asked for.
    let gate = Gate::default();
    let mut totals = Totals::default();
    let mut unreadable = None;
    for path in &args.files {
        // `-` is standard input, as for other tools; `./-` is a file of that name.
        let checked = if path.as_os_str() == "-" {
            check_lines(&gate, &mut totals, printer)
        } else {
            check_file(&gate, path, &mut totals, printer)
        };
        if let Err(error) = checked {
            printer.error(&error.message(), &[]);
            unreadable = Some(error);
        }
    }
    let refused = (totals.refused > 0).then_some(Error::RefusedDocuments);
    unreadable.or(refused).map_or(Ok(()), |error| Err(Diagnostic::from(error).after_result()))
}

fn check_file(gate: &Gate, path: &Path, totals: &mut Totals, printer: &mut Printer) -> Result<(), Error> {
    let bytes = read_bounded(path)
        .map_err(|source| Error::UnreadableDocument { name: path.display().to_string(), source })?;
    let result = gate.check(&bytes);
    totals.count(&result);
    show_verdict(DocumentPlace::File(path), &result, printer);
    Ok(())
}

/// Checks the lines of standard input. Those that pass are only counted: a receiver pipes in millions, and looks for the
/// others.
fn check_lines(gate: &Gate, totals: &mut Totals, printer: &mut Printer) -> Result<(), Error> {
    let mut lines = Totals::default();
    let read =
        lines::check(BufReader::with_capacity(BATCH_BYTES, io::stdin()), gate, &mut |number, result| {
            lines.count(&result);
            if printer.is_json() || result.is_err() {
                show_verdict(DocumentPlace::Line(number), &result, printer);
            }
        });
    printer.note(&format!("{} checked, {} refused", lines.checked, lines.refused));
    totals.refused += lines.refused;
    read.map_err(|source| Error::UnreadableDocument { name: "standard input".to_owned(), source })
}

/// One byte more than a document may have is enough for the gate to refuse it.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_DOCUMENT_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn show_verdict(place: DocumentPlace<'_>, result: &Result<DocumentKind, Rejection>, printer: &mut Printer) {
    let verdict = DocumentVerdict::new(place, result);
    if printer.is_json() {
        return printer.json_line(&verdict);
    }
    let name = match place {
        DocumentPlace::File(path) => path.display().to_string(),
        DocumentPlace::Line(number) => format!("line {number}"),
    };
    match result {
        Ok(_) => printer.data(&format!("{name}: {} {}", verdict.word, verdict.document.unwrap_or_default())),
        Err(rejection) => {
            printer.data(&format!("{name}: refused"));
            for violation in rejection.violations() {
                printer.result(&[Line::new(violation.to_string()).lead(Tone::Plain, "  ").hanging(4)]);
            }
        }
    }
}
