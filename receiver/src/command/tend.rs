//! The commands that tend a store: each does one thing and ends.

use super::error::ReceiverError;
use super::output::print;
use crate::cli::{RetainArgs, RollupArgs, ServeArgs, StoreArgs};
use crate::disk_space;
use crate::rollup;
use crate::store::SqliteStore;
use crate::tokens::Tokens;

pub(super) fn migrate(arguments: &StoreArgs) -> Result<(), ReceiverError> {
    SqliteStore::open(&arguments.store)?;
    print(&format!("store: {}, tables of version {}", arguments.store.display(), SqliteStore::version()));
    Ok(())
}

pub(super) fn check(arguments: &ServeArgs) -> Result<(), ReceiverError> {
    for file in [&arguments.ingest_tokens_file, &arguments.operator_token_file].into_iter().flatten() {
        Tokens::read(file)?;
    }
    let StoreArgs { store: path, disk_reserve } = &arguments.store;
    let store = SqliteStore::open(path)?;
    let free = disk_space::free_bytes(store.directory());
    if free < *disk_reserve {
        return Err(ReceiverError::DiskReserve(path.clone(), free, *disk_reserve));
    }
    print(&format!("store: {}, {} documents", path.display(), store.count()?));
    Ok(())
}

pub(super) fn rollup(arguments: &RollupArgs) -> Result<(), ReceiverError> {
    let mut store = SqliteStore::open(&arguments.store.store)?;
    let now = chrono::Utc::now().timestamp();
    let done = rollup::roll_up(&mut store, arguments.suppression.suppress_below, now)?;
    print(&format!("rolled up: {} documents, {} weeks closed", done.documents, done.weeks));
    Ok(())
}

pub(super) fn retain(arguments: &RetainArgs) -> Result<(), ReceiverError> {
    let mut store = SqliteStore::open(&arguments.store.store)?;
    let now = chrono::Utc::now().timestamp();
    let deleted = rollup::forget(&mut store, arguments.retention.retention_days, now)?;
    print(&format!("deleted: {deleted} rows"));
    Ok(())
}

pub(super) fn verify(arguments: &StoreArgs) -> Result<(), ReceiverError> {
    let verified = SqliteStore::open(&arguments.store)?.verify()?;
    if verified.faults.is_empty() {
        print(&format!("whole: {} documents", verified.documents));
        return Ok(());
    }
    Err(ReceiverError::Damaged(arguments.store.clone(), verified.faults.join("; ")))
}
