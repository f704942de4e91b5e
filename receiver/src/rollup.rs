//! Rolling up: documents become runs, and closed weeks become charts.

use std::time::Instant;

use serde_json::Value;

use crate::chart::{Tally, of_document, of_run};
use crate::store::{Store, StoreError, Tidied};
use crate::week::Week;

/// Documents of one transaction: a writer that waits for it waits some tens of milliseconds.
const SLICE: usize = 2_000;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RolledUp {
    pub(crate) documents: usize,
    pub(crate) weeks: usize,
}

/// Combines new documents into runs, and closes each week that has ended.
///
/// # Errors
/// The store fails. What was done until then stays done, and the next call continues there.
pub(crate) fn roll_up(store: &mut dyn Store, suppress_below: u32, now: i64) -> Result<RolledUp, StoreError> {
    let mut done = RolledUp::default();
    loop {
        let started = Instant::now();
        let documents = store.roll_up_runs(SLICE, now)?;
        done.documents += documents;
        if documents < SLICE {
            break;
        }
        give_way(started);
    }
    while let Some(week) = store.next_week()?.filter(|week| week.is_closed(now)) {
        let cells = tally(store, week)?.shown(suppress_below);
        done.weeks += usize::from(store.close_week(week, suppress_below, &cells)?);
    }
    Ok(done)
}

/// Leaves as much time to the intake, which may wait for each slice, as the slice took. Without it an embedded store with
/// five million documents to roll up stored a tenth of what it stores otherwise, and the slowest waited for 1.5 seconds.
fn give_way(started: Instant) {
    std::thread::sleep(started.elapsed());
}

fn tally(store: &mut dyn Store, week: Week) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    store.each_run(week, &mut |run, manifest| {
        let manifest = manifest.and_then(|text| serde_json::from_str::<Value>(text).ok());
        of_run(run, manifest.as_ref(), &mut tally);
    })?;
    store.each_document(week, &mut |document| of_document(document, &mut tally))?;
    Ok(tally)
}

/// Deletes what is too old, slice by slice; how many rows.
///
/// # Errors
/// The store fails.
pub(crate) fn forget(store: &mut dyn Store, days: u32, now: i64) -> Result<usize, StoreError> {
    let (mut all, mut next) = (0, Some(0));
    while let Some(after) = next {
        let started = Instant::now();
        let step = store.forget(days, now, after)?;
        all += step.rows;
        next = step.next;
        give_way(started);
    }
    loop {
        let started = Instant::now();
        if store.tidy(now)? == Tidied::Whole {
            return Ok(all);
        }
        give_way(started);
    }
}
