//! The files of the outbox. An [`OutboxStore`] for writing is given only in exchange for a consent.

use std::fs::{File, TryLockError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use chrono::Utc;
use privacy::disk::{DiskError, PrivateDir};
use schema::{EventId, UtcSeconds};
use serde::Serialize;
use url::Url;

use super::bounds;
use super::endpoint_state::{self, EndpointState};
use super::entry::{self, MAX_ENTRY_BYTES, QueueEntry, RejectionReason};
use super::ledger::{self, LEDGER, LedgerLine};
use super::place::OutboxDir;
use super::purge_mark::{self, LOCK};
use crate::error::{OutboxWarning, TelemetryError};

pub(super) const REJECTED: &str = "rejected";

/// How often a lock that is taken is tried again.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct OutboxStore {
    directory: PrivateDir,
}

/// Why there is no entry to work with.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// It no longer exists.
    Missing,
    /// It may not be sent; what the file held, where it could be read.
    Invalid(RejectionReason, Option<String>),
    /// The disk does not let us read it. It stays for a process that may read it, and does not delay other entries.
    Unreadable,
}

/// Held by the one process that delivers or purges. Released when dropped.
#[derive(Debug)]
pub(crate) struct OutboxLock {
    _file: File,
}

pub(crate) fn now() -> UtcSeconds {
    Utc::now().into()
}

impl OutboxStore {
    /// The store in a directory of the user that this process acts for.
    pub(crate) fn of_own(directory: PrivateDir) -> Result<Self, DiskError> {
        directory.check_own()?;
        Ok(Self { directory })
    }

    /// The outbox at this place, if there is one.
    pub(crate) fn existing(outbox: &OutboxDir) -> Result<Option<Self>, DiskError> {
        match outbox.open() {
            Ok(directory) => Self::of_own(directory).map(Some),
            Err(DiskError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn directory(&self) -> &PrivateDir {
        &self.directory
    }

    pub(super) fn sweep(&self) -> Result<(), DiskError> {
        self.directory.sweep()?;
        // Whether `rejected/` can be used is seen when something is rejected.
        if let Ok(Some(rejected)) = self.rejected_directory() {
            let _ = rejected.sweep();
        }
        Ok(())
    }

    /// Stores a new entry, making room for it first; returns how many older ones were evicted.
    ///
    /// Nothing waits for the disk: a run would, and telemetry is best-effort. The delivering process syncs what is left
    /// over, see [`Self::sync`]. If a purge is asked for meanwhile, the entry does not exist afterwards. If the event is
    /// queued already, that entry stays, with its age and its attempts, unless no delivery would send it.
    ///
    /// # Errors
    /// [`DiskError::Foreign`] if another user's file has its name, and what prevents writing.
    pub(super) fn add(
        &self,
        entry: &QueueEntry,
        now: SystemTime,
    ) -> Result<(usize, Option<OutboxWarning>), TelemetryError> {
        let name = entry::name_of(entry.document.event_id());
        if self.directory.is_foreign(&name) {
            return Err(DiskError::Foreign { path: self.directory.path_of(&name) }.into());
        }
        if self.is_sendable(entry.document.event_id(), now) {
            return Ok((0, None));
        }
        // A link would not be written over.
        self.directory.remove(&name)?;
        let bytes = json(entry)?;
        let evicted = bounds::make_room(&self.directory, bytes.len() as u64, now)?;
        let write = || self.directory.write_atomic_unsynced(&name, &bytes);
        purge_mark::unless_purged(&self.directory, write, || drop(self.directory.remove(&name)))?;
        let warning = (evicted > 0).then(|| self.log_outcome(&LedgerLine::evicted(self::now(), evicted)));
        Ok((evicted, warning.flatten()))
    }

    /// Whether a delivery would try the entry of this event: it is whole, not too old, and not refused before.
    pub(super) fn is_sendable(&self, id: EventId, now: SystemTime) -> bool {
        let is_kept = self.stored_at(id).is_some_and(|stored| !bounds::is_too_old(stored, now));
        is_kept && self.load(id).is_ok_and(|entry| entry.refusal().is_none())
    }

    /// Files of events that belong to other users, or that cannot be read.
    pub(crate) fn foreign(&self) -> Result<usize, DiskError> {
        bounds::foreign(&self.directory)
    }

    /// The queued events, oldest first.
    pub(crate) fn queued(&self) -> Result<Vec<EventId>, DiskError> {
        let files = bounds::files_in_eviction_order(&self.directory, SystemTime::now())?;
        Ok(files.iter().filter_map(|file| entry::event_of(&file.name)).collect())
    }

    /// Reads the entry of an event.
    pub(crate) fn load(&self, id: EventId) -> Result<QueueEntry, LoadError> {
        let invalid = |rule, message| LoadError::Invalid(RejectionReason::entry(rule, message), None);
        let bytes =
            self.directory.read_own(&entry::name_of(id), MAX_ENTRY_BYTES).map_err(|error| match error {
                DiskError::Missing { .. } => LoadError::Missing,
                DiskError::TooLarge { .. } => {
                    invalid("entry.size", "the file is larger than an entry may be")
                }
                DiskError::Symlink { .. } => invalid("entry.symlink", "the file is a symbolic link"),
                DiskError::NotAFile { .. } => invalid("entry.kind", "the file is not a regular file"),
                DiskError::Unsafe { .. } => {
                    invalid("entry.owner", "another user could have changed the file")
                }
                // Also the entry of another user: we must not reject it.
                _ => LoadError::Unreadable,
            })?;
        QueueEntry::read(&bytes, id)
            .map_err(|reason| LoadError::Invalid(reason, Some(String::from_utf8_lossy(&bytes).into_owned())))
    }

    /// When the entry was stored, or `None` if it no longer exists or is no file. It tells an entry from the one that takes its
    /// place, see [`Self::add`], which waits for no delivery in progress.
    pub(crate) fn stored_at(&self, id: EventId) -> Option<SystemTime> {
        stored_in(&self.directory, &entry::name_of(id))
    }

    /// Replaces an entry. It keeps the time when it was stored, so that attempts do not make it younger, and a purge that
    /// is asked for meanwhile deletes it.
    pub(crate) fn update(&self, entry: &QueueEntry, stored: SystemTime) -> Result<(), TelemetryError> {
        let name = entry::name_of(entry.document.event_id());
        // Synced: the delivering process may wait, and a lost count would send one attempt under the number of another.
        Ok(self.directory.write_atomic_dated(&name, &json(entry)?, stored)?)
    }

    pub(crate) fn remove(&self, id: EventId) -> Result<(), DiskError> {
        self.directory.remove(&entry::name_of(id))
    }

    pub(super) fn rejected_directory(&self) -> Result<Option<PrivateDir>, DiskError> {
        match self.directory.open_dir(REJECTED) {
            Ok(directory) => directory.check_own().map(|()| Some(directory)),
            Err(DiskError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds a line to the ledger. The ledger is for the operator to read: nothing depends on it.
    pub(crate) fn log_outcome(&self, line: &LedgerLine) -> Option<OutboxWarning> {
        let line = serde_json::to_string(line).ok()?;
        ledger::append(&self.directory, &line).err().map(|_| OutboxWarning::Ledger)
    }

    /// The lines of the ledger, oldest first.
    pub(crate) fn ledger(&self) -> Result<Vec<LedgerLine>, DiskError> {
        ledger::lines(&self.directory)
    }

    /// What `endpoint` answered last, or any endpoint where none is given.
    pub(crate) fn endpoint_state(&self, endpoint: Option<&Url>) -> Option<EndpointState> {
        endpoint_state::read_state(&self.directory, endpoint)
    }

    /// Stores what the endpoint answered; without a failure there is nothing to remember. A state that cannot be written
    /// costs only its pause.
    pub(crate) fn set_endpoint_state(&self, endpoint: &Url, state: Option<EndpointState>) {
        let _ = match state {
            Some(state) => endpoint_state::write_state(&self.directory, endpoint, state),
            None => endpoint_state::remove_state(&self.directory),
        };
    }

    /// Syncs queued documents and the ledger, which were written without a sync. Nothing waits for the delivering
    /// process. A failure matters only after a power failure. It ends at `until`, because a slow disk must not outlast
    /// the deadline of a pass.
    pub(crate) fn sync(&self, until: Instant) {
        let names = self.queued().unwrap_or_default().into_iter().map(entry::name_of);
        for name in names.chain([LEDGER.to_owned()]).take_while(|_| Instant::now() < until) {
            let _ = self.directory.sync_file(&name);
        }
        let _ = self.directory.sync_names();
    }

    /// Waits for the lock until `until`; `None` if another process holds it all the time.
    pub(crate) fn lock(&self, until: Instant) -> Result<Option<OutboxLock>, DiskError> {
        // flock and not a file that exists or not: the kernel releases it when its process is killed.
        let file = self.directory.open_or_create_file(LOCK)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(OutboxLock { _file: file })),
                // Polled, because a blocking flock has no timeout.
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => {
                    return Err(DiskError::Io { action: "lock", path: self.directory.path_of(LOCK), source });
                }
            }
        }
    }
}

/// When the document in this file was stored.
pub(super) fn stored_in(directory: &PrivateDir, name: &str) -> Option<SystemTime> {
    directory.open_file(name).ok()?.metadata().ok()?.modified().ok()
}

pub(super) fn json(value: &impl Serialize) -> Result<Vec<u8>, TelemetryError> {
    serde_json::to_vec(value).map_err(TelemetryError::Json)
}
