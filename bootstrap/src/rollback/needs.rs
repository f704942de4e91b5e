//! What a component that stays needs to stay as well.
//!
//! The plan of a step looks at what hangs on that step. That Rancher does not work without cert-manager is no fact of any
//! one object: it stands in the table of components, and holds whether Rancher stays because it is left out, was changed
//! since or is used by others.

use std::collections::BTreeMap;

use manifest::{StepRecord, Undo};
use schema::Component;

use super::item::{ItemState, Reason, RollbackItem};
use crate::component::COMPONENTS;

/// Keeps what is needed by components that stay: from the last component of the table to the first, because what is needed
/// stands before what needs it, and what is kept needs something itself.
pub(super) fn keep(items: &mut [RollbackItem], steps: &[StepRecord]) {
    for spec in COMPONENTS.iter().rev() {
        let staying = staying(items, steps, spec.id());
        // What is left out goes once it is included; for the rest, including more does not help.
        let Some(state) = staying.values().max_by_key(|state| **state == ItemState::Manual).copied() else {
            continue;
        };
        let reason = Reason::NeededBy(staying.into_keys().collect());
        let undoable =
            |item: &&mut RollbackItem| matches!(item.state, ItemState::Ready | ItemState::Excluded);
        for item in items.iter_mut().filter(|item| item.component == spec.id()).filter(undoable) {
            (item.state, item.reason) = (state, reason.clone());
        }
    }
}

/// The components that need `needed` and stay, each with why.
fn staying(
    items: &[RollbackItem],
    steps: &[StepRecord],
    needed: Component,
) -> BTreeMap<Component, ItemState> {
    let needs = COMPONENTS.iter().filter(|spec| spec.requires().contains(&needed)).map(|spec| spec.id());
    needs.filter_map(|component| Some((component, stays(items, steps, component)?))).collect()
}

/// The state of what stays of `component` and is at work: a directory or a certificate for others needs nobody.
fn stays(items: &[RollbackItem], steps: &[StepRecord], component: Component) -> Option<ItemState> {
    let is_at_work = |item: &&RollbackItem| {
        steps.iter().find(|step| step.seq == item.step).is_some_and(|step| works(&step.undo))
    };
    let left = items.iter().filter(|item| item.component == component).filter(is_at_work);
    left.map(|item| item.state)
        .filter(|state| matches!(state, ItemState::Excluded | ItemState::Manual))
        .max_by_key(|state| *state == ItemState::Manual)
}

/// Whether what a step made does something that needs other components.
pub(super) fn works(undo: &Undo) -> bool {
    match undo {
        Undo::HelmRelease { .. } => true,
        Undo::Object { object_kind, .. } => {
            matches!(object_kind.as_str(), "Deployment" | "Ingress" | "ClusterIssuer")
        }
        _ => false,
    }
}
