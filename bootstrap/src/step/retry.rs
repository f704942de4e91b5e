//! Requests to the API server, and commands of apt, that are repeated when what they met passes by itself.
//!
//! A webhook whose certificate is not known yet, a server that restarts, a leader that is elected: each of these refuses
//! for seconds, and an installation that gave up at the first one would fail on most real clusters. The wait between two
//! attempts doubles up to a bound, and all attempts together have [`super::Timing::retry`].

use std::time::{Duration, Instant};

use super::error::StepError;
use super::executor::{Executor, StepEvent};
use super::kube::{StatusReason, is_transient};
use crate::host::{Command, CommandError, Output, ProbeError};

/// The longest wait between two attempts, as a multiple of the first one.
const LONGEST_WAIT: u32 = 8;

/// Whether somebody else's change in between is a reason to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnConflict {
    /// The request says how things should be, whatever they are.
    Retry,
    /// The request is about one version of an object and no other.
    Fail,
}

impl Executor<'_> {
    /// Runs a command that asks something of the API server, and again while the refusal is one that passes.
    pub(super) fn request(
        &mut self,
        command: &Command,
        on_conflict: OnConflict,
    ) -> Result<Output, StepError> {
        let retry = self.timing().retry;
        self.repeated(retry, |this| Ok(this.host.run(command)?), |error| awaited(error, on_conflict))
    }

    /// Asks the API server something, and again while it gives no answer for a reason that passes.
    pub(super) fn query<T>(
        &mut self,
        mut ask: impl FnMut(&Self) -> Result<T, ProbeError>,
    ) -> Result<T, StepError> {
        let retry = self.timing().retry;
        self.repeated(retry, |this| Ok(ask(this)?), |error| awaited(error, OnConflict::Fail))
    }

    /// Runs a command of apt, and again while another process holds a lock for which apt does not wait itself.
    pub(super) fn apt(&mut self, command: &Command) -> Result<Output, StepError> {
        let patience = self.timing().package_lock;
        let awaited = |error: &StepError| error.apt_lock().map(|lock| format!("the lock {lock}"));
        self.repeated(patience, |this| Ok(this.host.run(command)?), awaited)
    }

    /// Makes an attempt, and others for as long as `patience` while `awaited` says what an error would pass by.
    fn repeated<T>(
        &mut self,
        patience: Duration,
        mut attempt: impl FnMut(&Self) -> Result<T, StepError>,
        awaited: impl Fn(&StepError) -> Option<String>,
    ) -> Result<T, StepError> {
        let (begun, first) = (Instant::now(), self.timing().poll);
        let mut wait = first;
        loop {
            let done = attempt(self);
            let passes_by = done.as_ref().err().and_then(&awaited);
            match passes_by.filter(|_| begun.elapsed() + wait < patience) {
                Some(awaited) => self.report(StepEvent::Waiting(&awaited)),
                None => return done,
            }
            self.pause(wait)?;
            wait = (wait * 2).min(first * LONGEST_WAIT);
        }
    }
}

/// What an error passes by, if it does: that the API server accepts the request, and what it said, without the command
/// that asked.
fn awaited(error: &StepError, on_conflict: OnConflict) -> Option<String> {
    let passes = match error {
        StepError::Command(CommandError::Failed { tail, .. }) => {
            let conflict = StatusReason::of(tail) == Some(StatusReason::Conflict);
            is_transient(tail) || (conflict && on_conflict == OnConflict::Retry)
        }
        StepError::Probe { error: ProbeError::Api { message }, .. } => is_transient([message]),
        _ => false,
    };
    passes.then(|| {
        let said = error.tail().last().cloned().unwrap_or_else(|| error.to_string());
        format!("the API server to accept the request: {said}")
    })
}
