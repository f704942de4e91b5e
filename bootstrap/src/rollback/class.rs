//! Which class an undo belongs to. The table is that of the design page `BOOTSTRAP.md`, Rollback.

use manifest::{Before, StepRecord, Undo};
use schema::Component;

use super::item::RollbackClass;

/// The class of the undo of `step`; `None` if there is nothing to say of the step.
pub(super) fn class_of(step: &StepRecord) -> Option<RollbackClass> {
    match &step.undo {
        // A command that changes nothing worth undoing by itself. The install script of k3s is one that does.
        Undo::None if step.before == Before::Unknown && step.component != Component::K3s => None,
        Undo::None | Undo::Package { .. } | Undo::Service { .. } => Some(RollbackClass::Manual),
        Undo::DefaultStorageClass { .. } => Some(RollbackClass::Moderate),
        _ => Some(of_component(step.component)),
    }
}

const fn of_component(component: Component) -> RollbackClass {
    match component {
        Component::K3s | Component::Helm => RollbackClass::Manual,
        Component::CertManager
        | Component::Clusterissuer
        | Component::LocalHosts
        | Component::DockerRegistryTrust => RollbackClass::Safe,
        Component::Longhorn | Component::Rancher | Component::Registry | Component::Nfs => {
            RollbackClass::Moderate
        }
    }
}
