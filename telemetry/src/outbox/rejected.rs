//! Documents that may not be sent: kept for the operator beside the queue, and queued again on request.
//!
//! They are kept and not deleted, because a refusal can be the endpoint's fault, and because an operator may want to see
//! what was not sent. If the directory cannot be used, only this is lost: the document stays in the queue.

use std::time::{Duration, Instant, SystemTime};

use privacy::disk::{DiskError, PrivateDir};
use schema::EventId;
use serde::Serialize;

use super::entry::{self, MAX_FILE_BYTES, QueueEntry, RejectedEntry};
use super::ledger::LedgerLine;
use super::store::{OutboxStore, REJECTED, json, now};
use super::{bounds, purge, purge_mark};
use crate::error::{OutboxWarning, TelemetryError};

/// The result of queuing rejected documents again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RequeueSummary {
    /// Documents that are queued again.
    pub requeued: usize,
    /// Documents that stay rejected: too old, damaged, or the queue is full.
    pub kept: usize,
}

impl OutboxStore {
    /// Moves what may not be sent out of the queue.
    pub(crate) fn quarantine(&self, rejected: &RejectedEntry) -> Option<OutboxWarning> {
        let name = entry::name_of(rejected.event_id);
        // What was purged while its request was in flight must leave no trace.
        if purge::is_asked_for(self) || !self.directory().contains(&name).unwrap_or(true) {
            return None;
        }
        let take_back = || {
            if let Ok(Some(directory)) = self.rejected_directory() {
                let _ = directory.remove(&name);
            }
        };
        let write = || self.move_to_rejected(&name, rejected);
        let moved = purge_mark::unless_purged(self.directory(), write, take_back);
        let logged = self.log_outcome(&LedgerLine::rejected(rejected));
        match moved {
            Ok(0) => logged,
            Ok(evicted) => logged.or(self.log_outcome(&LedgerLine::evicted(rejected.refused_at, evicted))),
            Err(_) => Some(OutboxWarning::Rejected),
        }
    }

    /// Returns how many older ones were evicted.
    fn move_to_rejected(&self, name: &str, rejected: &RejectedEntry) -> Result<usize, TelemetryError> {
        let directory = self.directory().create_dir(REJECTED)?;
        directory.check_own()?;
        let bytes = json(rejected)?;
        let evicted = bounds::make_room(&directory, bytes.len() as u64, SystemTime::now())?;
        // First the new place, then the old one: a crash in between leaves two, and the next pass rejects it again.
        directory.write_atomic(name, &bytes)?;
        self.remove(rejected.event_id)?;
        Ok(evicted)
    }

    /// What was rejected, oldest first. Files that are not ours are left out.
    pub(crate) fn rejected(&self) -> Result<Vec<RejectedEntry>, DiskError> {
        let Some(directory) = self.rejected_directory()? else { return Ok(Vec::new()) };
        let files = bounds::files_in_eviction_order(&directory, SystemTime::now())?;
        Ok(files.iter().filter_map(|file| read(&directory, &file.name)).collect())
    }

    /// Queues again what was rejected not longer than [`bounds::MAX_AGE`] ago. The next pass vets it again, so nothing
    /// that the gate refuses is sent.
    ///
    /// The lock is held: a pass that moves a document the other way at the same time would lose it.
    pub(super) fn requeue(&self, patience: Duration) -> Result<Option<RequeueSummary>, TelemetryError> {
        let Some(_lock) = self.lock(Instant::now() + patience)? else { return Ok(None) };
        let mut summary = RequeueSummary::default();
        let Some(directory) = self.rejected_directory()? else { return Ok(Some(summary)) };
        for rejected in self.rejected()? {
            // What was read before the purge must not be restored after it. The purge cannot end before we release the lock.
            if purge::is_asked_for(self) {
                break;
            }
            match self.requeue_one(&directory, &rejected)? {
                Some(_) => summary.requeued += 1,
                None => summary.kept += 1,
            }
        }
        Ok(Some(summary))
    }

    fn requeue_one(
        &self,
        directory: &PrivateDir,
        rejected: &RejectedEntry,
    ) -> Result<Option<EventId>, TelemetryError> {
        let is_recent = now().timestamp().saturating_sub(rejected.refused_at.timestamp())
            <= i64::try_from(bounds::MAX_AGE.as_secs()).unwrap_or(i64::MAX);
        let text = rejected.entry.as_deref().filter(|_| is_recent);
        let Some(entry) = text.and_then(|text| QueueEntry::read(text.as_bytes(), rejected.event_id).ok())
        else {
            return Ok(None);
        };
        // Nothing is evicted for it: documents that were never tried have priority.
        if !bounds::has_room(self.directory(), json(&entry)?.len() as u64, SystemTime::now())? {
            return Ok(None);
        }
        self.add(&entry, SystemTime::now())?;
        directory.remove(&entry::name_of(rejected.event_id))?;
        Ok(Some(rejected.event_id))
    }
}

/// A file counts only under the name of its event: that is the name by which it is removed.
fn read(directory: &PrivateDir, name: &str) -> Option<RejectedEntry> {
    let bytes = directory.read_own(name, MAX_FILE_BYTES).ok()?;
    let rejected: RejectedEntry = serde_json::from_slice(&bytes).ok()?;
    (entry::name_of(rejected.event_id) == name).then_some(rejected)
}
