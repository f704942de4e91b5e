//! The plan of a rollback, from the record of the run and what is found on the host. Nothing is looked at here.

use std::collections::{BTreeMap, BTreeSet};

use manifest::{PriorState, PrivateContext, StepRecord, StepState, Undo};
use schema::{Component, Execution};

use super::item::{ItemState, Leftover, Reason, RollbackItem, RollbackPlan, class_of};
use super::live_state::{Divergence, LiveState};
use super::observe::LiveStates;
use super::{message, needs};
use crate::component::{Identity, PendingRemoval, RollbackClass, names};

/// Which classes are undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// Only what is safe alone.
    Safe,
    /// Also what others may have come to rely on.
    Moderate,
}

/// Plans the rollback of `context`, given what was found in the place of each of its steps. A step without a live state is
/// one that cannot be told. A dry run did nothing, so there is nothing to undo.
pub fn plan(context: &PrivateContext, live_states: &LiveStates, include: Include) -> RollbackPlan {
    plan_after(context, live_states, include, PendingRemoval::default()).0
}

/// As [`plan`], after what is in `pending` has gone. Returns with the plan what has gone once it is carried out as well.
pub fn plan_after(
    context: &PrivateContext,
    live_states: &LiveStates,
    include: Include,
    pending: PendingRemoval,
) -> (RollbackPlan, PendingRemoval) {
    planned(Planner { context, include, agreed: None, pending, in_use: BTreeMap::new() }, live_states)
}

/// As [`plan`], and undoes no step but those with the numbers in `agreed`: between the plan that somebody agreed to and
/// this one, more may have become possible.
pub fn plan_agreed(
    context: &PrivateContext,
    live_states: &LiveStates,
    include: Include,
    agreed: &BTreeSet<u32>,
) -> RollbackPlan {
    let (agreed, pending) = (Some(agreed), PendingRemoval::default());
    planned(Planner { context, include, agreed, pending, in_use: BTreeMap::new() }, live_states).0
}

fn planned(mut planner: Planner<'_>, live_states: &LiveStates) -> (RollbackPlan, PendingRemoval) {
    let context = planner.context;
    let mut items: Vec<RollbackItem> = match context.execution {
        Execution::DryRun => Vec::new(),
        Execution::Apply => context
            .steps
            .iter()
            .rev()
            .filter_map(|step| planner.item(step, live_states.get(&step.seq)))
            .collect(),
    };
    needs::keep(&mut items, &context.steps);
    planner.keep_used_parts(&mut items);
    if planner.keep_not_agreed(&mut items) {
        // What stays for that reason needs others too.
        needs::keep(&mut items, &context.steps);
    }
    let (run_id, mode, execution) = (context.run_id.clone(), context.mode, context.execution);
    (RollbackPlan { run_id, mode, execution, items }, planner.pending)
}

/// Judges one step by what is found of it now, when everything that was to leave before it has left.
pub(super) fn judge_now(
    context: &PrivateContext,
    step: &StepRecord,
    live_state: &LiveState,
) -> (ItemState, Reason) {
    let (include, pending) = (Include::Moderate, PendingRemoval::default());
    let mut planner = Planner { context, include, agreed: None, pending, in_use: BTreeMap::new() };
    class_of(step)
        .map_or_else(|| (ItemState::Gone, Reason::AsBefore), |class| planner.judge(step, class, live_state))
}

struct Planner<'a> {
    context: &'a PrivateContext,
    include: Include,
    /// The steps that may be undone, where not all of them may.
    agreed: Option<&'a BTreeSet<u32>>,
    pending: PendingRemoval,
    /// Components that others use: none of their parts may go, or the rest would not work any more.
    in_use: BTreeMap<Component, Leftover>,
}

impl Planner<'_> {
    fn item(&mut self, step: &StepRecord, live_state: Option<&LiveState>) -> Option<RollbackItem> {
        let class = class_of(step)?;
        let (state, reason) = match live_state {
            Some(live_state) => self.judge(step, class, live_state),
            None => (ItemState::Manual, Leftover::NotObserved.into()),
        };
        if state == ItemState::Ready && self.is_agreed(step.seq) {
            self.pending.add(identities(step));
        }
        Some(RollbackItem {
            step: step.seq,
            component: step.component,
            class,
            state,
            change: message::change(step),
            reason,
            deletes: message::deletes(step),
            remains: message::remains(step),
            inspect: match live_state {
                // A name from a record that no run wrote is not for a command that the operator pastes.
                Some(LiveState::Changed(Divergence::NotOfComponent)) => message::inspect_record(self.context),
                _ => message::inspect(step),
            },
        })
    }

    fn is_agreed(&self, step: u32) -> bool {
        self.agreed.is_none_or(|agreed| agreed.contains(&step))
    }

    /// Keeps the rest of a component of which others use a part.
    fn keep_used_parts(&self, items: &mut [RollbackItem]) {
        let undoable = |item: &&mut RollbackItem| match item.state {
            ItemState::Ready => true,
            // What others need says so, which tells more.
            ItemState::Excluded => !matches!(item.reason, Reason::NeededBy(_)),
            _ => false,
        };
        for item in items.iter_mut().filter(undoable) {
            if let Some(reason) = self.in_use.get(&item.component) {
                (item.state, item.reason) = (ItemState::Manual, reason.clone().into());
            }
        }
    }

    /// Keeps what could be undone, and was not in the plan that somebody agreed to. Tells whether there is such an item.
    fn keep_not_agreed(&self, items: &mut [RollbackItem]) -> bool {
        let mut is_any = false;
        for item in
            items.iter_mut().filter(|item| item.state == ItemState::Ready && !self.is_agreed(item.step))
        {
            (item.state, item.reason) = (ItemState::Manual, Leftover::NotAgreed.into());
            is_any = true;
        }
        is_any
    }

    fn judge(
        &mut self,
        step: &StepRecord,
        class: RollbackClass,
        live_state: &LiveState,
    ) -> (ItemState, Reason) {
        let manual = |leftover: Leftover| (ItemState::Manual, leftover.into());
        let begun = match self.context.undo_state(step.seq) {
            Some(StepState::Done) => return (ItemState::Undone, Reason::AlreadyUndone),
            begun => begun.is_some(),
        };
        match live_state {
            LiveState::Absent if begun => self.undoable(step, class, Reason::Resumed),
            LiveState::Absent => (ItemState::Gone, Reason::AsBefore),
            LiveState::Unknown(error) => manual(error.clone().into()),
            LiveState::Changed(divergence) => manual(divergence.clone().into()),
            LiveState::Unchanged => self.undoable(step, class, Reason::Safe(message::safe_because(step))),
            LiveState::InUse(dependents) => match self.pending.remaining(dependents).as_slice() {
                [] => self.undoable(step, class, Reason::Safe(message::safe_because(step))),
                remaining => {
                    let (relation, by) = (message::relation(step), names(remaining));
                    if is_definition(step) {
                        let part = message::subject(step);
                        let leftover = Leftover::PartInUse { part, relation, by: by.clone() };
                        self.in_use.insert(step.component, leftover);
                    }
                    manual(Leftover::InUse { relation, by })
                }
            },
        }
    }

    fn undoable(&self, step: &StepRecord, class: RollbackClass, because: Reason) -> (ItemState, Reason) {
        match (class, self.include, only_by_hand(step)) {
            (RollbackClass::Manual, _, _) => {
                (ItemState::Manual, Leftover::ByHand(message::by_hand(step)).into())
            }
            (_, _, Some(why)) => (ItemState::Manual, Leftover::RecordTooVague(why).into()),
            (RollbackClass::Moderate, Include::Safe, _) => (ItemState::Excluded, because),
            _ => (ItemState::Ready, because),
        }
    }
}

/// What the record itself does not tell well enough to undo it.
fn only_by_hand(step: &StepRecord) -> Option<&'static str> {
    match &step.undo {
        Undo::Directory { .. } if step.state != StepState::Done => {
            Some("the run ended before it knew whether it had created the directory")
        }
        Undo::DefaultStorageClass { .. } => match &step.before {
            PriorState::Present { what: Some(what) } if what.contains(", ") => {
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
        Undo::File { path, .. } | Undo::Directory { path } => vec![Identity::Path(path.clone())],
        Undo::Object { object_kind, namespace, name, uid, .. } => {
            let namespace = namespace.clone().unwrap_or_default();
            let named = Identity::Named(object_kind.clone(), namespace, name.clone());
            uid.iter().cloned().map(Identity::Uid).chain([named]).collect()
        }
        Undo::HelmRelease { namespace, .. } => vec![Identity::ReleaseIn(namespace.clone())],
        _ => Vec::new(),
    }
}
