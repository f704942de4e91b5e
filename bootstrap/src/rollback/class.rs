//! Which class an undo belongs to. The table is that of the design page `BOOTSTRAP.md`, Rollback.

use manifest::{PriorState, StepRecord, Undo};
use schema::Component;

use super::item::Class;

/// The class of the undo of `step`; `None` if there is nothing to say of the step.
pub(super) fn class_of(step: &StepRecord) -> Option<Class> {
    match &step.undo {
        // A command that changes nothing worth undoing by itself. The install script of k3s is one that does.
        Undo::None if step.before == PriorState::Unknown && step.component != Component::K3s => None,
        Undo::None | Undo::Package { .. } | Undo::Service { .. } => Some(Class::Manual),
        Undo::DefaultStorageClass { .. } => Some(Class::Moderate),
        _ => Some(of_component(step.component)),
    }
}

const fn of_component(component: Component) -> Class {
    match component {
        Component::K3s | Component::Helm => Class::Manual,
        Component::CertManager
        | Component::Clusterissuer
        | Component::LocalHosts
        | Component::DockerRegistryTrust => Class::Safe,
        Component::Longhorn | Component::Rancher | Component::Registry | Component::Nfs => Class::Moderate,
    }
}
