//! What each component is: how to tell whether it is there, what brings it about, and how to be sure of it.
//!
//! A component is planned from its [`Detection`] and the settings alone, so a dry run and a run plan the same.

mod artifacts;
mod cert_manager;
mod chart;
mod clusterissuer;
mod detection;
mod docker_registry_trust;
mod helm;
mod k3s;
mod local_hosts;
mod longhorn;
mod modes;
mod nfs;
mod plan;
mod rancher;
mod registry;

use std::path::Path;

use schema::{Arch, Component};

pub use detection::{Cluster, Detection, Probe};
pub use modes::components;
pub use plan::ComponentPlan;

use crate::settings::Settings;

/// What plans are made from, apart from the detection.
#[derive(Clone, Copy, Debug)]
pub struct PlanContext<'a> {
    /// The inputs of the run.
    pub settings: &'a Settings,
    /// Processor architecture of the host.
    pub arch: Arch,
    /// Absolute path of the folder that artifacts are fetched to. It is ours: it belongs to the runs folder.
    pub staging: &'a Path,
}

/// The namespace that a component has to itself, if it has one.
pub const fn namespace(component: Component) -> Option<&'static str> {
    match component {
        Component::CertManager => Some(cert_manager::NAMESPACE),
        Component::Longhorn => Some(longhorn::CHART.namespace),
        Component::Rancher => Some(rancher::CHART.namespace),
        Component::Registry => Some(registry::NAMESPACE),
        _ => None,
    }
}

/// Looks at one component.
pub fn detect(component: Component, probe: &Probe<'_>) -> Detection {
    if !modes::wanted(component, probe.settings) {
        return Detection::NotNeeded;
    }
    match component {
        Component::K3s => k3s::detect(probe),
        Component::Helm => helm::detect(probe),
        Component::CertManager => cert_manager::detect(probe),
        Component::Clusterissuer => clusterissuer::detect(probe),
        Component::Longhorn => longhorn::detect(probe),
        Component::Rancher => rancher::detect(probe),
        Component::Registry => registry::detect(probe),
        Component::Nfs => nfs::detect(probe),
        Component::LocalHosts => local_hosts::detect(probe),
        Component::DockerRegistryTrust => docker_registry_trust::detect(probe),
    }
}

/// Plans one component.
pub fn plan(component: Component, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
    match detection {
        Detection::NotNeeded => return ComponentPlan::skip(),
        Detection::Unknown(reason) | Detection::Conflict(reason) => return ComponentPlan::blocked(reason),
        _ => {}
    }
    match component {
        Component::K3s => k3s::plan(detection, context),
        Component::Helm => helm::plan(detection, context),
        Component::CertManager => cert_manager::plan(detection, context),
        Component::Clusterissuer => clusterissuer::plan(detection, context),
        Component::Longhorn => longhorn::plan(detection, context),
        Component::Rancher => rancher::plan(detection, context),
        Component::Registry => registry::plan(detection, context),
        Component::Nfs => nfs::plan(detection, context),
        Component::LocalHosts => local_hosts::plan(detection, context),
        Component::DockerRegistryTrust => docker_registry_trust::plan(detection, context),
    }
}
