//! Documents that wait for delivery, on disk.
//!
//! | file | what it holds |
//! |---|---|
//! | `<event_id>.json` | one queued document; its modification time is when it was stored |
//! | `rejected/<event_id>.json` | what may not be sent, and why |
//! | `ledger.jsonl` | one line for each outcome |
//! | `lock` | held by the one process that delivers |
//! | `stopped` | somebody asked for the outbox to be purged; whoever delivers stops before the next document |
//!
//! Storing a document takes no lock: every document has its own file. What it costs depends on the bounds and not on
//! queued documents.

mod bounds;
mod entry;
mod ledger;
mod purge;
mod store;

use std::path::Path;
use std::time::SystemTime;

use privacy::Vetted;
use privacy::disk::{DiskError, PrivateDir};
use schema::{EventId, TelemetryDocument};

use crate::consent::Consented;
use crate::error::TelemetryError;

pub use bounds::{MAX_AGE, MAX_BYTES, MAX_ENTRIES};
pub use entry::{AttemptFailure, FailureClass, RejectedEntry, RejectionReason};
pub use ledger::{LedgerLine, LedgerOutcome};
pub use purge::{PurgeSummary, purge};

pub(crate) use bounds::is_too_old;
pub(crate) use entry::QueueEntry;
pub(crate) use purge::{finish as finish_purge, is_asked_for as purge_is_asked_for};
pub(crate) use store::{LoadError, OutboxStore, now};

/// The outbox of a run that has consent.
#[derive(Debug)]
pub struct Outbox {
    store: OutboxStore,
}

/// What storing a document led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The event that was stored.
    pub event_id: EventId,
    /// Older documents that had to go to keep the bounds.
    pub evicted: usize,
}

impl Outbox {
    /// Opens the outbox, or makes it. Leftovers of processes that died while writing are removed.
    pub fn open(_: &Consented, dir: &Path) -> Result<Self, TelemetryError> {
        Self::tidy(PrivateDir::create(dir)?)
    }

    /// Opens the outbox if there is one, and never makes it.
    pub fn open_existing(_: &Consented, dir: &Path) -> Result<Option<Self>, TelemetryError> {
        match PrivateDir::open(dir) {
            Ok(folder) => Self::tidy(folder).map(Some),
            Err(DiskError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn tidy(folder: PrivateDir) -> Result<Self, TelemetryError> {
        let store = OutboxStore::new(folder);
        store.sweep()?;
        purge::finish_if_abandoned(&store)?;
        Ok(Self { store })
    }

    /// Stores a document. It is on disk when this returns; nothing is sent and nothing is waited for.
    ///
    /// The bounds are enforced before the document is written: the oldest go, and never the new one.
    pub fn emit(&self, document: Vetted<TelemetryDocument>) -> Result<Enqueued, TelemetryError> {
        let document: TelemetryDocument =
            serde_json::from_slice(&document.into_bytes()).map_err(TelemetryError::Json)?;
        let event_id = document.event_id();
        let evicted = self.store.add(&QueueEntry::new(document), SystemTime::now())?;
        Ok(Enqueued { event_id, evicted })
    }

    pub(crate) fn store(&self) -> &OutboxStore {
        &self.store
    }
}
