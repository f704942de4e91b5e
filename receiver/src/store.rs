//! Where accepted documents are kept.
//!
//! Two kinds of store. An embedded SQLite file: one command and no server. PostgreSQL for a fleet: as many instances in
//! front of it as needed. Both are written in batches of one transaction each, so that one sync of the disk serves
//! all documents that wait for it.
//!
//! Each trait has the operations of one user of the store: the intake, the rollup with the chains, and the charts. They
//! block: an embedded store cannot do otherwise, and a thread that waits for a server costs nothing.

mod arrival_time;
mod batch;
mod clock;
mod error;
mod fault;
mod forgetting;
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
pub(crate) use clock::{ClockReading, ClockTrust, DoubtedClock};
pub(crate) use error::StoreError;
pub(crate) use forgetting::ForgetStep;
pub(crate) use location::{LocationError, StoreLocation};
pub(crate) use trust::TrustError;

/// The purpose of an open store: it decides how long a server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreUse {
    /// Storing documents whose senders wait.
    Ingest,
    /// Reading for a page whose reader waits.
    Pages,
    /// Migrating, rolling up, deleting and verifying, for which no sender waits.
    Tending,
}

/// What may be done with the tables of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TableAccess {
    /// Make or upgrade them, then read and write.
    Make,
    /// Read and write those that this build knows.
    Write,
    /// Read those that this build knows, and change nothing.
    Read,
    /// As [`Self::Read`], and pass only if they could be written, or made where there are none.
    Check,
}

/// Whether a document was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InsertOutcome {
    /// It is in the store from now on.
    New,
    /// It was stored before, or is twice in one batch.
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

/// Whether space of deleted rows is left to free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tidied {
    /// Nothing is left that can be freed.
    Whole,
    /// The next call frees more.
    Partly,
}

/// A week whose charts are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClosedWeek {
    pub(crate) week: Week,
    /// The threshold when it was closed.
    pub(crate) suppress_below: u32,
}

/// A store.
pub(crate) trait Store:
    DocumentStore + RunStore + WeekStore + ClockStore + ErasureStore + Send
{
}

impl<Any: DocumentStore + RunStore + WeekStore + ClockStore + ErasureStore + Send> Store for Any {}

/// The operations of the intake.
pub(crate) trait DocumentStore {
    /// Stores the documents that are new, all or none, and returns for each whether it was new. They are durable when this
    /// returns. Nobody has judged the clock that says `received_at`: the rollup corrects what cannot be right.
    ///
    /// # Errors
    /// The store is unreachable, full, damaged or locked by another process, or a document violates the tables
    /// ([`StoreError::is_about_a_row`]).
    fn insert(&mut self, batch: &[Arrival], received_at: i64) -> Result<Vec<InsertOutcome>, StoreError>;

    /// Stores a document of ordinary size and takes it back: shows whether documents can be stored, which a store that
    /// answers may still refuse, as on a full disk.
    ///
    /// # Errors
    /// As [`Self::insert`].
    fn try_insert(&mut self) -> Result<(), StoreError>;

    /// Adds to the counts of refusals of a day.
    ///
    /// # Errors
    /// As [`Self::insert`].
    fn add_refusals(&mut self, refused: &[RefusalCount], now: i64) -> Result<(), StoreError>;

    /// Records that an instance runs, and removes those that have not been seen for a day.
    ///
    /// # Errors
    /// As [`Self::insert`].
    fn note_instance(&mut self, id: [u8; 16], now: i64) -> Result<(), StoreError>;

    /// Number of documents.
    ///
    /// # Errors
    /// The store cannot be read.
    fn count(&mut self) -> Result<u64, StoreError>;

    /// The directory whose disk the documents fill; `None` for a server.
    fn local_directory(&self) -> Option<&Path>;

    /// Leaves the store in the best state for a backup.
    ///
    /// # Errors
    /// The disk fails, or another program reads the file for longer than this waits.
    fn settle(&mut self) -> Result<(), StoreError>;
}

/// The operations of the rollup and the chains.
pub(crate) trait RunStore {
    /// Adds the next documents, at most `slice`, to the runs; how many there were. The runs and the position of the reader
    /// are stored in one transaction, so that no document is skipped or lost by a crash in between. Arrivals that cannot be
    /// right at `now`, by a clock that is believed, are corrected.
    ///
    /// # Errors
    /// As [`DocumentStore::insert`].
    fn roll_up_runs(&mut self, slice: usize, now: i64) -> Result<usize, StoreError>;

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

/// The operations of the charts and of the retention.
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
    fn closed_weeks(&mut self, limit: u32) -> Result<Vec<ClosedWeek>, StoreError>;

    /// What a chart shows of a week.
    ///
    /// # Errors
    /// The store cannot be read.
    fn cells(&mut self, chart: &str, week: Week) -> Result<Vec<WeeklyCell>, StoreError>;

    /// Deletes what is too old of the next slice of documents, those after the number `after`, which is 0 at first: those
    /// that arrived before `days` ago and are part of their runs and of a closed week. Deletes a slice of the runs that
    /// began 13 months ago and have only such documents as well, with these, and refusals of that age.
    ///
    /// # Errors
    /// As [`DocumentStore::insert`].
    fn forget(&mut self, days: u32, now: i64, after: i64) -> Result<ForgetStep, StoreError>;

    /// Frees a part of the space of deleted rows, and prepares space for new ones.
    ///
    /// # Errors
    /// As [`DocumentStore::insert`].
    fn tidy(&mut self, now: i64) -> Result<Tidied, StoreError>;

    /// Checks that every document can be read, and that every document which was rolled up has its run.
    ///
    /// # Errors
    /// The store cannot be read at all.
    fn verify(&mut self) -> Result<VerifiedStore, StoreError>;
}

/// The clock of the store, by which weeks are closed and data is deleted: that of the server, or of this host for a file.
pub(crate) trait ClockStore {
    /// Reads the clock, and remembers what it says.
    ///
    /// # Errors
    /// As [`DocumentStore::insert`].
    fn read_clock(&mut self, trust: ClockTrust) -> Result<ClockReading, StoreError>;

    /// Whether the last reading was not believed.
    ///
    /// # Errors
    /// The store cannot be read.
    fn is_clock_doubted(&mut self) -> Result<bool, StoreError>;
}

/// What was erased from a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Erased {
    /// Documents that are gone.
    pub(crate) documents: usize,
    /// Runs that are gone.
    pub(crate) runs: usize,
}

/// The erasure of what a person names.
pub(crate) trait ErasureStore {
    /// Deletes the documents and the runs that have this id as their session or their run. The runs below it stay, and no
    /// longer say what is above them. Charts of closed weeks stay: they count groups, and name nobody.
    ///
    /// # Errors
    /// As [`DocumentStore::insert`]. Also if another program reads the file for longer than this waits: the rows are deleted
    /// then, and bytes of them are left, so it must be called again.
    fn erase(&mut self, id: &PackedId) -> Result<Erased, StoreError>;
}

/// Most documents of one transaction. More gain nothing, and the first of a batch waits for its last.
pub(crate) const MAX_BATCH: usize = 1_024;
/// Most rows of `refusal` for a day, so that hostile senders cannot fill the table.
const MAX_REFUSALS_A_DAY: i64 = 2_000;
/// How long an instance counts as running after it was last seen, in seconds.
const INSTANCE_SECONDS: i64 = crate::week::DAY;
