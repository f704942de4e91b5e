//! Documents that are queued for delivery, on disk.
//!
//! | file | what it holds |
//! |---|---|
//! | `<event_id>.json` | one queued document; its modification time is when it was stored |
//! | `rejected/<event_id>.json` | what may not be sent, and why; the time is the same |
//! | `ledger.jsonl` | one line for each outcome |
//! | `endpoint-state` | the last answer of the endpoint, if it was a failure |
//! | `lock` | held by the one process that delivers; a line break for every purge that is over |
//! | `stopped` | the outbox is to be purged; a delivery stops before the next document |
//!
//! An outbox belongs to one user, and only processes that act for that user touch it. Entries of other users in it are
//! left alone: they are not sent, not counted, not rejected and not deleted.
//!
//! Storing a document takes no lock: every document has its own file. What it costs depends on the bounds and
//! not on the documents that are queued.

mod bounds;
mod endpoint_state;
mod entry;
mod ledger;
mod place;
mod purge;
mod purge_mark;
mod rejected;
mod store;

use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime};

use privacy::Vetted;
use privacy::disk::{DiskError, PrivateDir};
use schema::{EventId, TelemetryDocument, UtcSeconds};

use crate::consent::Consented;
use crate::error::{OutboxWarning, TelemetryError};
use crate::request::VettedHeaders;

pub use bounds::{MAX_AGE, MAX_BYTES, MAX_ENTRIES};
pub use endpoint_state::EndpointState;
pub use entry::{AttemptFailure, FailureClass, RejectedEntry, RejectionReason};
pub use ledger::{LedgerLine, LedgerOutcome};
pub use place::OutboxDir;
pub use purge::{PurgeSummary, purge};
pub use rejected::RequeueSummary;

pub(crate) use bounds::is_too_old;
pub(crate) use entry::{QueueEntry, Unsendable};
pub(crate) use purge::{finish as finish_purge, is_asked_for as purge_is_asked_for};
pub(crate) use store::{LoadError, OutboxStore, now};

/// The outbox of a run that has consent.
///
/// # Examples
/// A vetted document is stored, and is listed as queued:
///
/// ```
/// use privacy::Gate;
/// use schema::{Command, CommandName, CommandResult, EventId, Execution, Mode, TelemetryEvent, UtcSeconds};
/// use telemetry::{
///     ConsentDecision, Interactivity, Outbox, OutboxDir, VettedHeaders, decide_consent, envelope_from_env, status,
/// };
///
/// let environment = |name: &str| (name == "TELEMETRY_ENABLED").then(|| "true".into());
/// let (ConsentDecision::Decided(consent), _) = decide_consent(&environment, Interactivity::NonInteractive) else {
///     panic!("the environment decides");
/// };
/// let proof = consent.proof().expect("it says yes");
///
/// let gate = Gate::default();
/// let (envelope, _) = envelope_from_env(&environment, &gate);
/// let event = TelemetryEvent::Command(Command {
///     name: CommandName::Run,
///     mode: Mode::Server,
///     execution: Execution::DryRun,
///     result: CommandResult::Started,
/// });
/// let at = UtcSeconds::parse("2026-11-22T07:50:02Z").expect("a time");
/// let document = envelope.document(event, EventId::random(), at);
///
/// let runs_dir = tempfile::tempdir()?;
/// let outbox_dir = OutboxDir::below(runs_dir.path());
/// let outbox = Outbox::open(proof, &outbox_dir)?;
/// let vetted = gate.vet(&document).expect("nothing private is in it");
/// let enqueued = outbox.emit(vetted, &VettedHeaders::default())?;
///
/// let queued = status(&outbox_dir, 0)?.waiting;
/// assert_eq!(queued[0].event_id, enqueued.event_id);
/// assert_eq!((queued[0].event_name, queued[0].attempts), ("core.command.started", 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Outbox {
    store: OutboxStore,
}

/// What storing a document led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The event that was stored.
    pub event_id: EventId,
    /// Older documents that were evicted to keep the bounds.
    pub evicted: usize,
    /// What failed besides storing it.
    pub warning: Option<OutboxWarning>,
}

impl Outbox {
    /// Opens the outbox, or makes it. Leftovers of processes that died while writing are removed.
    ///
    /// # Errors
    /// [`TelemetryError::Disk`]: the directory is a symbolic link, belongs to a user whom this process does not act for,
    /// or cannot be made.
    pub fn open(_: &Consented, outbox: &OutboxDir) -> Result<Self, TelemetryError> {
        Self::tidy(outbox.create()?)
    }

    /// Opens the outbox if there is one, and never makes it: an outbox that was deleted stays deleted.
    ///
    /// # Errors
    /// As [`Self::open`]; that it is missing is `None`.
    pub fn open_existing(_: &Consented, outbox: &OutboxDir) -> Result<Option<Self>, TelemetryError> {
        match outbox.open() {
            Ok(directory) => Self::tidy(directory).map(Some),
            Err(DiskError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn tidy(directory: PrivateDir) -> Result<Self, TelemetryError> {
        let store = OutboxStore::of_own(directory)?;
        store.sweep()?;
        purge::finish_if_abandoned(&store)?;
        Ok(Self { store })
    }

    /// Stores a document with the headers of its request, which were vetted where the private settings of the run are
    /// known. It survives the death of this process. Nothing is sent, and this does not wait, not even for the disk.
    ///
    /// The bounds are enforced before the document is written: the oldest are evicted, and never the new one. A document of
    /// an event that is queued already changes nothing, unless what is queued would not be sent.
    ///
    /// # Errors
    /// [`TelemetryError::Disk`]: the file cannot be written. Nothing is left of it then.
    pub fn emit(
        &self,
        document: Vetted<TelemetryDocument>,
        headers: &VettedHeaders,
    ) -> Result<Enqueued, TelemetryError> {
        let document: TelemetryDocument =
            serde_json::from_slice(&document.into_bytes()).map_err(TelemetryError::Json)?;
        let event_id = document.event_id();
        let (evicted, warning) = self.store.add(&QueueEntry::new(document, headers), SystemTime::now())?;
        Ok(Enqueued { event_id, evicted, warning })
    }

    /// Queues again what was rejected and is not older than a queued document may be, and waits at most `patience` for a
    /// delivery in progress; `None` if that did not end before. The next delivery decides again whether it may be sent.
    ///
    /// # Errors
    /// `rejected/` cannot be read, or a document cannot be written.
    pub fn requeue_rejected(&self, patience: Duration) -> Result<Option<RequeueSummary>, TelemetryError> {
        self.store.requeue(patience)
    }

    /// Whether the event is queued.
    pub fn is_queued(&self, event_id: EventId) -> bool {
        self.store.stored_at(event_id).is_some()
    }

    /// What the ledger says last about this event, and not before `since`. `None` also if it cannot be read.
    pub fn last_outcome(&self, event_id: EventId, since: UtcSeconds) -> Option<LedgerOutcome> {
        let lines = self.store.ledger().unwrap_or_default();
        let is_meant = |line: &&LedgerLine| line.event_id == Some(event_id) && line.time >= since;
        lines.iter().rfind(is_meant).map(|line| line.outcome)
    }

    /// The open directory, for a process that delivers.
    ///
    /// # Errors
    /// [`TelemetryError::Disk`] if there is no descriptor left.
    pub fn to_fd(&self) -> Result<OwnedFd, TelemetryError> {
        Ok(self.store.directory().to_fd()?)
    }

    pub(crate) fn store(&self) -> &OutboxStore {
        &self.store
    }
}
