//! Where accepted documents are kept.
//!
//! Two kinds of store. An embedded SQLite file: one command and no server. PostgreSQL for a fleet: as many instances in
//! front of it as are needed. Both are written in batches of one transaction each, so that a sync of the disk is shared by
//! all that wait for it.
//!
//! The traits are what is asked of both, by who asks: the intake, the rollup with the chains, and the charts. They block:
//! an embedded store cannot do otherwise, and a thread that waits for a server costs nothing.

mod batch;
mod error;
mod fault;
mod location;
mod postgres;
mod sqlite;
mod trust;

use std::path::Path;

use crate::arrival::{Arrival, PackedId};
use crate::chart::WeeklyCell;
use crate::refusals::RefusalCount;
use crate::run_row::{RunRow, StoredDocument};
use crate::week::Week;

pub(crate) use batch::{BatchOutcome, insert_what_fits};
pub(crate) use error::StoreError;
pub(crate) use location::{LocationError, StoreLocation};
pub(crate) use trust::TrustError;

/// What a store is opened for: it decides how long a server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreUse {
    /// Storing documents whose senders wait.
    Ingest,
    /// Reading for a page whose reader waits.
    Pages,
    /// Migrating, rolling up, deleting and verifying, which nobody waits for.
    Tending,
}

/// Whether a document was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InsertOutcome {
    /// It is in the store from now on.
    New,
    /// It was there already, or came twice in one batch.
    Duplicate,
}

/// What `verify` found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct VerifiedStore {
    /// Documents in the store.
    pub(crate) documents: u64,
    /// What is wrong, if anything is.
    pub(crate) faults: Vec<String>,
}

/// What one step of deleting did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ForgetStep {
    /// Rows that were deleted.
    pub(crate) rows: usize,
    /// Whether there may be more.
    pub(crate) is_full: bool,
}

/// A store.
pub(crate) trait Store: DocumentStore + RunStore + WeekStore + Send {}

impl<Any: DocumentStore + RunStore + WeekStore + Send> Store for Any {}

/// What the intake asks of a store.
pub(crate) trait DocumentStore {
    /// Stores the documents that are new, all or none, and tells of each whether it was. They are durable when this
    /// returns.
    ///
    /// # Errors
    /// The store is out of reach, full, damaged or held by another process, or a document does not fit the tables
    /// ([`StoreError::is_about_a_row`]).
    fn insert(&mut self, batch: &[Arrival], received_at: i64) -> Result<Vec<InsertOutcome>, StoreError>;

    /// Adds to the counts of refusals of a day.
    ///
    /// # Errors
    /// As [`Self::insert`].
    fn add_refusals(&mut self, refused: &[RefusalCount], now: i64) -> Result<(), StoreError>;

    /// Notes that an instance runs, and forgets those that have not been seen for a day.
    ///
    /// # Errors
    /// As [`Self::insert`].
    fn note_instance(&mut self, id: [u8; 16], now: i64) -> Result<(), StoreError>;

    /// Number of documents.
    ///
    /// # Errors
    /// The store cannot be read.
    fn count(&mut self) -> Result<u64, StoreError>;

    /// The directory whose disk the documents fill; nothing if that is a server's affair.
    fn local_directory(&self) -> Option<&Path>;

    /// Leaves the store as it is best backed up.
    ///
    /// # Errors
    /// The disk fails.
    fn settle(&mut self) -> Result<(), StoreError>;
}

/// What the rollup and the chains ask of a store.
pub(crate) trait RunStore {
    /// Adds the next documents, at most `slice`, to the runs; how many there were. What is read and how far it was read
    /// are one transaction, so that no document is left out or lost by a death in between.
    ///
    /// # Errors
    /// As [`DocumentStore::insert`].
    fn roll_up_runs(&mut self, slice: usize) -> Result<usize, StoreError>;

    /// Shows each run whose first document arrived in a week, with its manifest.
    ///
    /// # Errors
    /// The store cannot be read.
    fn each_run(&mut self, week: Week, show: &mut dyn FnMut(&RunRow, Option<&str>))
    -> Result<(), StoreError>;

    /// Shows each document that arrived in a week.
    ///
    /// # Errors
    /// The store cannot be read.
    fn each_document(&mut self, week: Week, show: &mut dyn FnMut(&StoredDocument)) -> Result<(), StoreError>;

    /// The documents of a session, in the order in which they happened, at most `limit`.
    ///
    /// # Errors
    /// The store cannot be read.
    fn documents_of(&mut self, session: &PackedId, limit: u32) -> Result<Vec<StoredDocument>, StoreError>;

    /// The sessions whose documents arrived last, newest first, at most `limit`.
    ///
    /// # Errors
    /// The store cannot be read.
    fn latest_sessions(&mut self, limit: u32) -> Result<Vec<(PackedId, i64)>, StoreError>;
}

/// What the charts ask of a store, and what ends with time.
pub(crate) trait WeekStore {
    /// The oldest week that is not closed yet and may have runs.
    ///
    /// # Errors
    /// The store cannot be read.
    fn next_week(&mut self) -> Result<Option<Week>, StoreError>;

    /// Stores what charts show of a week, unless another process has closed it meanwhile; whether it was us.
    ///
    /// # Errors
    /// As [`DocumentStore::insert`].
    fn close_week(
        &mut self,
        week: Week,
        suppress_below: u32,
        cells: &[(&'static str, WeeklyCell)],
    ) -> Result<bool, StoreError>;

    /// The weeks that are closed, newest first, at most `limit`.
    ///
    /// # Errors
    /// The store cannot be read.
    fn closed_weeks(&mut self, limit: u32) -> Result<Vec<Week>, StoreError>;

    /// What a chart shows of a week.
    ///
    /// # Errors
    /// The store cannot be read.
    fn cells(&mut self, chart: &str, week: Week) -> Result<Vec<WeeklyCell>, StoreError>;

    /// Deletes a slice of what is too old: documents that arrived before `days` ago and are part of their runs and of a
    /// closed week, and runs and refusals of 13 months ago.
    ///
    /// # Errors
    /// As [`DocumentStore::insert`].
    fn forget(&mut self, days: u32, now: i64) -> Result<ForgetStep, StoreError>;

    /// Gives the room of what was deleted back, and makes room for what is to come.
    ///
    /// # Errors
    /// As [`DocumentStore::insert`].
    fn tidy(&mut self, now: i64) -> Result<(), StoreError>;

    /// Checks that every document can be read, and that every document which was rolled up has its run.
    ///
    /// # Errors
    /// The store cannot be read at all.
    fn verify(&mut self) -> Result<VerifiedStore, StoreError>;
}

/// Days that runs and refusals are kept: 13 months.
const RUN_DAYS: i64 = 396;
/// Rows of `refusal` that a day may have: what hostile senders can make of it stays small.
const MAX_REFUSALS_A_DAY: i64 = 2_000;
/// How long an instance counts as running after it was last seen, in seconds.
const INSTANCE_SECONDS: i64 = crate::week::DAY;
