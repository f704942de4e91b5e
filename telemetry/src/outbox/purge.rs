//! Deleting queued documents, also while a delivery is in flight.
//!
//! A purge leaves the file `stopped` before it deletes. Whoever delivers looks for it before every attempt, before
//! every pause and after every answer; it then deletes what was stored before the file, the file itself, and leaves.
//! So nothing that was purged is sent after the request that is in flight, and a late write of that request does not
//! bring its document back. A document on its way into the outbox is in no listing yet: whoever stores it looks for a
//! purge before and after, see `purge_mark.rs`.
//!
//! This is the one way to opt out of what was stored already. A document belongs to the consent of its run: a later
//! run without consent neither sends it nor stops the delivery that is under way.

use std::path::Path;
use std::time::{Duration, Instant};

use privacy::disk::{DiskError, PrivateDir};
use serde::Serialize;

use super::purge_mark::{self, STOPPED};
use super::store::OutboxStore;
use super::{bounds, endpoint_state, ledger};

/// What a purge did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PurgeSummary {
    /// Queued documents that are deleted.
    pub waiting: usize,
    /// Documents that were rejected and are deleted.
    pub rejected: usize,
    /// Whether a request was in flight all the time. Its process deletes what that request may still write.
    pub in_flight: bool,
}

/// Deletes queued and rejected documents and the ledger. It needs no consent. A delivery that is in flight is waited
/// for, but not longer than `patience`.
///
/// # Errors
/// A file cannot be deleted. The request to purge stays, and the next delivery or run completes it.
pub fn purge(dir: &Path, patience: Duration) -> Result<PurgeSummary, DiskError> {
    let directory = match PrivateDir::open(dir) {
        Err(DiskError::Missing { .. }) => {
            return Ok(PurgeSummary { waiting: 0, rejected: 0, in_flight: false });
        }
        opened => opened?,
    };
    let store = OutboxStore::new(directory);
    // First the sign, then the deletion: a delivery must not store again what was deleted. Synced, because an operator who
    // opted out must not find the documents again after a power failure.
    store.directory().write_atomic(STOPPED, b"")?;
    // At once and without the lock: opting out must not wait for an endpoint that does not answer.
    let (waiting, rejected) = delete(&store)?;
    match store.lock(Instant::now() + patience)? {
        Some(_lock) => {
            let late = finish(&store)?;
            Ok(PurgeSummary { waiting: waiting + late.0, rejected: rejected + late.1, in_flight: false })
        }
        None => Ok(PurgeSummary { waiting, rejected, in_flight: true }),
    }
}

/// Ends a purge whose process, or the delivery that it left the rest to, died.
pub(super) fn finish_if_abandoned(store: &OutboxStore) -> Result<(), DiskError> {
    if !is_asked_for(store) {
        return Ok(());
    }
    // Somebody who holds the lock is alive and ends it himself.
    match store.lock(Instant::now())? {
        Some(_lock) => finish(store).map(drop),
        None => Ok(()),
    }
}

/// Whether somebody asked for a purge.
pub(crate) fn is_asked_for(store: &OutboxStore) -> bool {
    store.directory().modified(STOPPED).is_some()
}

/// Deletes everything and ends the purge. The caller holds the lock.
pub(crate) fn finish(store: &OutboxStore) -> Result<(usize, usize), DiskError> {
    let deleted = delete(store)?;
    purge_mark::count(store.directory());
    store.directory().remove(STOPPED)?;
    Ok(deleted)
}

/// Deletes what was stored before the purge was asked for. A run that has begun since has its own consent.
fn delete(store: &OutboxStore) -> Result<(usize, usize), DiskError> {
    let asked =
        store.directory().open_file(STOPPED).ok().and_then(|file| file.metadata().ok()?.modified().ok());
    // Without the file somebody else has ended the purge.
    let Some(asked) = asked else { return Ok((0, 0)) };
    let waiting = bounds::remove_until(store.directory(), asked)?;
    // What is in these places and cannot be opened or removed as ours is not ours, and must not keep the purge from
    // ending.
    let rejected = match store.rejected_directory() {
        Ok(Some(directory)) => bounds::remove_until(&directory, asked)?,
        Ok(None) | Err(_) => 0,
    };
    let _ = ledger::remove(store.directory());
    let _ = endpoint_state::remove_state(store.directory());
    Ok((waiting, rejected))
}
