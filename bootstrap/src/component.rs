//! What each component is: how to tell whether it is there, what brings it about, how to be sure of it, how to take it back.
//!
//! [`COMPONENTS`] is the one table. A component is a file that implements [`Spec`], a line in this table, and a word of
//! the contract's enum; inputs, preflight, planning, records and rollback read the table. A component is planned from its
//! [`Detection`] and the settings alone, so a dry run and a run plan the same.

pub mod artifacts;
mod cert_manager;
mod chart;
mod clusterissuer;
mod component_plan;
mod dependent;
mod detection;
mod deviation;
mod docker_registry_trust;
mod finding;
mod helm;
mod history;
mod host_name;
mod image;
mod issued;
mod k3s;
mod local_hosts;
mod longhorn;
pub mod nfs;
mod pins;
mod probe;
pub mod published;
mod rancher;
mod registry;
mod spec;

use schema::{Component, Mode};

pub use component_plan::{ComponentPlan, PlanContext};
pub use dependent::{Dependent, Identity, PendingRemoval, names};
pub use detection::{Conflict, Detection, Gap, Keep};
pub use deviation::Deviation;
pub use finding::{Finding, Severity};
pub use history::RunHistory;
pub use pins::{BuiltInSums, KubernetesMinors};
pub use probe::{Cluster, Probe, has_cluster};
use spec::is_on_the_way;
pub use spec::{ChecksumInput, HttpsEndpoint, Pin, PinForm, Remainder, RollbackClass, Spec};

use crate::settings::Settings;

/// Every component, in the order in which they are worked on and in which the contract lists them.
pub static COMPONENTS: &[&dyn Spec] = &[
    &k3s::K3sSpec,
    &helm::HelmSpec,
    &cert_manager::CertManagerSpec,
    &clusterissuer::ClusterIssuerSpec,
    &longhorn::LonghornSpec,
    &rancher::RancherSpec,
    &registry::RegistrySpec,
    &nfs::NfsSpec,
    &local_hosts::LocalHostsSpec,
    &docker_registry_trust::DockerRegistryTrustSpec,
];

/// The entry of a component. A test holds that the table has each component of the contract at its place.
pub fn spec_of(component: Component) -> &'static dyn Spec {
    COMPONENTS[component as usize]
}

/// The components of `mode`, in the order in which they are worked on.
pub fn components(mode: Mode) -> impl Iterator<Item = Component> {
    COMPONENTS.iter().filter(move |spec| spec.modes().contains(&mode)).map(|spec| spec.id())
}

/// The components of the mode that the operator did not leave out.
pub fn selected(settings: &Settings) -> impl Iterator<Item = &'static dyn Spec> + '_ {
    components(settings.mode).filter(|id| !settings.skipped.contains(id)).map(spec_of)
}

/// Looks at one component.
pub fn detect(component: Component, probe: &Probe<'_>) -> Detection {
    let (spec, settings) = (spec_of(component), probe.settings);
    if settings.skipped.contains(&component) || !spec.wanted(settings) {
        return Detection::NotNeeded;
    }
    spec.detect(probe).into()
}

/// Plans one component.
pub fn plan(component: Component, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
    match detection {
        Detection::NotNeeded => ComponentPlan::skip(),
        Detection::Unknown(error) => ComponentPlan::blocked(error.to_string()),
        Detection::Conflict(conflict) => ComponentPlan::blocked(conflict.to_string()),
        _ => spec_of(component).plan(detection, context),
    }
}
