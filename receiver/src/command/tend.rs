//! The commands that tend a store: each does one thing and ends.

use super::error::ReceiverError;
use super::location;
use super::output::print;
use crate::cli::{ClockArgs, RetainArgs, RollupArgs, StoreArgs};
use crate::rollup;
use crate::store::{ClockReading, ClockTrust, Store, StoreUse};

pub(super) fn migrate(arguments: &StoreArgs) -> Result<(), ReceiverError> {
    let location = location::of(arguments)?;
    location.open(StoreUse::Tending)?.tidy(chrono::Utc::now().timestamp())?;
    print(&format!("store: {location}, tables of version {}", location.version()));
    Ok(())
}

pub(super) fn rollup(arguments: &RollupArgs) -> Result<(), ReceiverError> {
    let mut store = location::of(&arguments.store)?.open_existing(StoreUse::Tending)?;
    let now = read_clock(&mut *store, &arguments.clock)?;
    let done = rollup::roll_up(&mut *store, arguments.suppression.suppress_below, now)?;
    print(&format!("rolled up: {} documents, {} weeks closed", done.documents, done.weeks));
    Ok(())
}

pub(super) fn retain(arguments: &RetainArgs) -> Result<(), ReceiverError> {
    let mut store = location::of(&arguments.store)?.open_existing(StoreUse::Tending)?;
    let now = read_clock(&mut *store, &arguments.clock)?;
    let deleted = rollup::forget(&mut *store, arguments.retention.retention_days, now)?;
    print(&format!("deleted: {deleted} rows"));
    Ok(())
}

/// The time by which weeks are closed and data is deleted.
fn read_clock(store: &mut dyn Store, arguments: &ClockArgs) -> Result<i64, ReceiverError> {
    let trust = if arguments.trust_clock { ClockTrust::Given } else { ClockTrust::ByRule };
    match store.read_clock(trust)? {
        ClockReading::Believed(now) => Ok(now),
        ClockReading::Doubted(clock) => Err(ReceiverError::Clock(clock)),
    }
}

pub(super) fn verify(arguments: &StoreArgs) -> Result<(), ReceiverError> {
    let location = location::of(arguments)?;
    let verified = location.open_to_read(StoreUse::Tending)?.verify()?;
    if verified.faults.is_empty() {
        print(&format!("whole: {} documents", verified.documents));
        return Ok(());
    }
    Err(ReceiverError::Damaged(location.to_string(), verified.faults.join("; ")))
}
