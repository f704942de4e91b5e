//! Waiting until something is so.

use std::time::Instant;

use super::error::Trouble;
use super::{Apply, Event};
use crate::step::{Check, Verdict};

impl Apply<'_> {
    /// Looks until the condition is met. The last look is after the time has passed.
    pub(super) fn wait(&mut self, check: &Check) -> Result<(), Trouble> {
        let begun = Instant::now();
        loop {
            let late = begun.elapsed() >= check.timeout;
            match check.condition.look(self.host) {
                Verdict::Met => return Ok(()),
                Verdict::NotYet(missing) if late => {
                    let (seconds, hint) = (check.timeout.as_secs(), check.condition.hint());
                    return Err(Trouble::NotInTime { seconds, missing, hint });
                }
                Verdict::NotYet(missing) => (self.report)(Event::Waiting(&missing)),
            }
            self.pause()?;
        }
    }

    /// Lets some time pass, unless the run is asked to stop.
    pub(super) fn pause(&self) -> Result<(), Trouble> {
        if (self.stop)() {
            return Err(Trouble::Stopped);
        }
        std::thread::sleep(self.poll);
        Ok(())
    }
}
