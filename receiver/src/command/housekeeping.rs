//! What a service does besides receiving: rolling up and deleting, once an hour, on a separate thread.

use std::sync::Arc;
use std::time::Duration;

use crate::log::say;
use crate::metrics::Metrics;
use crate::rollup;
use crate::store::{ClockReading, ClockTrust, StoreError, StoreLocation, StoreUse};

/// How often.
const PAUSE: Duration = Duration::from_hours(1);
/// Pause after a failure, such as a server that restarts.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_mins(1);

/// What it needs.
pub(super) struct Housekeeping {
    pub(super) store: StoreLocation,
    pub(super) suppress_below: u32,
    pub(super) retention_days: u32,
    pub(super) metrics: Arc<Metrics>,
}

impl Housekeeping {
    /// Starts the thread. It ends with the process, at any moment: each of its steps is a transaction.
    pub(super) fn start(self) {
        std::thread::spawn(move || {
            loop {
                let pause = match self.round() {
                    Ok(()) => PAUSE,
                    Err(error) => {
                        say(&format!("warning: housekeeping: {error}; it is tried again in a minute"));
                        PAUSE_AFTER_FAILURE
                    }
                };
                std::thread::sleep(pause);
            }
        });
    }

    fn round(&self) -> Result<(), StoreError> {
        let mut store = self.store.open(StoreUse::Tending)?;
        let now = match store.read_clock(ClockTrust::ByRule)? {
            ClockReading::Believed(now) => now,
            ClockReading::Doubted(clock) => {
                self.metrics.clock_doubted.set(1);
                say(&format!(
                    "warning: housekeeping: {clock}; if it is right, run `receiver rollup --trust-clock`"
                ));
                return Ok(());
            }
        };
        self.metrics.clock_doubted.set(0);
        let rolled_up = rollup::roll_up(&mut *store, self.suppress_below, now);
        // What is too old does not wait for what cannot be rolled up: of documents, only those of a closed week go.
        let forgotten = rollup::forget(&mut *store, self.retention_days, now);
        rolled_up?;
        forgotten?;
        self.metrics.housekept.set(chrono::Utc::now().timestamp().unsigned_abs());
        Ok(())
    }
}
