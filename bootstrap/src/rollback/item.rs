//! What a rollback means to do with each step.

use schema::{Component, Execution, Id, Mode};
use serde::Serialize;

use crate::component::RollbackClass;

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
    pub reason: String,
    /// The command with which the operator can look at it.
    pub look: String,
}

/// Whether an item is undone now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// The host is as the run left it: the item is undone.
    Ready,
    /// As [`ItemState::Ready`], but its class is not included.
    LeftOut,
    /// There is nothing to undo: it is not there, or as it was before the run.
    Gone,
    /// An earlier rollback undid it. What is there now is not the run's.
    Undone,
    /// The operator has to look at it.
    Manual,
}

impl RollbackPlan {
    /// The items in this state.
    pub fn in_state(&self, state: ItemState) -> impl Iterator<Item = &RollbackItem> {
        self.items.iter().filter(move |item| item.state == state)
    }
}
