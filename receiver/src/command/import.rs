//! `receiver import FILE`: documents from a file, through the same gate as those from the network.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use schema::limits::MAX_DOCUMENT_BYTES;

use super::error::ReceiverError;
use super::location;
use super::output::print;
use crate::arrival::Arrival;
use crate::cli::ImportArgs;
use crate::intake::{self, Verdict};
use crate::log::say;
use crate::store::{BatchOutcome, InsertOutcome, MAX_BATCH, Store, StoreUse, insert_what_fits};

/// Lines that are reported one by one.
const TOLD: u64 = 20;

/// An import under way.
struct Import {
    store: Box<dyn Store>,
    batch: Vec<Arrival>,
    /// The line of each document of the batch.
    lines: Vec<u64>,
    counts: ImportCounts,
}

/// The result of the import.
#[derive(Default)]
struct ImportCounts {
    accepted: u64,
    duplicates: u64,
    /// By the gate.
    refused: u64,
    /// Passed the gate and not the tables.
    unfit: u64,
}

pub(super) fn run(arguments: &ImportArgs) -> Result<(), ReceiverError> {
    let failed = |error| ReceiverError::Read(arguments.file.clone(), error);
    let reader: Box<dyn Read> = if arguments.file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(&arguments.file).map_err(failed)?)
    };
    let store = location::of(&arguments.store)?.open(StoreUse::Tending)?;
    let mut import = Import { store, batch: Vec::new(), lines: Vec::new(), counts: ImportCounts::default() };
    let (mut lines, mut number) = (BufReader::new(reader), 0);
    while let Some(line) = next_line(&mut lines).map_err(failed)? {
        number += 1;
        if !line.trim_ascii().is_empty() {
            import.take(number, &line)?;
        }
    }
    import.store_batch()?;
    let ImportCounts { accepted, duplicates, refused, unfit } = import.counts;
    print(&format!(
        "imported: {accepted} accepted, {duplicates} duplicates, {refused} refused, {unfit} not taken by the store"
    ));
    if refused + unfit > 0 { Err(ReceiverError::NotImported(refused + unfit)) } else { Ok(()) }
}

impl Import {
    fn take(&mut self, number: u64, line: &[u8]) -> Result<(), ReceiverError> {
        match intake::judge(line) {
            Verdict::Pass(arrival) => {
                self.batch.push(*arrival);
                self.lines.push(number);
            }
            verdict => {
                self.counts.refused += 1;
                tell(self.counts.refused, number, &why(&verdict));
            }
        }
        if self.batch.len() == MAX_BATCH { self.store_batch() } else { Ok(()) }
    }

    /// Stores what waits. A document that the store does not take is found and told, and does not stop the others.
    fn store_batch(&mut self) -> Result<(), ReceiverError> {
        let now = chrono::Utc::now().timestamp();
        let BatchOutcome { documents, failure } = insert_what_fits(&mut *self.store, &self.batch, now);
        for (stored, number) in documents.into_iter().zip(&self.lines) {
            match stored {
                Ok(InsertOutcome::New) => self.counts.accepted += 1,
                Ok(InsertOutcome::Duplicate) => self.counts.duplicates += 1,
                Err(error) => {
                    self.counts.unfit += 1;
                    tell(self.counts.unfit, *number, &format!("not taken by the store: {error}"));
                }
            }
        }
        self.batch.clear();
        self.lines.clear();
        failure.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Tells of a line, unless so many were told of that nobody reads more.
fn tell(count: u64, number: u64, why: &str) {
    if count <= TOLD {
        say(&format!("line {number}: {why}"));
    }
}

/// The next line, or as much of it as shows that it is too long; the rest of it is skipped.
fn next_line(lines: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let limit = MAX_DOCUMENT_BYTES as u64 + 2;
    if lines.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && line.len() as u64 == limit {
        lines.skip_until(b'\n')?;
    }
    Ok(Some(line.trim_ascii_end().to_vec()))
}

/// Rules and places, never values.
fn why(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Malformed(rejection) | Verdict::Refused(rejection) => rejection.to_string(),
        Verdict::Newer => "of a newer contract; import it with a newer build".to_owned(),
        Verdict::NotAnEvent | Verdict::Pass(_) => "not a telemetry document".to_owned(),
    }
}
