//! What carries steps out: the journal around each change, the one wait loop, the safe points.
//!
//! A change is written down before and after it happens, so that after a crash the record never claims less than was
//! done. The executor never undoes by itself: a failed run stays as it is until the operator resumes it or rolls it back.

use std::fmt::Display;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use manifest::{Intent, JournalOutcome, ManifestError, PriorState, StepState, Undo};
use schema::Component;

use super::condition::Check;
use super::error::StepError;
use super::journal::{Journal, Update};
use super::start_cause::StartCause;
use super::unmet::Unmet;
use crate::host::Host;

/// Something to show while steps are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepEvent<'a> {
    /// A step begins.
    Started {
        /// Its title.
        title: &'a str,
        /// Its number in the component, from 1; the verification is the last one.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// The step goes on and waits for this.
    Waiting(&'a str),
    /// The step is done.
    Done {
        /// Its title.
        title: &'a str,
        /// Whether it changed anything.
        effect: Effect,
    },
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changed the host or the cluster.
    Changed,
    /// Everything was as it should be already.
    Unchanged,
}

/// How patient the executor is.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How often a condition is looked at while it is waited for.
    pub poll: Duration,
    /// How long something that was deleted has to go away.
    pub removal: Duration,
    /// After this time a service is not waited for any longer if it goes on saying what waiting does not change.
    pub hopeless: Duration,
    /// How long a request is repeated that the API server refused for a reason that passes.
    pub retry: Duration,
    /// How long a lock of apt is waited for. The preflight says so too.
    pub package_lock: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(2),
            removal: Duration::from_mins(2),
            hopeless: Duration::from_secs(30),
            retry: Duration::from_mins(3),
            package_lock: Duration::from_mins(5),
        }
    }
}

/// What a look at something that is waited for gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look<T, W> {
    /// It is so.
    Ready(T),
    /// It is not so yet; this is missing.
    NotYet(W),
}

/// Carries steps out on one host and writes them down in one journal.
pub struct Executor<'a> {
    pub(super) host: &'a Host,
    journal: &'a mut dyn Journal,
    report: &'a mut dyn FnMut(StepEvent<'_>),
    stop: &'a dyn Fn() -> bool,
    timing: Timing,
    /// Whether the staging directory of this run was made: by this executor, so that nothing in it is older.
    has_staging: bool,
    /// The service that was started last, and when: what its journal said before is not about this start.
    started: Option<(String, DateTime<Utc>)>,
}

/// A change that is about to happen.
pub(super) struct Change {
    /// The component that it is for.
    pub(super) component: Component,
    /// Title of the step.
    pub(super) action: String,
    /// What is in its place.
    pub(super) before: PriorState,
    /// How to take it back, as far as known beforehand.
    pub(super) undo: Undo,
}

/// What a change came to.
#[derive(Default)]
pub(super) struct StepOutcome {
    /// What was written and where.
    pub(super) wrote: Option<String>,
    /// How to take it back, where only the change itself could tell.
    pub(super) undo: Option<Undo>,
}

impl Change {
    /// A change to something that is not there.
    pub(super) fn of_absent(component: Component, action: impl Into<String>, undo: Undo) -> Self {
        Self { component, action: action.into(), before: PriorState::Absent, undo }
    }

    /// A change to something that is there, of which `what` tells more.
    pub(super) fn of_present(
        component: Component,
        action: impl Into<String>,
        what: Option<String>,
        undo: Undo,
    ) -> Self {
        Self { component, action: action.into(), before: PriorState::Present { what }, undo }
    }

    /// A change to something of which nothing is known and which cannot be taken back.
    pub(super) fn of_unknown(component: Component, action: impl Into<String>) -> Self {
        Self { component, action: action.into(), before: PriorState::Unknown, undo: Undo::None }
    }
}

impl StepOutcome {
    /// `text` was written.
    pub(super) fn wrote(text: impl Into<String>) -> Self {
        Self { wrote: Some(text.into()), undo: None }
    }
}

impl<'a> Executor<'a> {
    /// Carries steps out on `host`. `report` is told what goes on; `stop` says whether to stop at the next safe point,
    /// which is between two changes or while waiting.
    pub fn new(
        host: &'a Host,
        journal: &'a mut dyn Journal,
        report: &'a mut dyn FnMut(StepEvent<'_>),
        stop: &'a dyn Fn() -> bool,
    ) -> Self {
        Self { host, journal, report, stop, timing: Timing::default(), has_staging: false, started: None }
    }

    /// Waits with another patience than a real host needs.
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// The machine.
    pub fn host(&self) -> &'a Host {
        self.host
    }

    /// The record that the steps are written down in.
    pub fn journal(&self) -> &dyn Journal {
        self.journal
    }

    /// How patient it is.
    pub(super) fn timing(&self) -> Timing {
        self.timing
    }

    /// Changes the record beside a step.
    pub(super) fn update_journal(&mut self, change: Update<'_>) -> Result<(), ManifestError> {
        self.journal.update(change)
    }

    /// How long something that was deleted has to go away.
    pub fn removal_timeout(&self) -> Duration {
        self.timing.removal
    }

    /// Makes the staging directory that `file` goes to, once.
    pub(super) fn prepare_staging(&mut self, file: &Path) -> Result<(), StepError> {
        if let (false, Some(dir)) = (self.has_staging, file.parent()) {
            self.host.create_staging(dir)?;
            self.has_staging = true;
        }
        Ok(())
    }

    /// Remembers that `service` is started now.
    pub(super) fn note_start(&mut self, service: &str) {
        self.started = Some((service.to_owned(), Utc::now()));
    }

    /// Tells what is shown meanwhile.
    pub(super) fn report(&mut self, event: StepEvent<'_>) {
        (self.report)(event);
    }

    /// A safe point: here the executor may stop, and does so if it was asked to.
    ///
    /// # Errors
    /// [`StepError::Stopped`].
    pub fn safe_point(&self) -> Result<(), StepError> {
        if (self.stop)() { Err(StepError::Stopped) } else { Ok(()) }
    }

    /// Writes the intent down, makes the change, and writes down what became of it.
    pub(super) fn change(
        &mut self,
        change: Change,
        work: impl FnOnce(&mut Self) -> Result<StepOutcome, StepError>,
    ) -> Result<Effect, StepError> {
        let Change { component, action, before, undo } = change;
        let intent = Intent { component, action, before, undo };
        let mut seq = 0;
        self.journal.update(&mut |context, at| seq = context.begin_step(intent.clone(), at))?;
        let shield = self.host.shield();
        let done = work(self);
        drop(shield);
        match done {
            Ok(StepOutcome { wrote, undo }) => {
                let outcome = JournalOutcome::Done { wrote, undo };
                self.journal.update(&mut |context, at| context.end_step(seq, outcome.clone(), at))?;
                Ok(Effect::Changed)
            }
            Err(error) => {
                // The failure of the step is what the operator must hear of, even if it cannot be written down: the
                // intent stays and says that the end is not known.
                let _ =
                    self.journal.update(&mut |context, at| context.end_step(seq, JournalOutcome::Failed, at));
                Err(error)
            }
        }
    }

    /// Writes down that the step `seq` of the record is undone, does so, and writes down what became of it.
    ///
    /// # Errors
    /// What `work` failed with, or that the record could not be written.
    pub fn undo(
        &mut self,
        seq: u32,
        work: impl FnOnce(&mut Self) -> Result<(), StepError>,
    ) -> Result<(), StepError> {
        self.journal.update(&mut |context, at| context.begin_undo(seq, at))?;
        let shield = self.host.shield();
        let undone = work(self);
        drop(shield);
        let state = if undone.is_ok() { StepState::Done } else { StepState::Failed };
        let written = self.journal.update(&mut |context, at| context.end_undo(seq, state, at));
        // The failure itself is what the operator must hear of first.
        undone?;
        Ok(written?)
    }

    /// Looks until it is ready or `timeout` has passed. The last look is after the time has passed; what it gave is
    /// returned, so that the caller decides whether being late is a failure. The loop ends at once when asked to stop.
    ///
    /// # Errors
    /// [`StepError::Stopped`], or what a look failed with.
    pub fn wait_until<T, W: Display>(
        &mut self,
        timeout: Duration,
        mut look: impl FnMut(&mut Self) -> Result<Look<T, W>, StepError>,
    ) -> Result<Look<T, W>, StepError> {
        let begun = Instant::now();
        let mut told = String::new();
        loop {
            let late = begun.elapsed() >= timeout;
            let looked = look(self);
            // A look that was ended by the request to stop says nothing about the condition.
            if !matches!(looked, Ok(Look::Ready(_))) {
                self.safe_point()?;
            }
            let missing = match looked? {
                Look::NotYet(missing) if !late => missing.to_string(),
                found => return Ok(found),
            };
            if told != missing {
                self.report(StepEvent::Waiting(&missing));
                told = missing;
            }
            self.pause(self.timing.poll)?;
        }
    }

    /// Waits in short pieces, so that a request to stop is obeyed at once.
    pub(super) fn pause(&self, wait: Duration) -> Result<(), StepError> {
        const PIECE: Duration = Duration::from_millis(100);
        let begun = Instant::now();
        while let Some(left) = wait.checked_sub(begun.elapsed()) {
            self.safe_point()?;
            std::thread::sleep(left.min(PIECE));
        }
        self.safe_point()
    }

    /// Waits until the condition of `check` holds.
    ///
    /// # Errors
    /// It does not in time, or the executor was asked to stop.
    pub fn wait_for(&mut self, check: &Check) -> Result<(), StepError> {
        let begun = Instant::now();
        let look = |this: &mut Self| {
            Ok(match check.condition.observe(this.host) {
                Ok(()) => Look::Ready(()),
                Err(unmet) if unmet.is_final() => return Err(StepError::Unmet(Box::new(unmet))),
                Err(unmet) if begun.elapsed() >= this.timing.hopeless => {
                    match StartCause::hopeless(this.host, &check.condition, this.started.as_ref()) {
                        Some(cause) => return Err(not_in_time(begun.elapsed(), check, unmet, Some(cause))),
                        None => Look::NotYet(unmet),
                    }
                }
                Err(unmet) => Look::NotYet(unmet),
            })
        };
        match self.wait_until(check.timeout, look)? {
            Look::Ready(()) => Ok(()),
            Look::NotYet(missing) => {
                let cause = StartCause::of(self.host, &check.condition, self.started.as_ref());
                Err(not_in_time(check.timeout, check, missing, cause))
            }
        }
    }
}

fn not_in_time(waited: Duration, check: &Check, missing: Unmet, cause: Option<StartCause>) -> StepError {
    let hint = cause.as_ref().map(|cause| cause.hint().to_owned()).or_else(|| check.condition.hint());
    let (seconds, missing) = (waited.as_secs(), Box::new(missing));
    StepError::NotInTime { seconds, missing, cause: cause.map(Box::new), hint }
}
