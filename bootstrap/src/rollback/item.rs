//! What a rollback means to do with each step.

use std::fmt::Display;

use manifest::{PreviousFile, PriorState, StepRecord, Undo};
use schema::{Component, Execution, Id, Mode};
use serde::{Serialize, Serializer};

use super::live_state::Divergence;
use crate::component::{Remainder, RollbackClass, spec_of};
use crate::host::ProbeError;

/// What a rollback means to do, in the order in which it does it.
#[derive(Debug, Serialize)]
pub struct RollbackPlan {
    /// The run that is rolled back.
    pub run_id: Id,
    /// What that run made of the host.
    pub mode: Mode,
    /// Whether that run changed anything at all.
    pub execution: Execution,
    /// An item for each step that there is something to say of, the last step first.
    pub items: Vec<RollbackItem>,
}

/// What a rollback means to do with one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RollbackItem {
    /// Number of the step in the private context.
    pub step: u32,
    /// The component that the step was for.
    pub component: Component,
    /// Whether it is undone, and when.
    pub class: RollbackClass,
    /// Whether it is undone now.
    pub state: ItemState,
    /// What exactly changes.
    pub change: String,
    /// Why that is safe, or why nothing is done.
    #[serde(serialize_with = "as_text")]
    pub reason: Reason,
    /// The data that is lost for good when it is undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletes: Option<String>,
    /// What stays on the host or in the cluster when it is undone.
    #[serde(skip_serializing_if = "<[Remainder]>::is_empty")]
    pub remains: &'static [Remainder],
    /// The command with which the operator can inspect it.
    pub inspect: String,
}

/// Whether an item is undone now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// The host is as the run left it: the item is undone.
    Ready,
    /// As [`ItemState::Ready`], but its class is not included.
    Excluded,
    /// There is nothing to undo: it is not there, or as it was before the run.
    Gone,
    /// An earlier rollback undid it. What is there now is not the run's.
    Undone,
    /// The operator has to inspect it.
    Manual,
}

impl RollbackPlan {
    /// The items in this state.
    pub fn in_state(&self, state: ItemState) -> impl Iterator<Item = &RollbackItem> {
        self.items.iter().filter(move |item| item.state == state)
    }
}

/// Why an item is in its state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Undoing it is safe.
    #[error("{0}")]
    Safe(&'static str),
    /// An earlier rollback began with it and did not end; what is there is finished.
    #[error("a rollback was interrupted while it undid this")]
    Resumed,
    /// Components that stay do not work without it.
    #[error("{} {} it", words(.0), if .0.len() == 1 { "depends on" } else { "depend on" })]
    NeededBy(Vec<Component>),
    /// There is nothing to undo.
    #[error("it is as it was before the run")]
    AsBefore,
    /// It is undone already.
    #[error("an earlier rollback undid it")]
    AlreadyUndone,
    /// It is left to the operator.
    #[error(transparent)]
    Left(#[from] Leftover),
}

impl Reason {
    /// Whether root could have told more.
    pub fn needs_root(&self) -> bool {
        matches!(self, Self::Left(Leftover::Unknown(ProbeError::NeedsRoot { .. })))
    }
}

/// Why something is left to the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Leftover {
    /// It could not be looked at.
    #[error("state unknown: {0}")]
    Unknown(#[from] ProbeError),
    /// It was not looked at.
    #[error("state unknown: not inspected")]
    NotObserved,
    /// It is not as the run left it.
    #[error("{0}")]
    Changed(#[from] Divergence),
    /// Others are in it or need it.
    #[error("{} {by}", relation.as_str())]
    InUse {
        /// How they hang on it.
        relation: Relation,
        /// The first few of them.
        by: String,
    },
    /// Others need a part of the same component, which does not work without the rest.
    #[error("{part}: {} {by}", relation.as_str())]
    PartInUse {
        /// The part.
        part: String,
        /// How they hang on it.
        relation: Relation,
        /// The first few of them.
        by: String,
    },
    /// The program never undoes it.
    #[error("{0}")]
    ByHand(String),
    /// The record does not tell enough.
    #[error("{0}")]
    RecordTooVague(&'static str),
}

/// How something hangs on what a step made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is in it.
    Content,
    /// It is data that would be lost.
    Data,
    /// It needs it.
    User,
}

impl Relation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Content => "it holds",
            Self::Data => "its volumes would be destroyed:",
            Self::User => "it is used by",
        }
    }
}

/// The class of the undo of `step`; `None` if there is nothing to say of the step. The table is that of the design page
/// `BOOTSTRAP.md`, Rollback.
pub(super) fn class_of(step: &StepRecord) -> Option<RollbackClass> {
    match &step.undo {
        // A command that changes nothing worth undoing by itself.
        Undo::None if step.before == PriorState::Unknown => None,
        // What the unit of a service was before the run can be put back; a service that was not there is its component's.
        Undo::ServiceUnit { unit, .. } if *unit != PreviousFile::Absent => Some(RollbackClass::Moderate),
        Undo::None | Undo::Package { .. } | Undo::Service { .. } => Some(RollbackClass::Manual),
        Undo::DefaultStorageClass { .. } => Some(RollbackClass::Moderate),
        _ => Some(spec_of(step.component).class_of(step)),
    }
}

fn words(components: &[Component]) -> String {
    components.iter().map(|component| component.as_str()).collect::<Vec<_>>().join(", ")
}

fn as_text<S: Serializer>(reason: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(reason)
}
