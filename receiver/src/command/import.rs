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
use crate::store::{InsertOutcome, Store, StoreUse};

/// Documents of one transaction.
const BATCH: usize = 1_024;
/// Refused lines that are reported one by one.
const TOLD: u64 = 20;

/// The result of the import.
#[derive(Default)]
struct Imported {
    accepted: u64,
    duplicates: u64,
    refused: u64,
}

pub(super) fn run(arguments: &ImportArgs) -> Result<(), ReceiverError> {
    let failed = |error| ReceiverError::Read(arguments.file.clone(), error);
    let reader: Box<dyn Read> = if arguments.file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(&arguments.file).map_err(failed)?)
    };
    let mut store = location::of(&arguments.store)?.open(StoreUse::Tending)?;
    let mut lines = BufReader::new(reader);
    let (mut imported, mut batch, mut number) = (Imported::default(), Vec::new(), 0_u64);
    while let Some(line) = next_line(&mut lines).map_err(failed)? {
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match intake::judge(&line) {
            Verdict::Pass(arrival) => batch.push(*arrival),
            verdict => {
                imported.refused += 1;
                if imported.refused <= TOLD {
                    say(&format!("line {number}: {}", why(&verdict)));
                }
            }
        }
        if batch.len() == BATCH {
            store_batch(&mut *store, &mut batch, &mut imported)?;
        }
    }
    store_batch(&mut *store, &mut batch, &mut imported)?;
    let Imported { accepted, duplicates, refused } = imported;
    print(&format!("imported: {accepted} accepted, {duplicates} duplicates, {refused} refused"));
    if refused > 0 { Err(ReceiverError::Refused(refused)) } else { Ok(()) }
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

fn store_batch(
    store: &mut dyn Store,
    batch: &mut Vec<Arrival>,
    imported: &mut Imported,
) -> Result<(), ReceiverError> {
    for stored in store.insert(batch, chrono::Utc::now().timestamp())? {
        match stored {
            InsertOutcome::New => imported.accepted += 1,
            InsertOutcome::Duplicate => imported.duplicates += 1,
        }
    }
    batch.clear();
    Ok(())
}

/// Rules and places, never values.
fn why(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Malformed(rejection) | Verdict::Refused(rejection) => rejection.to_string(),
        Verdict::Newer => "of a newer contract; import it with a newer build".to_owned(),
        Verdict::NotAnEvent | Verdict::Pass(_) => "not a telemetry document".to_owned(),
    }
}
