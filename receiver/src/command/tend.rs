//! The commands that tend a store: each does one thing and ends.

use std::path::Path;

use super::error::ReceiverError;
use super::location;
use super::output::print;
use crate::cli::{ClockArgs, RetainArgs, RollupArgs, ServeArgs, StoreArgs};
use crate::disk_space;
use crate::rollup;
use crate::spool::{Spool, SpoolError};
use crate::store::{ClockReading, ClockTrust, Store, StoreError, StoreLocation, StoreUse};
use crate::tokens::Tokens;

pub(super) fn migrate(arguments: &StoreArgs) -> Result<(), ReceiverError> {
    let location = location::of(arguments)?;
    location.open(StoreUse::Tending)?.tidy(chrono::Utc::now().timestamp())?;
    print(&format!("store: {location}, tables of version {}", location.version()));
    Ok(())
}

/// Changes nothing: what is not there yet is said to be missing, and `serve` makes it.
pub(super) fn check(arguments: &ServeArgs) -> Result<(), ReceiverError> {
    for file in [&arguments.ingest_tokens_file, &arguments.operator_token_file].into_iter().flatten() {
        Tokens::read(file)?;
    }
    let (location, reserve) = (location::of(&arguments.store)?, arguments.store.disk_reserve);
    let state = store_state(&location)?;
    let spool = location.is_server().then(|| spool_state(&arguments.spool.spool_dir)).transpose()?;
    let directory =
        location.local_directory().or(spool.as_ref().map(|_| arguments.spool.spool_dir.as_path()));
    if let Some(directory) = directory {
        let free = disk_space::free_bytes(directory);
        if free < reserve {
            return Err(ReceiverError::DiskReserve(directory.to_owned(), free, reserve));
        }
    }
    print(&format!("store: {state}"));
    if let Some(state) = spool {
        print(&format!("spool: {}, {state}", arguments.spool.spool_dir.display()));
    }
    Ok(())
}

/// What is in a store, or what the start of the service will make of it.
fn store_state(location: &StoreLocation) -> Result<String, StoreError> {
    match location.open_to_read(StoreUse::Tending) {
        Ok(mut store) => {
            let doubt = if store.is_clock_doubted()? {
                "; its clock is not believed, so nothing is rolled up or deleted: see the log of the service"
            } else {
                ""
            };
            Ok(format!("{location}, {} documents{doubt}", store.count()?))
        }
        Err(error @ (StoreError::Missing { .. } | StoreError::Older { .. })) => Ok(error.to_string()),
        Err(error) => Err(error),
    }
}

/// Who has the spool, or what waits in it. That a service has it is no fault: this is what a check beside a service that
/// runs finds.
fn spool_state(directory: &Path) -> Result<String, SpoolError> {
    if !directory.exists() {
        return Ok("not there yet; the start of the service makes it".to_owned());
    }
    match Spool::open(directory) {
        Ok(spool) => Ok(format!("not in use, {} bytes wait", spool.bytes())),
        Err(SpoolError::InUse { holder, .. }) => {
            Ok(format!("in use by {holder}; another instance needs a --spool-dir of its own"))
        }
        Err(error) => Err(error),
    }
}

pub(super) fn rollup(arguments: &RollupArgs) -> Result<(), ReceiverError> {
    let mut store = location::of(&arguments.store)?.open_existing(StoreUse::Tending)?;
    let now = read_clock(&mut *store, &arguments.clock)?;
    let done = rollup::roll_up(&mut *store, arguments.suppression.suppress_below, now)?;
    print(&format!("rolled up: {} documents, {} weeks closed", done.documents, done.weeks));
    Ok(())
}

pub(super) fn retain(arguments: &RetainArgs) -> Result<(), ReceiverError> {
    let mut store = location::of(&arguments.store)?.open_existing(StoreUse::Tending)?;
    let now = read_clock(&mut *store, &arguments.clock)?;
    let deleted = rollup::forget(&mut *store, arguments.retention.retention_days, now)?;
    print(&format!("deleted: {deleted} rows"));
    Ok(())
}

/// The time by which weeks are closed and data is deleted.
fn read_clock(store: &mut dyn Store, arguments: &ClockArgs) -> Result<i64, ReceiverError> {
    let trust = if arguments.trust_clock { ClockTrust::Given } else { ClockTrust::ByRule };
    match store.read_clock(trust)? {
        ClockReading::Believed(now) => Ok(now),
        ClockReading::Doubted(clock) => Err(ReceiverError::Clock(clock)),
    }
}

pub(super) fn verify(arguments: &StoreArgs) -> Result<(), ReceiverError> {
    let location = location::of(arguments)?;
    let verified = location.open_to_read(StoreUse::Tending)?.verify()?;
    if verified.faults.is_empty() {
        print(&format!("whole: {} documents", verified.documents));
        return Ok(());
    }
    Err(ReceiverError::Damaged(location.to_string(), verified.faults.join("; ")))
}
