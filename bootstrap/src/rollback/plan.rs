//! The plan of a rollback, from the record of the run and what is found on the host. Nothing is looked at here.

use std::collections::BTreeMap;

use manifest::{PriorState, PrivateContext, StepRecord, StepState, Undo};
use schema::{Component, Execution};

use super::class::class_of;
use super::item::{Class, Item, Plan, State};
use super::sight::{Leaving, Mark, Sight, names};
use super::{Sights, words};
use crate::cli::Include;

/// Plans the rollback of `context`, given what was found in the place of each of its steps. A step without a sight is
/// one that cannot be told. A dry run did nothing, so there is nothing to undo.
pub(crate) fn plan(context: &PrivateContext, sights: &Sights, include: Option<Include>) -> Plan {
    let mut planner = Planner { context, include, leaving: Leaving::default(), in_use: BTreeMap::new() };
    let mut items: Vec<Item> = match context.execution {
        Execution::DryRun => Vec::new(),
        Execution::Apply => {
            context.steps.iter().rev().filter_map(|step| planner.item(step, sights.get(&step.seq))).collect()
        }
    };
    for item in items.iter_mut().filter(|item| matches!(item.state, State::Ready | State::LeftOut)) {
        if let Some(reason) = planner.in_use.get(&item.component) {
            (item.state, item.reason) = (State::Manual, reason.clone());
        }
    }
    Plan { run_id: context.run_id.clone(), mode: context.mode, execution: context.execution, items }
}

/// Judges one step by what is found of it now, when everything that was to leave before it has left.
pub(super) fn judge_now(context: &PrivateContext, step: &StepRecord, sight: &Sight) -> (State, String) {
    let (include, leaving) = (Some(Include::Moderate), Leaving::default());
    let mut planner = Planner { context, include, leaving, in_use: BTreeMap::new() };
    class_of(step).map_or_else(|| (State::Gone, String::new()), |class| planner.judge(step, class, sight))
}

struct Planner<'a> {
    context: &'a PrivateContext,
    include: Option<Include>,
    leaving: Leaving,
    /// Components that others use: none of their parts may go, or the rest would not work any more.
    in_use: BTreeMap<Component, String>,
}

impl Planner<'_> {
    fn item(&mut self, step: &StepRecord, sight: Option<&Sight>) -> Option<Item> {
        let class = class_of(step)?;
        let unknown = Sight::Unknown("it was not looked at".to_owned());
        let (state, reason) = self.judge(step, class, sight.unwrap_or(&unknown));
        if state == State::Ready {
            self.leaving.add(marks(step));
        }
        Some(Item {
            step: step.seq,
            component: step.component,
            class,
            state,
            change: words::change(step),
            reason,
            look: words::look(step),
        })
    }

    fn judge(&mut self, step: &StepRecord, class: Class, sight: &Sight) -> (State, String) {
        let begun = match self.context.undo_state(step.seq) {
            Some(StepState::Done) => return (State::Undone, "an earlier rollback undid it".to_owned()),
            begun => begun.is_some(),
        };
        match sight {
            Sight::Gone if begun => {
                self.undoable(step, class, "a rollback that did not end had begun with it")
            }
            Sight::Gone => (State::Gone, "it is as it was before the run".to_owned()),
            Sight::Unknown(reason) => (State::Manual, format!("it cannot be told: {reason}")),
            Sight::Changed(reason) => (State::Manual, reason.clone()),
            Sight::Ours => self.undoable(step, class, words::safe_because(step)),
            Sight::Inhabited(tenants) => match self.leaving.staying(tenants).as_slice() {
                [] => self.undoable(step, class, words::safe_because(step)),
                staying => {
                    let reason = format!("{} {}", words::in_use_by(step), names(staying));
                    if is_definition(step) {
                        self.in_use.insert(step.component, format!("{}: {reason}", words::subject(step)));
                    }
                    (State::Manual, reason)
                }
            },
        }
    }

    fn undoable(&self, step: &StepRecord, class: Class, because: &str) -> (State, String) {
        match (class, self.include, only_by_hand(step)) {
            (Class::Manual, _, _) => (State::Manual, words::by_hand(step)),
            (_, _, Some(why)) => (State::Manual, why.to_owned()),
            (Class::Moderate, None, _) => (State::LeftOut, because.to_owned()),
            _ => (State::Ready, because.to_owned()),
        }
    }
}

/// What the record itself does not tell well enough to undo it.
fn only_by_hand(step: &StepRecord) -> Option<&'static str> {
    match &step.undo {
        Undo::Directory { .. } if step.state != StepState::Done => {
            Some("the run ended before it knew whether it had made the folder")
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
fn marks(step: &StepRecord) -> Vec<Mark> {
    match &step.undo {
        Undo::File { path, .. } | Undo::Directory { path } => vec![Mark::Path(path.clone())],
        Undo::Object { object_kind, namespace, name, uid, .. } => {
            let namespace = namespace.clone().unwrap_or_default();
            let named = Mark::Named(object_kind.clone(), namespace, name.clone());
            uid.iter().cloned().map(Mark::Uid).chain([named]).collect()
        }
        Undo::HelmRelease { namespace, .. } => vec![Mark::ReleaseIn(namespace.clone())],
        _ => Vec::new(),
    }
}
