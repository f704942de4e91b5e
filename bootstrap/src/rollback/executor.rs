//! Carrying the plan of a rollback out: each undo is written down before and after it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use manifest::{ManifestError, PrivateContext, StepRecord, StepState, Undo};
use schema::{Component, UtcSeconds};

use super::error::UndoError;
use super::item::{ItemState, RollbackItem, RollbackPlan};
use super::live_state::{LiveState, PendingRemoval, names};
use super::observe::observe;
use super::plan::{is_definition, judge_now};
use super::undo::Undoer;
use crate::host::Host;

/// Where the journal is kept.
pub trait Journal {
    /// The current time.
    fn now(&self) -> UtcSeconds;

    /// Puts `context` on the disk. It returns only when it is there.
    fn store(&mut self, context: &PrivateContext) -> Result<(), ManifestError>;
}

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
    /// The host was not as planned any more: the operator has to look at it, for this reason.
    Manual(String),
    /// It failed; the text has the last lines of the command's output.
    Failed(String),
    /// Something that was built on it could not be undone, or it was not reached.
    Left(&'static str),
}

/// A rollback at work.
pub struct RollbackExecutor<'a> {
    host: &'a Host,
    context: &'a mut PrivateContext,
    journal: &'a mut dyn Journal,
    report: &'a mut dyn FnMut(RollbackEvent<'_>),
    stop: &'a dyn Fn() -> bool,
    patience: Duration,
    poll: Duration,
    failed: BTreeSet<Component>,
    in_use: BTreeMap<Component, Option<String>>,
}

impl<'a> RollbackExecutor<'a> {
    /// Works on `host` from the record `context`. `stop` says whether to stop before the next item.
    pub fn new(
        host: &'a Host,
        context: &'a mut PrivateContext,
        journal: &'a mut dyn Journal,
        report: &'a mut dyn FnMut(RollbackEvent<'_>),
        stop: &'a dyn Fn() -> bool,
    ) -> Self {
        let (patience, poll) = (Duration::from_mins(2), Duration::from_secs(2));
        let (failed, in_use) = (BTreeSet::new(), BTreeMap::new());
        Self { host, context, journal, report, stop, patience, poll, failed, in_use }
    }

    /// Waits this long for something to go away, and looks this often.
    pub fn with_timeouts(mut self, patience: Duration, poll: Duration) -> Self {
        (self.patience, self.poll) = (patience, poll);
        self
    }

    /// Undoes every item of `plan` that is ready, and says what became of each, by the number of its step. After a
    /// failure, the component's own earlier steps are left: what failed may stand on them.
    pub fn all(mut self, plan: &RollbackPlan) -> BTreeMap<u32, UndoResult> {
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
            return UndoResult::Left("the rollback was stopped before it");
        }
        if self.failed.contains(&item.component) {
            return UndoResult::Left("what was built on it could not be undone");
        }
        (self.report)(RollbackEvent::Started(item));
        match self.undo(plan, item) {
            Ok(result) => result,
            Err(UndoError::Stopped) => {
                self.failed.insert(item.component);
                UndoResult::Left("the rollback was stopped while it waited")
            }
            Err(error) => {
                self.failed.insert(item.component);
                let message = [error.to_string()].into_iter();
                let tail = error.tail().iter().map(|line| format!("  | {line}"));
                UndoResult::Failed(message.chain(tail).collect::<Vec<_>>().join("\n"))
            }
        }
    }

    fn undo(&mut self, plan: &RollbackPlan, item: &RollbackItem) -> Result<UndoResult, UndoError> {
        if let Some(reason) = self.component_in_use(plan, item.component)? {
            return Ok(UndoResult::Manual(reason));
        }
        let Some(step) = self.step(item.step) else {
            return Err(UndoError::State("the record does not have this step".to_owned()));
        };
        let live_state = self.settled(&step)?;
        match judge_now(self.context, &step, &live_state) {
            (ItemState::Ready, _) => {}
            (ItemState::Gone | ItemState::Undone, _) => return Ok(UndoResult::Gone),
            (_, reason) => return Ok(UndoResult::Manual(reason)),
        }
        self.context.begin_undo(step.seq, self.journal.now());
        self.journal.store(self.context)?;
        if matches!(step.undo, Undo::HelmRelease { .. }) {
            (self.report)(RollbackEvent::Waiting("helm and the objects of the release, up to ten minutes"));
        }
        let undone = self.undoing().undo(self.context, &step, &live_state);
        let state = if undone.is_ok() { StepState::Done } else { StepState::Failed };
        self.context.end_undo(step.seq, state, self.journal.now());
        // The failure itself is what the operator must hear of first.
        let stored = self.journal.store(self.context);
        undone?;
        stored?;
        Ok(UndoResult::Undone)
    }

    /// Before the first part of a component goes: whether somebody uses what it defines. Removing the rest and leaving
    /// the definitions would break what they have.
    fn component_in_use(
        &mut self,
        plan: &RollbackPlan,
        component: Component,
    ) -> Result<Option<String>, UndoError> {
        if let Some(known) = self.in_use.get(&component) {
            return Ok(known.clone());
        }
        let ready = plan.in_state(ItemState::Ready).filter(|item| item.component == component);
        let steps: Vec<StepRecord> = ready.filter_map(|item| self.step(item.step)).collect();
        let mut found = None;
        for step in steps.iter().filter(|step| is_definition(step)) {
            if let LiveState::InUse(dependents) = self.settled(step)? {
                found = Some(format!("it is used by {}", names(&dependents.iter().collect::<Vec<_>>())));
                break;
            }
        }
        self.in_use.insert(component, found.clone());
        Ok(found)
    }

    /// Looks at what `step` left. What is leaving it gets some time to leave.
    fn settled(&mut self, step: &StepRecord) -> Result<LiveState, UndoError> {
        let begun = Instant::now();
        let mut told = String::new();
        loop {
            let live_state = observe(self.host, self.context, step);
            let waited_for = match &live_state {
                LiveState::InUse(dependents) => names(&PendingRemoval::default().remaining(dependents)),
                _ => return Ok(live_state),
            };
            // A folder does not empty itself.
            let is_cluster = super::observe::is_in_cluster(&step.undo);
            if !is_cluster || begun.elapsed() >= self.patience {
                return Ok(live_state);
            }
            if told != waited_for {
                (self.report)(RollbackEvent::Waiting(&waited_for));
                told = waited_for;
            }
            self.undoing().pause()?;
        }
    }

    fn undoing(&self) -> Undoer<'_> {
        Undoer { host: self.host, stop: self.stop, patience: self.patience, poll: self.poll }
    }

    fn step(&self, seq: u32) -> Option<StepRecord> {
        self.context.steps.iter().find(|step| step.seq == seq).cloned()
    }
}
