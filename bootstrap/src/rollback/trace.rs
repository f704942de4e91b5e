//! What a run has left of a component, as its record and the rollbacks in it tell. Nothing is looked at.
//!
//! A rollback does not undo every step: commands leave nothing to undo, and packages and directories with data stay. So a
//! component counts as undone when something of it was, and nothing by which it works is left.

use manifest::{PrivateContext, StepRecord, StepState, Undo};
use schema::{Component, UtcSeconds};

use super::needs;

/// What a run has left of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunTrace {
    /// Something by which the component works, and that no rollback has undone.
    Kept,
    /// Something that it made and by which the component does not work alone: it may have added that to what was there.
    Added,
    /// Nothing by which the component works; the last undo ended at this time.
    Undone(UtcSeconds),
    /// It made nothing of its own: it found the component there, changed what was there, or did not come to it.
    Nothing,
}

/// What the run of `context` has left of `component`.
pub fn run_trace(context: &PrivateContext, component: Component) -> RunTrace {
    let steps = || context.steps.iter().filter(|step| step.component == component);
    let is_kept = |step: &&StepRecord| {
        step.state == StepState::Done && context.undo_state(step.seq) != Some(StepState::Done)
    };
    let undone = context.rollbacks.iter().filter(|undo| undo.state == StepState::Done);
    let undone = undone.filter(|undo| steps().any(|step| step.seq == undo.step));
    match undone.filter_map(|undo| undo.ended_at).max() {
        _ if steps().filter(is_kept).any(|step| carries(&step.undo)) => RunTrace::Kept,
        Some(at) => RunTrace::Undone(at),
        None if steps().filter(is_kept).any(|step| makes(&step.undo)) => RunTrace::Added,
        None => RunTrace::Nothing,
    }
}

/// Whether a component works by what the step made.
fn carries(undo: &Undo) -> bool {
    needs::works(undo) || matches!(undo, Undo::ServiceUnit { .. })
}

/// Whether the step made something that is the component's alone.
fn makes(undo: &Undo) -> bool {
    !matches!(undo, Undo::None | Undo::Package { .. } | Undo::Service { .. })
}
