//! Deleting queued documents, also while a delivery is in flight.
//!
//! A purge writes the file `stopped` before it deletes. A delivery checks for this file before every attempt, before
//! every pause and after every answer. It then deletes what was stored before the file, then the file, and ends.
//! So nothing that was purged is sent after the request that is in flight, and a late write of that request does not
//! restore its document. A document that is being stored is in no listing yet: the process that stores it checks for a
//! purge before and after, see `purge_mark.rs`.
//!
//! This is the one way to opt out of what was stored already. A document belongs to the consent of its run: a later
//! run without consent neither sends it nor stops the delivery that is in progress.

use std::time::{Duration, Instant, SystemTime};

use privacy::disk::{DiskError, PrivateDir};
use serde::Serialize;

use super::place::OutboxDir;
use super::purge_mark::{self, STOPPED};
use super::store::{OutboxStore, REJECTED};
use super::{bounds, endpoint_state, ledger};

/// What a purge did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PurgeSummary {
    /// Queued documents that are deleted.
    #[serde(rename = "queued")]
    pub waiting: usize,
    /// Documents that were rejected and are deleted.
    #[serde(rename = "refused")]
    pub rejected: usize,
    /// Documents that stay, because they belong to another user or cannot be read or deleted.
    pub left: usize,
    /// Whether a request was in flight all the time. Its process deletes what that request may still write.
    pub in_flight: bool,
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deleted {
    waiting: usize,
    rejected: usize,
}

/// Deletes queued and rejected documents and the ledger. It needs no consent. It waits for a delivery in flight,
/// but not longer than `patience`. In an outbox of another user it deletes what is our own and leaves nothing of
/// ours there; what is not ours is counted.
///
/// # Errors
/// The outbox cannot be opened or listed. The request to purge stays, and the next delivery or run completes it.
pub fn purge(outbox: &OutboxDir, patience: Duration) -> Result<PurgeSummary, DiskError> {
    let directory = match outbox.open() {
        Err(DiskError::Missing { .. }) => return Ok(PurgeSummary::default()),
        opened => opened?,
    };
    if directory.check_own().is_err() {
        let waiting = bounds::remove_until(&directory, SystemTime::now())?;
        let _ = directory.sweep();
        return Ok(PurgeSummary { waiting, left: bounds::foreign(&directory)?, ..PurgeSummary::default() });
    }
    let store = OutboxStore::of_own(directory)?;
    let (deleted, in_flight) = purge_own(&store, patience)?;
    let Deleted { waiting, rejected } = deleted;
    let left = store.foreign()? + left_in_rejected(&store);
    Ok(PurgeSummary { waiting, rejected, left, in_flight })
}

/// Reports what was deleted, and whether a delivery is still in progress.
fn purge_own(store: &OutboxStore, patience: Duration) -> Result<(Deleted, bool), DiskError> {
    let begun = SystemTime::now();
    // First the mark, then the deletion: a delivery must not store again what was deleted. Synced, because an operator who
    // opted out must not find the documents again after a power failure.
    let signed = sign(store);
    // At once and without the lock: opting out must not wait for an endpoint that does not answer.
    let deleted = delete(store, asked_at(store).unwrap_or(begun))?;
    // On a full disk there is room for the mark only now.
    signed.or_else(|_| sign(store))?;
    match store.lock(Instant::now() + patience) {
        Ok(Some(_lock)) => Ok((deleted + finish(store)?, false)),
        Ok(None) => Ok((deleted, true)),
        // No process of this user can deliver without the lock, so there is nothing to wait for.
        Err(DiskError::Denied { .. }) => Ok((deleted + finish(store)?, false)),
        Err(error) => Err(error),
    }
}

fn sign(store: &OutboxStore) -> Result<(), DiskError> {
    store.directory().write_atomic(STOPPED, b"")
}

/// Completes a purge whose process died, or whose delivery died before it completed the purge.
pub(super) fn finish_if_abandoned(store: &OutboxStore) -> Result<(), DiskError> {
    if !is_asked_for(store) {
        return Ok(());
    }
    // A process that holds the lock is alive and completes the purge itself.
    match store.lock(Instant::now())? {
        Some(_lock) => finish(store).map(drop),
        None => Ok(()),
    }
}

/// Whether a purge was asked for.
pub(crate) fn is_asked_for(store: &OutboxStore) -> bool {
    asked_at(store).is_some()
}

fn asked_at(store: &OutboxStore) -> Option<SystemTime> {
    let sign = store.directory().open_file(STOPPED).ok().filter(|_| store.directory().is_ours(STOPPED));
    sign?.metadata().ok()?.modified().ok()
}

/// Deletes everything and ends the purge. The caller holds the lock.
pub(crate) fn finish(store: &OutboxStore) -> Result<Deleted, DiskError> {
    // Without the mark, another process has completed the purge.
    let Some(asked) = asked_at(store) else { return Ok(Deleted::default()) };
    let deleted = delete(store, asked)?;
    purge_mark::count(store.directory());
    store.directory().remove(STOPPED)?;
    Ok(deleted)
}

/// Deletes what was stored before the purge was `asked` for. A run that has begun since has its own consent.
fn delete(store: &OutboxStore, asked: SystemTime) -> Result<Deleted, DiskError> {
    let waiting = bounds::remove_until(store.directory(), asked)?;
    // What is in these places and cannot be opened or removed as ours is not ours, and must not prevent the purge from
    // ending.
    let rejected = match store.rejected_directory() {
        Ok(Some(directory)) => bounds::remove_until(&directory, asked)?,
        Ok(None) | Err(_) => 0,
    };
    // A process that was killed while it stored a document has left it under another name.
    let _ = store.sweep();
    let _ = ledger::remove(store.directory());
    let _ = endpoint_state::remove_state(store.directory());
    Ok(Deleted { waiting, rejected })
}

/// Rejected documents that stay; a directory that we may not read counts as one.
fn left_in_rejected(store: &OutboxStore) -> usize {
    let listed = |directory: PrivateDir| bounds::foreign(&directory);
    match store.directory().open_dir(REJECTED).and_then(listed) {
        Ok(left) => left,
        Err(DiskError::Denied { .. }) => 1,
        // It is missing, or something that holds no documents.
        Err(_) => 0,
    }
}

impl std::ops::Add for Deleted {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { waiting: self.waiting + other.waiting, rejected: self.rejected + other.rejected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_looks_deleted_is_counted_together() {
        let both = Deleted { waiting: 5, rejected: 3 } + Deleted { waiting: 2, rejected: 1 };
        assert_eq!((both.waiting, both.rejected), (7, 4));
    }
}
