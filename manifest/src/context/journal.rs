//! The journal: what a run and its rollbacks were about to do, and the outcome.
//!
//! Each step is written down before it happens and again after it, as in a write-ahead log. A crash between the two
//! leaves an intent without an end. That is the truth: the step may have happened or not, so rollback checks.

use std::fmt;

use schema::{Component, UtcSeconds};
use serde::{Deserialize, Serialize};

use super::undo::Undo;

/// How far a step or its undoing got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It was about to happen. After a crash it may have happened or not.
    Intent,
    /// It happened.
    Done,
    /// It was tried and failed; part of it may have happened.
    Failed,
}

/// What a step found in its place.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case", deny_unknown_fields)]
pub enum PriorState {
    /// Nothing.
    Absent,
    /// Something.
    Present {
        /// What it was, such as a version, in words of the component.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        what: Option<String>,
    },
    /// It could not be determined. That is not the same as nothing.
    Unknown,
}

/// A step that is about to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The component that it is for.
    pub component: Component,
    /// What it does, in words of the component and without secrets.
    pub action: String,
    /// What it found.
    pub before: PriorState,
    /// How to undo it, as far as known beforehand.
    pub undo: Undo,
}

/// The outcome of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalOutcome {
    /// It happened.
    Done {
        /// What was written and where, in words of the component and without secrets.
        wrote: Option<String>,
        /// How to undo it, now that all is known; `None` leaves what the intent said.
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
    /// What it does, in words of the component.
    pub action: String,
    /// How far it got.
    pub state: StepState,
    /// When it was begun.
    pub at: UtcSeconds,
    /// When it ended; absent while it runs, and permanently after a crash in its middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UtcSeconds>,
    /// What it found.
    pub before: PriorState,
    /// What was written and where, in words of the component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote: Option<String>,
    /// How to undo it.
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
    /// When it ended; absent while it runs, and permanently after a crash in its middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UtcSeconds>,
}

impl fmt::Debug for StepRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut form = f.debug_struct("StepRecord");
        form.field("seq", &self.seq).field("component", &self.component).field("state", &self.state);
        form.finish_non_exhaustive()
    }
}

impl fmt::Debug for PriorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PriorState(withheld)")
    }
}
