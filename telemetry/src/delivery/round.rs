//! One round over everything that waits.

use std::collections::HashSet;
use std::ops::ControlFlow::{self, Break, Continue};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use schema::{EventId, UtcSeconds};

use super::attempt::{Attempted, Tools};
use super::{DEADLINE, Ended, Progress, Summary, backoff, verdict};
use crate::error::TelemetryError;
use crate::outbox::{Entry, Failure, LedgerLine, finish_purge, is_too_old, now, purge_is_asked_for};

/// With less time than this an attempt would only be counted.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(100);

/// How often a pause looks whether the round was stopped.
const PAUSE_STEP: Duration = Duration::from_millis(100);

/// What became of one document's turn: whether the round goes on.
type Turn = Result<ControlFlow<Ended>, TelemetryError>;

pub(super) struct Round<'a> {
    tools: Tools<'a>,
    ends: Instant,
    report: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    progress: Progress,
    summary: Summary,
}

impl<'a> Round<'a> {
    pub(super) fn new(
        tools: Tools<'a>,
        ends: Instant,
        report: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
        summary: Summary,
    ) -> Self {
        Self { tools, ends, report, progress: Progress { settled: 0, known: 0 }, summary }
    }

    pub(super) fn run(mut self) -> Result<Summary, TelemetryError> {
        if let Break(ended) = self.drain()? {
            self.summary.ended = ended;
        }
        if purge_is_asked_for(self.tools.store) {
            finish_purge(self.tools.store)?;
        }
        self.summary.waiting = self.tools.store.waiting()?.len();
        Ok(self.summary)
    }

    /// Gives every document its turn, those included that are stored meanwhile. Those that must not be tried yet come
    /// last, and are waited for.
    fn drain(&mut self) -> Turn {
        let mut seen: HashSet<EventId> = HashSet::new();
        loop {
            let mut found = self.tools.store.waiting()?;
            found.retain(|id| seen.insert(*id));
            if found.is_empty() {
                return Ok(Continue(()));
            }
            self.progress.known += found.len();
            let mut early = Vec::new();
            for id in found {
                match self.not_before(id) {
                    Some(time) => early.push((time, id)),
                    None => match self.turn(id)? {
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
                if let ended @ Break(_) = self.turn(id)? {
                    return Ok(ended);
                }
            }
        }
    }

    /// When the document may be tried, if that is later than now. A time that no round of ours could have set was set by a
    /// clock that has been set back since, and does not count.
    fn not_before(&self, id: EventId) -> Option<UtcSeconds> {
        let now = now();
        let longest = i64::try_from(DEADLINE.as_secs()).unwrap_or(i64::MAX);
        let is_meant = |time: &UtcSeconds| *time > now && time.timestamp() - now.timestamp() <= longest;
        self.tools.store.load(id).ok().and_then(|entry| entry.not_before).filter(is_meant)
    }

    fn turn(&mut self, id: EventId) -> Turn {
        let mut failures = 0;
        loop {
            if let ended @ Break(_) = self.may_go_on() {
                return Ok(ended);
            }
            if self.evict_if_too_old(id)? {
                break;
            }
            let attempted = match self.tools.load(id)? {
                Ok(entry) => self.tools.attempt(entry, self.remaining())?,
                Err(attempted) => attempted,
            };
            match attempted {
                Attempted::Nothing => break,
                Attempted::Delivered => {
                    self.summary.delivered += 1;
                    break;
                }
                Attempted::Refused => {
                    self.summary.refused += 1;
                    break;
                }
                Attempted::Failed(entry, failure, asked) => {
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
        mut entry: Entry,
        failure: Failure,
        asked: Option<Duration>,
        failures: u32,
    ) -> Result<ControlFlow<Ended, After>, TelemetryError> {
        // A purge while the request was in flight has deleted the entry, which must not come back.
        let Some(stored) = self.tools.store.stored(entry.document.event_id()) else {
            return Ok(Continue(After::LeaveIt));
        };
        let pause = asked.unwrap_or_else(|| backoff::pause(failures)).min(self.remaining());
        entry.not_before = Some(later(pause));
        self.tools.store.update(&entry, stored)?;
        Ok(match () {
            () if failures < self.tools.settings.max_attempts => match self.pause(pause) {
                Continue(()) => Continue(After::TryAgain),
                Break(ended) => Break(ended),
            },
            () if verdict::is_unreachable(failure) => Break(Ended::Unreachable(failure)),
            () => Continue(After::LeaveIt),
        })
    }

    fn evict_if_too_old(&mut self, id: EventId) -> Result<bool, TelemetryError> {
        let is_old = self.tools.store.stored(id).is_some_and(|stored| is_too_old(stored, SystemTime::now()));
        if is_old {
            self.tools.store.remove(id)?;
            self.tools.store.record(&LedgerLine::evicted(now(), 1))?;
            self.summary.evicted += 1;
        }
        Ok(is_old)
    }

    fn remaining(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    fn may_go_on(&mut self) -> ControlFlow<Ended> {
        match () {
            () if purge_is_asked_for(self.tools.store) => Break(Ended::Stopped),
            () if (self.report)(self.progress).is_break() => Break(Ended::Stopped),
            () if self.remaining() < SHORTEST_ATTEMPT => Break(Ended::Deadline),
            () => Continue(()),
        }
    }

    /// Waits, unless the round would be over by then or is stopped.
    fn pause(&mut self, pause: Duration) -> ControlFlow<Ended> {
        let until = Instant::now() + pause;
        if until + SHORTEST_ATTEMPT > self.ends {
            return Break(Ended::Deadline);
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

/// The time after a pause. Fractions of a second are cut off: the pause within a round is exact anyway.
fn later(pause: Duration) -> UtcSeconds {
    let pause = chrono::TimeDelta::from_std(pause).unwrap_or_default();
    (chrono::Utc::now() + pause).into()
}
