//! The times at which documents can have arrived, and the correction of any other.
//!
//! The time of arrival decides in which week a document counts and when it is deleted. It is noted by the clock of whoever
//! stores the document, before anybody can judge that clock: a host without a battery for it starts in 1970, and one of
//! several instances may be wrong for days. A document that seems too old would be deleted without having been counted;
//! one that seems too young would outlive its time, or stay for good.
//!
//! So the rollup, which only a believed clock does and without which nothing is deleted, checks each document that it
//! takes. It arrived after the last rollup that left none, and before this one. Any other time is replaced by that of this
//! rollup: the document is kept a little too long rather than too short, and counts in a week that is not closed.

use super::clock::TOLERANCE;
use crate::run_row::StoredDocument;

/// The times at which the documents of a rollup can have arrived, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct ArrivalTimes {
    /// The last rollup that left no document; `None` before the first.
    last_rollup: Option<i64>,
    /// This one.
    now: i64,
}

impl ArrivalTimes {
    pub(super) fn new(last_rollup: Option<i64>, now: i64) -> Self {
        Self { last_rollup, now }
    }

    /// The time of this rollup.
    pub(super) fn now(self) -> i64 {
        self.now
    }

    /// The latest time that is possible now.
    pub(super) fn latest(self) -> i64 {
        self.now + TOLERANCE
    }

    /// Whether the last rollup was done by a clock that was ahead: only the operator can say so, because only the operator
    /// makes a clock believed that is behind the last one. If it was, what it took is corrected too. That reads the whole
    /// store, once and after a rare fault. Without it the documents of that time would outlive theirs, and so would
    /// those behind them: the oldest by number are deleted first.
    pub(super) fn last_was_ahead(self) -> bool {
        self.last_rollup.is_some_and(|last| last > self.latest())
    }

    /// Corrects the time of a document; whether it had to.
    pub(super) fn correct(self, document: &mut StoredDocument) -> bool {
        let earliest = self.last_rollup.map_or(i64::MIN, |last| last - TOLERANCE);
        let is_possible = (earliest..=self.latest()).contains(&document.received_at);
        if !is_possible {
            document.received_at = self.now;
        }
        !is_possible
    }
}
