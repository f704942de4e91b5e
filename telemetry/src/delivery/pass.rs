//! One pass over everything that waits.

use std::collections::HashSet;
use std::ops::ControlFlow::{self, Break, Continue};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use schema::{EventId, UtcSeconds};
use serde::Serialize;

use super::attempt::{AttemptOutcome, DeliveryContext};
use super::response;
use crate::error::TelemetryError;
use crate::outbox::{
    AttemptFailure, LedgerLine, QueueEntry, finish_purge, is_too_old, now, purge_is_asked_for,
};

/// With less time than this an attempt would only be counted.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(100);

/// How often a pause looks whether the pass was stopped.
const PAUSE_STEP: Duration = Duration::from_millis(100);

/// Longest time of one pass.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// How far a pass is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryProgress {
    /// Documents that are through with this pass.
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
    /// Documents that went because they had waited too long.
    pub evicted: usize,
    /// Documents that are still queued.
    pub waiting: usize,
    /// Why the pass ended.
    pub ended: DeliveryEnd,
}

/// Why a pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryEnd {
    /// Every document that waited had its turn.
    Done,
    /// The endpoint could not be reached.
    Unreachable(AttemptFailure),
    /// The time was over.
    Deadline,
    /// The outbox was purged, or the caller asked to stop.
    Stopped,
    /// Another process was delivering all the time.
    Busy,
    /// There is no endpoint.
    NoEndpoint,
}

/// What became of one document's turn: whether the pass goes on.
type Next = Result<ControlFlow<DeliveryEnd>, TelemetryError>;

pub(super) struct DeliveryPass<'a> {
    context: DeliveryContext<'a>,
    ends: Instant,
    report: &'a mut dyn FnMut(DeliveryProgress) -> ControlFlow<()>,
    progress: DeliveryProgress,
    summary: DeliverySummary,
}

impl<'a> DeliveryPass<'a> {
    pub(super) fn new(
        context: DeliveryContext<'a>,
        ends: Instant,
        report: &'a mut dyn FnMut(DeliveryProgress) -> ControlFlow<()>,
        summary: DeliverySummary,
    ) -> Self {
        Self { context, ends, report, progress: DeliveryProgress { settled: 0, known: 0 }, summary }
    }

    pub(super) fn run(mut self) -> Result<DeliverySummary, TelemetryError> {
        if let Break(ended) = self.drain()? {
            self.summary.ended = ended;
        }
        if purge_is_asked_for(self.context.store) {
            finish_purge(self.context.store)?;
        }
        self.summary.waiting = self.context.store.queued()?.len();
        Ok(self.summary)
    }

    /// Gives every document its turn, those included that are stored meanwhile. Those that must not be tried yet come
    /// last, and are waited for.
    fn drain(&mut self) -> Next {
        let mut seen: HashSet<EventId> = HashSet::new();
        loop {
            let mut found = self.context.store.queued()?;
            found.retain(|id| seen.insert(*id));
            if found.is_empty() {
                return Ok(Continue(()));
            }
            self.progress.known += found.len();
            let mut early = Vec::new();
            for id in found {
                match self.not_before(id) {
                    Some(time) => early.push((time, id)),
                    None => match self.process(id)? {
                        Continue(()) => {}
                        ended @ Break(_) => return Ok(ended),
                    },
                }
            }
            early.sort_unstable();
            for (time, id) in early {
                let pause = Duration::from_secs(time.timestamp().abs_diff(now().timestamp()));
                let pause = if time > now() { pause } else { Duration::ZERO };
                if let ended @ Break(_) = self.pause(pause) {
                    return Ok(ended);
                }
                if let ended @ Break(_) = self.process(id)? {
                    return Ok(ended);
                }
            }
        }
    }

    /// When the document may be tried, if that is later than now. A time that no pass of ours could have set was set
    /// by a clock that has been set back since, and does not count.
    fn not_before(&self, id: EventId) -> Option<UtcSeconds> {
        let now = now();
        let longest = i64::try_from(DEADLINE.as_secs()).unwrap_or(i64::MAX);
        let is_meant = |time: &UtcSeconds| *time > now && time.timestamp() - now.timestamp() <= longest;
        self.context.store.load(id).ok().and_then(|entry| entry.not_before).filter(is_meant)
    }

    fn process(&mut self, id: EventId) -> Next {
        let mut failures = 0;
        loop {
            if let ended @ Break(_) = self.may_go_on() {
                return Ok(ended);
            }
            if self.evict_if_too_old(id)? {
                break;
            }
            let attempted = match self.context.load(id)? {
                Ok(entry) => self.context.attempt(entry, self.remaining())?,
                Err(attempted) => attempted,
            };
            match attempted {
                AttemptOutcome::Skipped => break,
                AttemptOutcome::Delivered => {
                    self.summary.delivered += 1;
                    break;
                }
                AttemptOutcome::Rejected => {
                    self.summary.refused += 1;
                    break;
                }
                AttemptOutcome::Failed(entry, failure, asked) => {
                    failures += 1;
                    match self.after_failure(*entry, failure, asked, failures)? {
                        Continue(After::TryAgain) => {}
                        Continue(After::LeaveIt) => break,
                        Break(ended) => return Ok(Break(ended)),
                    }
                }
            }
        }
        self.progress.settled += 1;
        Ok(Continue(()))
    }

    fn after_failure(
        &mut self,
        mut entry: QueueEntry,
        failure: AttemptFailure,
        asked: Option<Duration>,
        failures: u32,
    ) -> Result<ControlFlow<DeliveryEnd, After>, TelemetryError> {
        // A purge while the request was in flight has deleted the entry, which must not come back.
        let Some(stored) = self.context.store.stored_at(entry.document.event_id()) else {
            return Ok(Continue(After::LeaveIt));
        };
        let pause = asked.unwrap_or_else(|| response::backoff(failures)).min(self.remaining());
        entry.not_before = Some(later(pause));
        self.context.store.update(&entry, stored)?;
        Ok(match () {
            () if failures < self.context.settings.max_attempts => match self.pause(pause) {
                Continue(()) => Continue(After::TryAgain),
                Break(ended) => Break(ended),
            },
            () if response::is_unreachable(failure) => Break(DeliveryEnd::Unreachable(failure)),
            () => Continue(After::LeaveIt),
        })
    }

    fn evict_if_too_old(&mut self, id: EventId) -> Result<bool, TelemetryError> {
        let is_old =
            self.context.store.stored_at(id).is_some_and(|stored| is_too_old(stored, SystemTime::now()));
        if is_old {
            self.context.store.remove(id)?;
            self.context.store.log_outcome(&LedgerLine::evicted(now(), 1))?;
            self.summary.evicted += 1;
        }
        Ok(is_old)
    }

    fn remaining(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    fn may_go_on(&mut self) -> ControlFlow<DeliveryEnd> {
        match () {
            () if purge_is_asked_for(self.context.store) => Break(DeliveryEnd::Stopped),
            () if (self.report)(self.progress).is_break() => Break(DeliveryEnd::Stopped),
            () if self.remaining() < SHORTEST_ATTEMPT => Break(DeliveryEnd::Deadline),
            () => Continue(()),
        }
    }

    /// Waits, unless the pass would be over by then or is stopped.
    fn pause(&mut self, pause: Duration) -> ControlFlow<DeliveryEnd> {
        let until = Instant::now() + pause;
        if until + SHORTEST_ATTEMPT > self.ends {
            return Break(DeliveryEnd::Deadline);
        }
        while Instant::now() < until {
            self.may_go_on()?;
            thread::sleep(PAUSE_STEP.min(until.saturating_duration_since(Instant::now())));
        }
        Continue(())
    }
}

/// What follows a failed attempt.
enum After {
    TryAgain,
    LeaveIt,
}

/// The time after a pause. Fractions of a second are cut off: the pause within a pass is exact anyway.
fn later(pause: Duration) -> UtcSeconds {
    let pause = chrono::TimeDelta::from_std(pause).unwrap_or_default();
    (chrono::Utc::now() + pause).into()
}
