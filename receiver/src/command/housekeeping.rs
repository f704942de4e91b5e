//! What a service does beside receiving: rolling up and deleting, once an hour, on a thread of its own.

use std::path::PathBuf;
use std::time::Duration;

use crate::log::say;
use crate::rollup;
use crate::store::{SqliteStore, StoreError};

/// How often.
const PAUSE: Duration = Duration::from_hours(1);

/// What it works with.
pub(super) struct Housekeeping {
    pub(super) store: PathBuf,
    pub(super) suppress_below: u32,
    pub(super) retention_days: u32,
}

impl Housekeeping {
    /// Starts the thread. It ends with the process: each of its steps is a transaction, so that no moment is a bad one.
    pub(super) fn start(self) {
        std::thread::spawn(move || {
            loop {
                if let Err(error) = self.round() {
                    say(&format!("warning: housekeeping: {error}; it is tried again in an hour"));
                }
                std::thread::sleep(PAUSE);
            }
        });
    }

    fn round(&self) -> Result<(), StoreError> {
        let mut store = SqliteStore::open(&self.store)?;
        let now = chrono::Utc::now().timestamp();
        rollup::roll_up(&mut store, self.suppress_below, now)?;
        rollup::forget(&mut store, self.retention_days, now)?;
        Ok(())
    }
}
