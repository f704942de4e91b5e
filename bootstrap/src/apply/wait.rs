//! Waiting until something is so.

use std::time::Instant;

use super::error::StepError;
use super::{Executor, StepEvent};
use crate::step::{Check, ConditionStatus};

impl Executor<'_> {
    /// Looks until the condition is met. The last look is after the time has passed.
    pub(super) fn wait(&mut self, check: &Check) -> Result<(), StepError> {
        let begun = Instant::now();
        loop {
            let late = begun.elapsed() >= check.timeout;
            match check.condition.look(self.host) {
                ConditionStatus::Met => return Ok(()),
                ConditionStatus::NotYet(missing) if late => {
                    let (seconds, hint) = (check.timeout.as_secs(), check.condition.hint());
                    return Err(StepError::NotInTime { seconds, missing, hint });
                }
                ConditionStatus::NotYet(missing) => (self.report)(StepEvent::Waiting(&missing)),
            }
            self.pause()?;
        }
    }

    /// Lets some time pass, unless the run is asked to stop.
    pub(super) fn pause(&self) -> Result<(), StepError> {
        if (self.stop)() {
            return Err(StepError::Stopped);
        }
        std::thread::sleep(self.poll);
        Ok(())
    }
}
