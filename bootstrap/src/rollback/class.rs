//! How careful a rollback has to be with a step. The table is that of the design page `BOOTSTRAP.md`, Rollback.

use clap::ValueEnum;
use manifest::{Before, StepRecord, Undo};
use schema::Component;

use crate::component::{RollbackClass, spec};

/// Classes that rollback leaves out unless asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Include {
    /// Exports, charts, the registry and the default storage class.
    Moderate,
}

/// The class of the undo of `step`; `None` if there is nothing to say of the step.
pub(super) fn class_of(step: &StepRecord) -> Option<RollbackClass> {
    match &step.undo {
        // A command that changes nothing worth undoing by itself. The install script of k3s is one that does.
        Undo::None if step.before == Before::Unknown && step.component != Component::K3s => None,
        Undo::None | Undo::Package { .. } | Undo::Service { .. } => Some(RollbackClass::Manual),
        Undo::DefaultStorageClass { .. } => Some(RollbackClass::Moderate),
        _ => Some(spec(step.component).rollback_class()),
    }
}
