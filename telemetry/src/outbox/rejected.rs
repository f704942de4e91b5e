//! Documents that may not be sent: kept for the operator beside the queue, and queued again on request.
//!
//! They are kept and not deleted, because a refusal can be the endpoint's fault, and because an operator may want to see
//! what was not sent. If the directory cannot be used, only this is lost: the document stays in the queue, and is not sent.
//!
//! A document keeps the time when it was stored on every way. So no refusal makes it younger: receivers remember ids for as
//! long as a document may be queued. And a purge, which goes by this time, also deletes what is moved meanwhile.

use std::time::{Duration, Instant, SystemTime};

use privacy::disk::{DiskError, PrivateDir};
use serde::Serialize;

use super::entry::{self, MAX_FILE_BYTES, QueueEntry, RejectedEntry};
use super::store::{OutboxStore, REJECTED, json, stored_in};
use super::{bounds, purge};
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
    /// Moves what may not be sent out of the queue, and returns how many older ones were evicted from `rejected/`. The lock
    /// is held. `stored` is the time of [`OutboxStore::stored_at`] from before the entry was judged: another entry of the same
    /// event that was stored since then stays in the queue.
    ///
    /// # Errors
    /// `rejected/` cannot be used: the document stays in the queue.
    pub(crate) fn quarantine(
        &self,
        rejected: &RejectedEntry,
        stored: Option<SystemTime>,
    ) -> Result<usize, OutboxWarning> {
        let name = entry::name_of(rejected.event_id);
        // What was purged while its request was in flight must leave no trace. The time is read before the look for a purge:
        // one that is asked for after that look deletes by this time whatever is written.
        let is_gone = !self.directory().contains(&name).unwrap_or(true);
        if is_gone || self.stored_at(rejected.event_id) != stored || purge::is_asked_for(self) {
            return Ok(0);
        }
        self.move_to_rejected(&name, rejected, stored).map_err(|_| OutboxWarning::Rejected)
    }

    fn move_to_rejected(
        &self,
        name: &str,
        rejected: &RejectedEntry,
        stored: Option<SystemTime>,
    ) -> Result<usize, TelemetryError> {
        let directory = self.directory().create_dir(REJECTED)?;
        directory.check_own()?;
        let bytes = json(rejected)?;
        let evicted = bounds::make_room(&directory, bytes.len() as u64, SystemTime::now())?;
        // First the new place, then the old one: a crash in between leaves two, and the next pass rejects it again.
        // What cannot be opened, such as a link, holds no document and has no time.
        directory.write_atomic_dated(name, &bytes, stored.unwrap_or_else(SystemTime::now))?;
        // The disk has been waited for, and meanwhile another entry may have taken the place of this one.
        if self.stored_at(rejected.event_id) == stored {
            self.remove(rejected.event_id)?;
        }
        Ok(evicted)
    }

    /// What was rejected, oldest first. Files that are not ours are left out.
    pub(crate) fn rejected(&self) -> Result<Vec<RejectedEntry>, DiskError> {
        let Some(directory) = self.rejected_directory()? else { return Ok(Vec::new()) };
        let files = bounds::files_in_eviction_order(&directory, SystemTime::now())?;
        Ok(files.iter().filter_map(|file| read(&directory, &file.name)).collect())
    }

    /// Queues again what was rejected, unless it was stored longer than [`bounds::MAX_AGE`] ago. The next pass vets it
    /// again, so nothing that the gate refuses is sent.
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
            if self.requeue_one(&directory, &rejected)? {
                summary.requeued += 1;
            } else {
                summary.kept += 1;
            }
        }
        Ok(Some(summary))
    }

    /// Whether it is queued again.
    fn requeue_one(&self, directory: &PrivateDir, rejected: &RejectedEntry) -> Result<bool, TelemetryError> {
        let (name, now) = (entry::name_of(rejected.event_id), SystemTime::now());
        let stored = stored_in(directory, &name).filter(|stored| !bounds::is_too_old(*stored, now));
        let text = rejected.entry.as_deref();
        let entry = text.and_then(|text| QueueEntry::read(text.as_bytes(), rejected.event_id).ok());
        let (Some(stored), Some(mut entry)) = (stored, entry) else { return Ok(false) };
        // It was stored again since it was rejected, with the headers and the age of that time.
        if self.is_sendable(rejected.event_id, now) {
            directory.remove(&name)?;
            return Ok(true);
        }
        // Nothing is evicted for it: documents that were never tried have priority.
        if !bounds::has_room(self.directory(), json(&entry)?.len() as u64, now)? {
            return Ok(false);
        }
        // The endpoint may judge it again.
        entry.last_failure = None;
        self.update(&entry, stored)?;
        directory.remove(&name)?;
        Ok(true)
    }
}

/// A file counts only under the name of its event: that is the name by which it is removed.
fn read(directory: &PrivateDir, name: &str) -> Option<RejectedEntry> {
    let bytes = directory.read_own(name, MAX_FILE_BYTES).ok()?;
    let rejected: RejectedEntry = serde_json::from_slice(&bytes).ok()?;
    (entry::name_of(rejected.event_id) == name).then_some(rejected)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use schema::{
        Command, CommandName, CommandResult, ComponentLabel, Envelope, EventId, Execution, Id, Mode,
        TelemetryEvent,
    };

    use super::super::entry::RejectionReason;
    use super::super::purge_mark::{LOCK, STOPPED};
    use super::super::store::now;
    use super::*;
    use crate::request::VettedHeaders;

    /// A queued document, and the file that it becomes when it is refused.
    fn queued(dir: &Path) -> (OutboxStore, RejectedEntry) {
        let store = OutboxStore::of_own(PrivateDir::open(dir).expect("ours")).expect("ours");
        let command = Command {
            name: CommandName::Run,
            mode: Mode::Server,
            execution: Execution::DryRun,
            result: CommandResult::Success,
        };
        let (session_id, run_id) = (Id::random(), Id::random());
        let envelope = Envelope { session_id, run_id, parent_run_id: None, component: ComponentLabel::Core };
        let document = envelope.document(TelemetryEvent::Command(command), EventId::random(), now());
        let entry = QueueEntry::new(document, &VettedHeaders::default());
        store.add(&entry, SystemTime::now()).expect("stored");
        (store, RejectedEntry::of(&entry, RejectionReason::by_endpoint(422), now()))
    }

    #[test]
    fn what_is_gone_or_purged_is_not_set_aside() {
        let temp = tempfile::tempdir().expect("a directory");
        let (store, rejected) = queued(temp.path());
        store.directory().write_atomic(STOPPED, b"").expect("asked for");
        let stored = store.stored_at(rejected.event_id);
        assert_eq!(store.quarantine(&rejected, stored), Ok(0));
        store.directory().remove(STOPPED).expect("over");
        store.remove(rejected.event_id).expect("removed");
        for stored in [stored, None] {
            assert_eq!(store.quarantine(&rejected, stored), Ok(0));
        }
        assert!(store.rejected().expect("listed").is_empty());
        // A link is set aside for what it is.
        std::os::unix::fs::symlink("nowhere", temp.path().join(entry::name_of(rejected.event_id)))
            .expect("a link");
        assert_eq!(store.quarantine(&rejected, store.stored_at(rejected.event_id)), Ok(0));
        assert_eq!((store.rejected().expect("listed").len(), store.queued().expect("listed").len()), (1, 0));
    }

    /// What the entry of `rejected` is replaced by while a delivery that has judged it rejects it.
    #[test]
    fn an_entry_that_takes_the_place_of_a_rejected_one_stays_queued() {
        let temp = tempfile::tempdir().expect("a directory");
        let (store, rejected) = queued(temp.path());
        let (id, name) = (rejected.event_id, entry::name_of(rejected.event_id));
        let good = store.load(id).expect("an entry");
        for is_link in [false, true] {
            store.remove(id).expect("removed");
            if is_link {
                std::os::unix::fs::symlink("nowhere", temp.path().join(&name)).expect("a link");
            } else {
                let yesterday = SystemTime::now() - Duration::from_hours(24);
                store.directory().write_atomic_dated(&name, b"damaged", yesterday).expect("written");
            }
            let stored = store.stored_at(id);
            assert!(store.load(id).is_err());
            store.add(&good, SystemTime::now()).expect("stored");
            assert_eq!(store.quarantine(&rejected, stored), Ok(0), "before it is moved");
            store.load(id).expect("the good entry");
            store.move_to_rejected(&name, &rejected, stored).expect("moved");
            store.load(id).expect("the good entry, which came while the other was moved");
        }
    }

    /// Each character of a control code takes six bytes when it is quoted.
    #[test]
    fn the_largest_entry_is_set_aside_and_found_again() {
        let temp = tempfile::tempdir().expect("a directory");
        let (store, mut rejected) = queued(temp.path());
        let largest = usize::try_from(entry::MAX_ENTRY_BYTES).expect("a size");
        rejected.entry = Some("\u{1}".repeat(largest));
        store.quarantine(&rejected, store.stored_at(rejected.event_id)).expect("set aside");
        assert_eq!(store.rejected().expect("listed"), [rejected]);
    }

    /// How often this process has the lock of the outbox open: who holds it does, and who waits for it.
    fn open_locks(dir: &Path) -> usize {
        let lock = dir.canonicalize().expect("there").join(LOCK);
        let open = std::fs::read_dir("/proc/self/fd").expect("Linux").flatten();
        open.filter(|file| std::fs::read_link(file.path()).is_ok_and(|path| path == lock)).count()
    }

    #[test]
    fn whoever_queues_again_waits_for_a_delivery_that_ends_in_time() {
        let temp = tempfile::tempdir().expect("a directory");
        let (store, rejected) = queued(temp.path());
        store.quarantine(&rejected, store.stored_at(rejected.event_id)).expect("set aside");
        let held = store.lock(Instant::now()).expect("a lock").expect("free");
        std::thread::scope(|scope| {
            let requeued = scope.spawn(|| store.requeue(Duration::from_mins(2)).expect("tried"));
            let limit = Instant::now() + Duration::from_mins(1);
            while open_locks(temp.path()) < 2 {
                assert!(Instant::now() < limit, "it does not ask for the lock");
                std::thread::sleep(Duration::from_millis(2));
            }
            drop(held);
            assert_eq!(requeued.join().expect("no panic").map(|summary| summary.requeued), Some(1));
        });
    }

    /// Asks for a purge after the last look for one, and ends it when `action` is over, as its process does.
    fn check_purged(dir: &Path, store: &OutboxStore, action: impl FnOnce()) {
        store.directory().write_atomic(STOPPED, b"").expect("asked for");
        action();
        let _lock = store.lock(Instant::now()).expect("a lock").expect("free");
        purge::finish(store).expect("purged");
        assert!(store.queued().expect("listed").is_empty());
        assert!(store.rejected().expect("listed").is_empty());
        assert!(!dir.join(STOPPED).exists());
    }

    #[test]
    fn a_purge_deletes_what_is_refused_meanwhile() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let (store, rejected) = queued(dir.path());
        let name = entry::name_of(rejected.event_id);
        let stored = store.stored_at(rejected.event_id);
        check_purged(dir.path(), &store, || {
            // The purge is quicker than the pass: when the document is moved, it is gone from the queue already.
            store.remove(rejected.event_id).expect("deleted");
            store.move_to_rejected(&name, &rejected, stored).expect("moved");
            assert_eq!(store.rejected().expect("listed").len(), 1);
        });
    }

    #[test]
    fn a_purge_deletes_what_is_queued_again_meanwhile() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let (store, rejected) = queued(dir.path());
        store.quarantine(&rejected, store.stored_at(rejected.event_id)).expect("moved");
        let directory = store.rejected_directory().expect("readable").expect("there");
        check_purged(dir.path(), &store, || {
            assert!(store.requeue_one(&directory, &rejected).expect("moved"));
            assert_eq!(store.queued().expect("listed"), [rejected.event_id]);
        });
    }
}
