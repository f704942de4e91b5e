//! The plan of a rollback, from the record of the run and what is found on the host. Nothing is looked at here.

use std::collections::BTreeMap;

use manifest::{Before, PrivateContext, StepRecord, StepState, Undo};
use schema::{Component, Execution};

use super::class::{Include, class_of};
use super::item::{ItemState, RollbackItem, RollbackPlan};
use super::live_state::{Identity, LiveState, PendingRemoval, names};
use super::{LiveStates, words};
use crate::component::RollbackClass;

/// Plans the rollback of `context`, given what was found in the place of each of its steps. A step without a live state is
/// one that cannot be told. A dry run did nothing, so there is nothing to undo.
pub fn plan(context: &PrivateContext, live_states: &LiveStates, include: Option<Include>) -> RollbackPlan {
    let mut planner =
        Planner { context, include, pending: PendingRemoval::default(), in_use: BTreeMap::new() };
    let mut items: Vec<RollbackItem> = match context.execution {
        Execution::DryRun => Vec::new(),
        Execution::Apply => context
            .steps
            .iter()
            .rev()
            .filter_map(|step| planner.item(step, live_states.get(&step.seq)))
            .collect(),
    };
    for item in items.iter_mut().filter(|item| matches!(item.state, ItemState::Ready | ItemState::LeftOut)) {
        if let Some(reason) = planner.in_use.get(&item.component) {
            (item.state, item.reason) = (ItemState::Manual, reason.clone());
        }
    }
    RollbackPlan { run_id: context.run_id.clone(), mode: context.mode, execution: context.execution, items }
}

/// Judges one step by what is found of it now, when everything that was to leave before it has left.
pub(super) fn judge_now(
    context: &PrivateContext,
    step: &StepRecord,
    live_state: &LiveState,
) -> (ItemState, String) {
    let (include, pending) = (Some(Include::Moderate), PendingRemoval::default());
    let mut planner = Planner { context, include, pending, in_use: BTreeMap::new() };
    class_of(step)
        .map_or_else(|| (ItemState::Gone, String::new()), |class| planner.judge(step, class, live_state))
}

struct Planner<'a> {
    context: &'a PrivateContext,
    include: Option<Include>,
    pending: PendingRemoval,
    /// Components that others use: none of their parts may go, or the rest would not work any more.
    in_use: BTreeMap<Component, String>,
}

impl Planner<'_> {
    fn item(&mut self, step: &StepRecord, live_state: Option<&LiveState>) -> Option<RollbackItem> {
        let class = class_of(step)?;
        let unknown = LiveState::Unknown("it was not looked at".to_owned());
        let (state, reason) = self.judge(step, class, live_state.unwrap_or(&unknown));
        if state == ItemState::Ready {
            self.pending.add(identities(step));
        }
        Some(RollbackItem {
            step: step.seq,
            component: step.component,
            class,
            state,
            change: words::change(step),
            reason,
            look: words::look(step),
        })
    }

    fn judge(
        &mut self,
        step: &StepRecord,
        class: RollbackClass,
        live_state: &LiveState,
    ) -> (ItemState, String) {
        let begun = match self.context.undo_state(step.seq) {
            Some(StepState::Done) => return (ItemState::Undone, "an earlier rollback undid it".to_owned()),
            begun => begun.is_some(),
        };
        match live_state {
            LiveState::Absent if begun => {
                self.undoable(step, class, "a rollback that did not end had begun with it")
            }
            LiveState::Absent => (ItemState::Gone, "it is as it was before the run".to_owned()),
            LiveState::Unknown(reason) => (ItemState::Manual, format!("it cannot be told: {reason}")),
            LiveState::Changed(reason) => (ItemState::Manual, reason.clone()),
            LiveState::Unchanged => self.undoable(step, class, words::safe_because(step)),
            LiveState::InUse(dependents) => match self.pending.remaining(dependents).as_slice() {
                [] => self.undoable(step, class, words::safe_because(step)),
                remaining => {
                    let reason = format!("{} {}", words::in_use_by(step), names(remaining));
                    if is_definition(step) {
                        self.in_use.insert(step.component, format!("{}: {reason}", words::subject(step)));
                    }
                    (ItemState::Manual, reason)
                }
            },
        }
    }

    fn undoable(&self, step: &StepRecord, class: RollbackClass, because: &str) -> (ItemState, String) {
        match (class, self.include, only_by_hand(step)) {
            (RollbackClass::Manual, _, _) => (ItemState::Manual, words::by_hand(step)),
            (_, _, Some(why)) => (ItemState::Manual, why.to_owned()),
            (RollbackClass::Moderate, None, _) => (ItemState::LeftOut, because.to_owned()),
            _ => (ItemState::Ready, because.to_owned()),
        }
    }
}

/// What the record itself does not tell well enough to undo it.
fn only_by_hand(step: &StepRecord) -> Option<&'static str> {
    match &step.undo {
        Undo::Folder { .. } if step.state != StepState::Done => {
            Some("the run ended before it knew whether it had made the folder")
        }
        Undo::DefaultStorageClass { .. } => match &step.before {
            Before::Present { what: Some(what) } if what.contains(", ") => {
                Some("there were several defaults before, of which one alone is recorded")
            }
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn is_definition(step: &StepRecord) -> bool {
    matches!(&step.undo, Undo::Object { object_kind, .. } if object_kind == "CustomResourceDefinition")
}

/// What leaves once the step is undone.
fn identities(step: &StepRecord) -> Vec<Identity> {
    match &step.undo {
        Undo::File { path, .. } | Undo::Folder { path } => vec![Identity::Path(path.clone())],
        Undo::Object { object_kind, namespace, name, uid, .. } => {
            let namespace = namespace.clone().unwrap_or_default();
            let named = Identity::Named(object_kind.clone(), namespace, name.clone());
            uid.iter().cloned().map(Identity::Uid).chain([named]).collect()
        }
        Undo::HelmRelease { namespace, .. } => vec![Identity::ReleaseIn(namespace.clone())],
        _ => Vec::new(),
    }
}
