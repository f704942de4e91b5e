//! One pass over everything that is queued.

use std::collections::HashSet;
use std::ops::ControlFlow::{self, Break, Continue};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use schema::EventId;
use serde::Serialize;

use super::attempt::{AttemptOutcome, DeliveryContext};
use super::response;
use crate::error::{OutboxWarning, TelemetryError};
use crate::outbox::{
    AttemptFailure, EndpointState, FailureClass, LedgerLine, finish_purge, is_too_old, now,
    purge_is_asked_for,
};

/// With less time than this an attempt would only be counted.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(100);

/// How often a pause checks whether the pass was stopped.
const PAUSE_STEP: Duration = Duration::from_millis(100);

/// Longest time of one pass.
pub use schema::delivery::PASS_DEADLINE as DEADLINE;

/// The progress of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryProgress {
    /// Documents that this pass has finished with.
    pub settled: usize,
    /// Documents that the pass has found so far.
    pub known: usize,
}

/// What a pass did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeliverySummary {
    /// Documents that were delivered.
    pub delivered: usize,
    /// Documents that were rejected because they may not be sent.
    pub refused: usize,
    /// Documents that were evicted because they had been queued too long.
    pub evicted: usize,
    /// Documents that are still queued.
    #[serde(rename = "queued")]
    pub waiting: usize,
    /// Why the pass ended.
    pub ended: DeliveryEnd,
    /// What failed besides delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<OutboxWarning>,
}

impl DeliverySummary {
    /// A pass that did nothing.
    pub fn of_nothing(ended: DeliveryEnd, waiting: usize) -> Self {
        Self { delivered: 0, refused: 0, evicted: 0, waiting, ended, warning: None }
    }
}

/// Why a pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryEnd {
    /// Every queued document was tried.
    Done,
    /// The endpoint could not be reached, as often in a row as the settings allow.
    Unreachable(AttemptFailure),
    /// The endpoint asked to try again later, as often in a row as the settings allow.
    Unavailable(AttemptFailure),
    /// The endpoint answered with a status that is about itself or our access to it and not about a document.
    Misconfigured(AttemptFailure),
    /// The deadline was reached.
    Deadline,
    /// The outbox was purged, or the caller asked to stop.
    Stopped,
    /// Another process was delivering all the time.
    Busy,
    /// There is no endpoint.
    NoEndpoint,
}

/// Whether the pass continues with the next document.
type Next = Result<ControlFlow<DeliveryEnd>, TelemetryError>;

pub(super) struct DeliveryPass<'a> {
    context: DeliveryContext<'a>,
    max_failures: u32,
    ends: Instant,
    report: &'a mut dyn FnMut(DeliveryProgress) -> ControlFlow<()>,
    progress: DeliveryProgress,
    summary: DeliverySummary,
    /// Failures in a row.
    failures: u32,
    /// Nothing is sent to the endpoint before.
    paused_until: Instant,
}

impl<'a> DeliveryPass<'a> {
    pub(super) fn new(
        context: DeliveryContext<'a>,
        max_failures: u32,
        ends: Instant,
        report: &'a mut dyn FnMut(DeliveryProgress) -> ControlFlow<()>,
    ) -> Self {
        // An earlier pass may have ended in a pause. Its failures do not count: this pass has its own attempts.
        let state = context.store.endpoint_state(Some(context.endpoint.url()));
        let pause = state.map_or(Duration::ZERO, |state| state.remaining_pause(DEADLINE));
        Self {
            context,
            max_failures,
            ends,
            report,
            progress: DeliveryProgress { settled: 0, known: 0 },
            summary: DeliverySummary::of_nothing(DeliveryEnd::Done, 0),
            failures: 0,
            paused_until: Instant::now() + pause,
        }
    }

    pub(super) fn run(mut self) -> Result<DeliverySummary, TelemetryError> {
        if let Break(ended) = self.drain()? {
            self.summary.ended = ended;
        }
        let store = self.context.store;
        if purge_is_asked_for(store) {
            finish_purge(store)?;
        }
        store.sync(self.ends);
        self.summary.waiting = store.queued()?.len();
        self.summary.warning = self.context.warning;
        Ok(self.summary)
    }

    /// Tries every document, those included that are stored meanwhile: first those that failed in the fewest passes, and
    /// of these the oldest.
    fn drain(&mut self) -> Next {
        // A document is tried once in a pass, even if it stays queued: it may be one that this process may not read.
        let mut seen: HashSet<EventId> = HashSet::new();
        loop {
            // Listed repeatedly: the run still stores documents, and its last ones should not need another process.
            let mut found = self.context.store.queued()?;
            found.retain(|id| seen.insert(*id));
            if found.is_empty() {
                return Ok(Continue(()));
            }
            found.sort_by_cached_key(|id| self.failed_passes(*id));
            self.progress.known += found.len();
            for id in found {
                if let ended @ Break(_) = self.process(id)? {
                    return Ok(ended);
                }
            }
        }
    }

    /// How many passes the document has ended, at least. What makes the endpoint fail by itself, or by a fault of the
    /// endpoint, must not hold up all others until it is too old.
    fn failed_passes(&self, id: EventId) -> u32 {
        let attempts = self.context.store.load(id).map_or(0, |entry| entry.attempts);
        attempts / self.max_failures.max(1)
    }

    /// Tries one document until it has left the queue or the pass ends. No other document is sent in between.
    fn process(&mut self, id: EventId) -> Next {
        loop {
            // Before every attempt, not only after a failure: the pause may be of an earlier pass.
            if let ended @ Break(_) = self.await_endpoint() {
                return Ok(ended);
            }
            if self.evict_if_too_old(id)? {
                break;
            }
            match self.context.attempt(id, self.remaining())? {
                AttemptOutcome::Skipped => break,
                AttemptOutcome::RejectedByUs => {
                    self.summary.refused += 1;
                    break;
                }
                AttemptOutcome::Delivered => {
                    self.endpoint_works();
                    self.summary.delivered += 1;
                    break;
                }
                AttemptOutcome::RejectedByEndpoint => {
                    self.endpoint_works();
                    self.summary.refused += 1;
                    break;
                }
                AttemptOutcome::Failed(failure, asked) => {
                    if let ended @ Break(_) = self.pause_endpoint(failure, asked) {
                        return Ok(ended);
                    }
                }
                AttemptOutcome::Misconfigured(failure) => {
                    // No pause: an operator who fixes the endpoint wants to see the effect in the next pass.
                    self.remember(Some(EndpointState::new(failure, None)));
                    return Ok(Break(DeliveryEnd::Misconfigured(failure)));
                }
            }
        }
        self.progress.settled += 1;
        Ok(Continue(()))
    }

    fn endpoint_works(&mut self) {
        self.failures = 0;
        self.remember(None);
    }

    fn remember(&self, state: Option<EndpointState>) {
        self.context.store.set_endpoint_state(self.context.endpoint.url(), state);
    }

    /// Ends the pass after the last failure that is allowed, and leaves the pause to the next pass.
    fn pause_endpoint(
        &mut self,
        failure: AttemptFailure,
        asked: Option<Duration>,
    ) -> ControlFlow<DeliveryEnd> {
        self.failures += 1;
        // An absurdly long `Retry-After` must not stop telemetry beyond this pass.
        let pause = asked.unwrap_or_else(|| response::backoff(self.failures)).min(self.remaining());
        self.paused_until = Instant::now() + pause;
        self.remember(Some(EndpointState::new(failure, Some(pause))));
        if self.failures < self.max_failures {
            Continue(())
        } else if failure.class == FailureClass::Status {
            Break(DeliveryEnd::Unavailable(failure))
        } else {
            Break(DeliveryEnd::Unreachable(failure))
        }
    }

    fn evict_if_too_old(&mut self, id: EventId) -> Result<bool, TelemetryError> {
        let store = self.context.store;
        // Also here: if nothing new is stored in an outbox, nothing else would enforce the age.
        let is_old = store.stored_at(id).is_some_and(|stored| is_too_old(stored, SystemTime::now()));
        if is_old {
            store.remove(id)?;
            self.context.log_outcome(&LedgerLine::evicted(now(), 1));
            self.summary.evicted += 1;
        }
        Ok(is_old)
    }

    fn remaining(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    fn may_go_on(&mut self) -> ControlFlow<DeliveryEnd> {
        if purge_is_asked_for(self.context.store) || (self.report)(self.progress).is_break() {
            Break(DeliveryEnd::Stopped)
        } else if self.remaining() < SHORTEST_ATTEMPT {
            Break(DeliveryEnd::Deadline)
        } else {
            Continue(())
        }
    }

    /// Waits until something may be sent, unless the pass would end before that or is stopped.
    fn await_endpoint(&mut self) -> ControlFlow<DeliveryEnd> {
        self.may_go_on()?;
        if self.paused_until > Instant::now() && self.paused_until + SHORTEST_ATTEMPT > self.ends {
            return Break(DeliveryEnd::Deadline);
        }
        while Instant::now() < self.paused_until {
            thread::sleep(PAUSE_STEP.min(self.paused_until.saturating_duration_since(Instant::now())));
            self.may_go_on()?;
        }
        Continue(())
    }
}
