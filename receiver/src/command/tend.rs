//! The commands that tend a store: each does one thing and ends.

use std::path::Path;

use super::error::ReceiverError;
use super::location;
use super::output::print;
use crate::cli::{RetainArgs, RollupArgs, ServeArgs, StoreArgs};
use crate::disk_space;
use crate::rollup;
use crate::spool::{Spool, SpoolError};
use crate::store::StoreUse;
use crate::tokens::Tokens;

pub(super) fn migrate(arguments: &StoreArgs) -> Result<(), ReceiverError> {
    let location = location::of(arguments)?;
    location.open(StoreUse::Tending)?.tidy(chrono::Utc::now().timestamp())?;
    print(&format!("store: {location}, tables of version {}", location.version()));
    Ok(())
}

pub(super) fn check(arguments: &ServeArgs) -> Result<(), ReceiverError> {
    for file in [&arguments.ingest_tokens_file, &arguments.operator_token_file].into_iter().flatten() {
        Tokens::read(file)?;
    }
    let (location, reserve) = (location::of(&arguments.store)?, arguments.store.disk_reserve);
    let mut store = location.open(StoreUse::Tending)?;
    let spool = location.is_server().then(|| spool_state(&arguments.spool_dir)).transpose()?;
    let directory = store.local_directory().or(spool.as_ref().map(|_| arguments.spool_dir.as_path()));
    if let Some(directory) = directory {
        let free = disk_space::free_bytes(directory);
        if free < reserve {
            return Err(ReceiverError::DiskReserve(directory.to_owned(), free, reserve));
        }
    }
    print(&format!("store: {location}, {} documents", store.count()?));
    if let Some(state) = spool {
        print(&format!("spool: {}, {state}", arguments.spool_dir.display()));
    }
    Ok(())
}

/// Who has the spool, or what waits in it. That a service has it is no fault: this is what a check beside a service that
/// runs finds.
fn spool_state(directory: &Path) -> Result<String, SpoolError> {
    match Spool::open(directory) {
        Ok(spool) => Ok(format!("not in use, {} bytes wait", spool.bytes())),
        Err(SpoolError::InUse { holder, .. }) => {
            Ok(format!("in use by {holder}; another instance needs a --spool-dir of its own"))
        }
        Err(error) => Err(error),
    }
}

pub(super) fn rollup(arguments: &RollupArgs) -> Result<(), ReceiverError> {
    let mut store = location::of(&arguments.store)?.open(StoreUse::Tending)?;
    let now = chrono::Utc::now().timestamp();
    let done = rollup::roll_up(&mut *store, arguments.suppression.suppress_below, now)?;
    print(&format!("rolled up: {} documents, {} weeks closed", done.documents, done.weeks));
    Ok(())
}

pub(super) fn retain(arguments: &RetainArgs) -> Result<(), ReceiverError> {
    let mut store = location::of(&arguments.store)?.open(StoreUse::Tending)?;
    let now = chrono::Utc::now().timestamp();
    let deleted = rollup::forget(&mut *store, arguments.retention.retention_days, now)?;
    print(&format!("deleted: {deleted} rows"));
    Ok(())
}

pub(super) fn verify(arguments: &StoreArgs) -> Result<(), ReceiverError> {
    let location = location::of(arguments)?;
    let verified = location.open(StoreUse::Tending)?.verify()?;
    if verified.faults.is_empty() {
        print(&format!("whole: {} documents", verified.documents));
        return Ok(());
    }
    Err(ReceiverError::Damaged(location.to_string(), verified.faults.join("; ")))
}
