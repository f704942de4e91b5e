//! The journal: what a run and its rollbacks were about to do, and what became of it.

use std::fmt;

use schema::{Component, UtcSeconds};
use serde::{Deserialize, Serialize};

use super::{PrivateContext, Undo};

/// How far a step or its undoing got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It was about to happen. After a crash nobody knows whether it did.
    Intent,
    /// It happened.
    Done,
    /// It was tried and failed; part of it may have happened.
    Failed,
}

/// What a step found in its place.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case", deny_unknown_fields)]
pub enum Before {
    /// Nothing.
    Absent,
    /// Something.
    Present {
        /// What it was, such as a version, in words of the recipe.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        what: Option<String>,
    },
    /// It could not be told. That is not the same as nothing.
    Unknown,
}

/// A step that is about to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The component that it is for.
    pub component: Component,
    /// What it does, in words of the recipe and without secrets.
    pub action: String,
    /// What it found.
    pub before: Before,
    /// How to take it back, as far as known beforehand.
    pub undo: Undo,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It happened.
    Done {
        /// What was written and where, in words of the recipe and without secrets.
        wrote: Option<String>,
        /// How to take it back, now that all is known; `None` leaves what the intent said.
        undo: Option<Undo>,
    },
    /// It failed, and part of it may have happened.
    Failed,
}

/// A step in the journal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepRecord {
    /// Its number, from 1 and without gaps.
    pub seq: u32,
    /// The component that it is for.
    pub component: Component,
    /// What it does, in words of the recipe.
    pub action: String,
    /// How far it got.
    pub state: StepState,
    /// When it was begun.
    pub at: UtcSeconds,
    /// When it ended; absent while it goes on, and for ever after a crash in its middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UtcSeconds>,
    /// What it found.
    pub before: Before,
    /// What was written and where, in words of the recipe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote: Option<String>,
    /// How to take it back.
    pub undo: Undo,
}

/// One attempt to undo one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackRecord {
    /// The step.
    pub step: u32,
    /// How far its undoing got.
    pub state: StepState,
    /// When it was begun.
    pub at: UtcSeconds,
    /// When it ended; absent while it goes on, and for ever after a crash in its middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UtcSeconds>,
}

impl PrivateContext {
    /// Writes down that a step is about to happen and returns its number. The caller stores the context before it acts.
    pub fn begin_step(&mut self, intent: Intent, at: UtcSeconds) -> u32 {
        let Intent { component, action, before, undo } = intent;
        let seq = number(self.steps.len() + 1);
        let state = StepState::Intent;
        self.steps.push(StepRecord {
            seq,
            component,
            action,
            state,
            at,
            ended_at: None,
            before,
            wrote: None,
            undo,
        });
        seq
    }

    /// Writes down what became of the step `seq`. A number that was never begun is left alone.
    pub fn end_step(&mut self, seq: u32, outcome: Outcome, at: UtcSeconds) {
        let Some(step) = self.steps.iter_mut().find(|step| step.seq == seq) else { return };
        step.ended_at = Some(at);
        match outcome {
            Outcome::Failed => step.state = StepState::Failed,
            Outcome::Done { wrote, undo } => {
                step.state = StepState::Done;
                step.wrote = wrote;
                if let Some(undo) = undo {
                    step.undo = undo;
                }
            }
        }
    }

    /// Writes down that the step `seq` is about to be undone. The caller stores the context before it acts.
    pub fn begin_undo(&mut self, seq: u32, at: UtcSeconds) {
        self.rollbacks.push(RollbackRecord { step: seq, state: StepState::Intent, at, ended_at: None });
    }

    /// Writes down what became of the last attempt to undo the step `seq`.
    pub fn end_undo(&mut self, seq: u32, state: StepState, at: UtcSeconds) {
        if let Some(record) = self.rollbacks.iter_mut().rev().find(|record| record.step == seq) {
            record.state = state;
            record.ended_at = Some(at);
        }
    }

    /// How far the last attempt to undo the step `seq` got; `None` if there was none.
    pub fn undo_state(&self, seq: u32) -> Option<StepState> {
        self.rollbacks.iter().rev().find(|record| record.step == seq).map(|record| record.state)
    }

    /// The numbers must be what this program writes: rollback relies on their order and finds steps by them.
    pub(super) fn check_journal(&self) -> Result<(), ()> {
        let in_order = self.steps.iter().zip(1..).all(|(step, seq): (_, u32)| step.seq == seq);
        let known = self.rollbacks.iter().all(|record| (1..=number(self.steps.len())).contains(&record.step));
        if in_order && known { Ok(()) } else { Err(()) }
    }
}

/// The size limit of the file keeps it far from the end of the range.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl fmt::Debug for StepRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut form = f.debug_struct("StepRecord");
        form.field("seq", &self.seq).field("component", &self.component).field("state", &self.state);
        form.finish_non_exhaustive()
    }
}

impl fmt::Debug for Before {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Before(withheld)")
    }
}
