//! Which mode has which components.

use schema::{Component, Mode};

use crate::settings::Settings;

/// The components of `mode`, in the order in which they are worked on.
pub const fn components(mode: Mode) -> &'static [Component] {
    match mode {
        Mode::Server => &[Component::K3s, Component::Helm],
        Mode::Agent => &[Component::K3s],
        Mode::Stack => &[
            Component::CertManager,
            Component::Clusterissuer,
            Component::Longhorn,
            Component::Rancher,
            Component::Registry,
        ],
        Mode::SingleNode => Component::ALL,
    }
}

/// Whether the operator wants the component.
pub(super) fn wanted(component: Component, settings: &Settings) -> bool {
    let chosen = match component {
        Component::Nfs => settings.nfs.is_some(),
        Component::LocalHosts => settings.manage_hosts_file,
        Component::DockerRegistryTrust => settings.trust_registry_in_docker,
        _ => true,
    };
    chosen && !settings.skipped.contains(&component)
}
