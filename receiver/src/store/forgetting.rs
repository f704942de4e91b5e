//! Deleting what is too old: slice by slice, from the document that arrived first.

use crate::week::{DAY, Week};

/// Rows of one transaction: a writer that waits for it waits some milliseconds, some tens on a server.
pub(super) const SLICE: i64 = 5_000;

/// Days that runs and refusals are kept: 13 months.
const RUN_DAYS: i64 = 396;

/// The result of one step of deleting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ForgetStep {
    /// Rows that were deleted.
    pub(crate) rows: usize,
    /// The document after which the next step begins; `None` after the last step.
    pub(crate) next: Option<i64>,
}

/// What is too old, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct AgeLimits {
    /// Documents that arrived before this are.
    pub(super) documents: i64,
    /// Runs whose first document arrived before this are, if their last one is too old as well, and refusals of days before
    /// it.
    ///
    /// A run that still has documents stays with them: a pipeline may give all its runs one id, and documents that no chart
    /// has are needed, whatever the age of their run.
    pub(super) runs: i64,
}

impl AgeLimits {
    /// The limits at `now`. A document of a week that is not closed is still needed, whatever its age.
    pub(super) fn new(days: u32, now: i64, last_closed: Option<i64>) -> Self {
        let counted = last_closed.map_or(i64::MIN, |week| Week::from_number(week).end());
        Self { documents: counted.min(now - i64::from(days) * DAY), runs: now - RUN_DAYS * DAY }
    }
}

/// The next documents by number, which grows with the arrival, so that the oldest are first and nothing else is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExaminedSlice {
    /// How many there are, at most [`SLICE`].
    pub(super) examined: i64,
    /// Number of the last one.
    pub(super) last: i64,
    /// How many of them are too old.
    pub(super) due: i64,
}

impl ExaminedSlice {
    /// The step that deleted the documents of this slice and so many runs.
    pub(super) fn step(&self, documents: usize, runs: usize) -> ForgetStep {
        let is_full = |rows: i64| rows >= SLICE;
        let goes_on = is_full(self.examined) && self.due > 0;
        let has_more_runs = i64::try_from(runs).is_ok_and(is_full);
        ForgetStep { rows: documents + runs, next: (goes_on || has_more_runs).then_some(self.last) }
    }
}
