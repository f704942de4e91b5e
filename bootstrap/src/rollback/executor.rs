//! Carrying the plan of a rollback out: each item is looked at again right before it is undone, and is left to the
//! operator if it is not as planned any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use manifest::{ManifestError, StepRecord, Undo};
use schema::Component;

use super::item::{ItemState, Leftover, Reason, RollbackItem, RollbackPlan};
use super::live_state::LiveState;
use super::observe::{is_in_cluster, observe};
use super::plan::{is_definition, judge_now};
use super::{message, needs, undo};
use crate::component::{Dependent, PendingRemoval, names, spec_of};
use crate::host::{Host, ProbeError};
use crate::step::{Executor, Journal, Look, StepError, StepEvent, Timing};

/// Something to show while a rollback is carried out.
#[derive(Clone, Copy, Debug)]
pub enum RollbackEvent<'a> {
    /// An item is about to be undone.
    Started(&'a RollbackItem),
    /// It waits for this to leave.
    Waiting(&'a str),
    /// The item is dealt with.
    Done(&'a RollbackItem, &'a UndoResult),
}

/// What became of an item that was to be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoResult {
    /// It was undone, and that was seen.
    Undone,
    /// There was nothing to undo any more.
    Gone,
    /// The host was not as planned any more: the operator has to inspect it.
    Manual(Leftover),
    /// It failed.
    Failed {
        /// What went wrong.
        message: String,
        /// Last lines of the output of the command that failed.
        tail: Vec<String>,
    },
    /// It was not tried.
    Left(Untried),
}

/// Why an item was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untried {
    /// The rollback was asked to stop.
    #[error("the rollback stopped before this item")]
    StoppedBefore,
    /// The rollback was asked to stop.
    #[error("the rollback stopped while it waited")]
    StoppedWaiting,
    /// A component that does not work without it could not be undone.
    #[error("what needs it could not be undone")]
    Needed,
    /// A later step of the same component failed; what failed may stand on this one.
    #[error("what was built on it could not be undone")]
    BuiltOn,
}

/// What became of the items of a plan, by step; empty where nothing was carried out.
pub type UndoResults = BTreeMap<u32, UndoResult>;

/// A rollback at work.
pub struct RollbackExecutor<'a> {
    host: &'a Host,
    journal: &'a mut dyn Journal,
    report: &'a mut dyn FnMut(RollbackEvent<'_>),
    stop: &'a dyn Fn() -> bool,
    timing: Timing,
    failed: BTreeSet<Component>,
    /// Components of which something stays that is at work.
    staying: BTreeSet<Component>,
    in_use: BTreeMap<Component, Option<Leftover>>,
}

impl<'a> RollbackExecutor<'a> {
    /// Works on `host` from the record of `journal`. `stop` says whether to stop before the next item.
    pub fn new(
        host: &'a Host,
        journal: &'a mut dyn Journal,
        report: &'a mut dyn FnMut(RollbackEvent<'_>),
        stop: &'a dyn Fn() -> bool,
    ) -> Self {
        let (failed, staying, in_use) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        Self { host, journal, report, stop, timing: Timing::default(), failed, staying, in_use }
    }

    /// Waits with another patience than a real host needs.
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Undoes every item of `plan` that is ready, and says what became of each, by the number of its step. After a
    /// failure, the component's own earlier steps are left: what failed may stand on them.
    pub fn all(mut self, plan: &RollbackPlan) -> UndoResults {
        // Where it cannot be written down, the next rollback finds the same.
        let _ = note_gone(self.journal, plan);
        let mut results = BTreeMap::new();
        for item in plan.in_state(ItemState::Ready) {
            let result = self.item(plan, item);
            (self.report)(RollbackEvent::Done(item, &result));
            results.insert(item.step, result);
        }
        results
    }

    fn item(&mut self, plan: &RollbackPlan, item: &RollbackItem) -> UndoResult {
        if (self.stop)() {
            return UndoResult::Left(Untried::StoppedBefore);
        }
        if self.failed.contains(&item.component) {
            return UndoResult::Left(Untried::BuiltOn);
        }
        if self.staying.iter().any(|component| spec_of(*component).requires().contains(&item.component)) {
            // What this one needs is needed as well, then.
            self.staying.insert(item.component);
            return UndoResult::Left(Untried::Needed);
        }
        (self.report)(RollbackEvent::Started(item));
        match self.undo(plan, item) {
            Ok(result) => {
                let works = self.step(item.step).is_some_and(|step| needs::works(&step.undo));
                if works && matches!(result, UndoResult::Manual(_)) {
                    self.staying.insert(item.component);
                }
                result
            }
            Err(error) => {
                self.failed.insert(item.component);
                self.staying.insert(item.component);
                match error {
                    StepError::Stopped => UndoResult::Left(Untried::StoppedWaiting),
                    error => UndoResult::Failed { message: error.to_string(), tail: error.tail().to_vec() },
                }
            }
        }
    }

    fn undo(&mut self, plan: &RollbackPlan, item: &RollbackItem) -> Result<UndoResult, StepError> {
        if let Some(leftover) = self.component_in_use(plan, item.component)? {
            return Ok(UndoResult::Manual(leftover));
        }
        let Some(step) = self.step(item.step) else {
            let vague = Leftover::RecordTooVague("the record does not have this step");
            return Ok(UndoResult::Manual(vague));
        };
        let live_state = self.settled(&step)?;
        // What was seen while it was asked to stop may have been cut off.
        if (self.stop)() {
            return Ok(UndoResult::Left(Untried::StoppedBefore));
        }
        match judge_now(self.journal.context(), &step, &live_state) {
            (ItemState::Ready, _) => {}
            (_, Reason::Left(leftover)) => return Ok(UndoResult::Manual(leftover)),
            _ => {
                // Where it cannot be written down, the next rollback finds the same.
                let _ = note_steps_gone(self.journal, &[step.seq]);
                return Ok(UndoResult::Gone);
            }
        }
        if matches!(step.undo, Undo::HelmRelease { .. }) {
            (self.report)(RollbackEvent::Waiting("helm and the objects of the release, up to ten minutes"));
        }
        self.with_executor(|executor| {
            executor.undo(step.seq, |executor| {
                for undoing in undo::steps(executor.host(), &step, &live_state)? {
                    executor.perform(step.component, &undoing)?;
                }
                until_gone(executor, &step)
            })
        })?;
        Ok(UndoResult::Undone)
    }

    /// Before the first part of a component goes: whether somebody uses what it defines. Removing the rest and leaving
    /// the definitions would break what they have.
    fn component_in_use(
        &mut self,
        plan: &RollbackPlan,
        component: Component,
    ) -> Result<Option<Leftover>, StepError> {
        if let Some(known) = self.in_use.get(&component) {
            return Ok(known.clone());
        }
        let ready = plan.in_state(ItemState::Ready).filter(|item| item.component == component);
        let steps: Vec<StepRecord> = ready.filter_map(|item| self.step(item.step)).collect();
        let mut found = None;
        for step in steps.iter().filter(|step| is_definition(step)) {
            if let LiveState::InUse(dependents) = self.settled(step)? {
                let by = names(&dependents.iter().collect::<Vec<_>>());
                found = Some(Leftover::InUse { relation: message::relation(step), by });
                break;
            }
        }
        self.in_use.insert(component, found.clone());
        Ok(found)
    }

    /// Looks at what `step` left. What is leaving it gets some time to leave.
    fn settled(&mut self, step: &StepRecord) -> Result<LiveState, StepError> {
        self.with_executor(|executor| {
            // A directory does not empty itself.
            let patience =
                if is_in_cluster(&step.undo) { executor.removal_timeout() } else { Duration::ZERO };
            let look = |executor: &mut Executor<'_>| {
                Ok(match observe(executor.host(), executor.journal().context(), step) {
                    LiveState::InUse(dependents) => Look::NotYet(Users(dependents)),
                    live_state => Look::Ready(live_state),
                })
            };
            Ok(match executor.wait_until(patience, look)? {
                Look::Ready(live_state) => live_state,
                Look::NotYet(Users(dependents)) => LiveState::InUse(dependents),
            })
        })
    }

    /// The executor of steps, with what it waits for told as an event of the rollback.
    fn with_executor<T>(&mut self, work: impl FnOnce(&mut Executor<'_>) -> T) -> T {
        let report = &mut self.report;
        let mut forward = |event: StepEvent<'_>| {
            if let StepEvent::Waiting(what) = event {
                report(RollbackEvent::Waiting(what));
            }
        };
        let executor = Executor::new(self.host, self.journal, &mut forward, self.stop);
        work(&mut executor.with_timing(self.timing))
    }

    fn step(&self, seq: u32) -> Option<StepRecord> {
        self.journal.context().steps.iter().find(|step| step.seq == seq).cloned()
    }
}

/// Writes down what was gone when the plan was made. Otherwise it would count as there for as long as the record is kept.
/// What took the place of something else is left out: a later run may have put that back, and the rollback of that run
/// would bring back what this one did.
///
/// # Errors
/// The record cannot be written.
pub fn note_gone(journal: &mut dyn Journal, plan: &RollbackPlan) -> Result<(), ManifestError> {
    let gone: Vec<u32> = plan.in_state(ItemState::Gone).map(|item| item.step).collect();
    note_steps_gone(journal, &gone)
}

fn note_steps_gone(journal: &mut dyn Journal, gone: &[u32]) -> Result<(), ManifestError> {
    let steps = journal.context().steps.iter();
    let for_good = steps.filter(|step| gone.contains(&step.seq) && !undo::restores(&step.undo));
    let for_good: Vec<u32> = for_good.map(|step| step.seq).collect();
    if for_good.is_empty() {
        return Ok(());
    }
    journal.update(&mut |context, at| for_good.iter().for_each(|step| context.note_gone(*step, at)))
}

/// Waits until what was deleted is no longer found. Another object of the same name is not what was deleted.
fn until_gone(executor: &mut Executor<'_>, step: &StepRecord) -> Result<(), StepError> {
    let timeout = executor.removal_timeout();
    let look = |executor: &mut Executor<'_>| {
        Ok(match observe(executor.host(), executor.journal().context(), step) {
            LiveState::Absent | LiveState::Changed(_) => Look::Ready(()),
            LiveState::Unknown(error) => Look::NotYet(Remains::Unknown(error)),
            LiveState::Unchanged | LiveState::InUse(_) => {
                Look::NotYet(Remains::There(message::subject(step)))
            }
        })
    };
    match executor.wait_until(timeout, look)? {
        Look::Ready(()) => Ok(()),
        Look::NotYet(Remains::Unknown(error)) => Err(error.into()),
        Look::NotYet(Remains::There(what)) => Err(StepError::Stays { what, seconds: timeout.as_secs() }),
    }
}

/// What is in something that is about to be undone.
struct Users(Vec<Dependent>);

impl fmt::Display for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&names(&PendingRemoval::default().remaining(&self.0)))
    }
}

/// Why it is not certain yet that something that was deleted is gone.
enum Remains {
    There(String),
    Unknown(ProbeError),
}

impl fmt::Display for Remains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::There(what) => f.write_str(what),
            Self::Unknown(error) => error.fmt(f),
        }
    }
}
