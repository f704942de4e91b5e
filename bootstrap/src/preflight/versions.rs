//! Whether the k3s that a run installs suits what it installs on it.

use schema::{Component, Mode};

use crate::component::{Finding, KubernetesMinors, selected, spec_of};
use crate::settings::{Artifacts, Settings};

/// Whether the k3s that a run installs suits what the run installs on it. What the operator chose another version of is the
/// operator's to know.
pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    if !matches!(settings.mode, Mode::Server | Mode::SingleNode) || settings.artifacts != Artifacts::Download
    {
        return Vec::new();
    }
    let k3s = spec_of(Component::K3s).version(settings);
    let Some(minor) = minor(k3s) else { return Vec::new() };
    let unsuited = selected(settings).filter_map(|spec| {
        let (pin, version) = (spec.pin()?, spec.version(settings));
        let KubernetesMinors { from, to } = pin.kubernetes.filter(|_| version == pin.default)?;
        let bound = if minor < from {
            format!("1.{from} or newer")
        } else if minor > to {
            format!("1.{to} or older")
        } else {
            return None;
        };
        let evidence =
            format!("{} {version} supports Kubernetes {bound}, and versions.k3s is {k3s}", spec.id());
        Some(Finding::warning("versions", evidence))
    });
    unsuited.collect()
}

/// The minor version in `v1.35.5+k3s1`.
fn minor(release: &str) -> Option<u32> {
    release.trim_start_matches('v').strip_prefix("1.")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::COMPONENTS;

    #[test]
    fn the_pins_suit_each_other() {
        let minor = minor(spec_of(Component::K3s).pin().expect("a version").default).expect("a release");
        let ranges = COMPONENTS.iter().filter_map(|spec| Some((spec.id(), spec.pin()?.kubernetes?)));
        let ranges: Vec<(Component, KubernetesMinors)> = ranges.collect();
        assert_eq!(
            ranges.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            [Component::CertManager, Component::Longhorn, Component::Rancher]
        );
        for (component, KubernetesMinors { from, to }) in ranges {
            assert!((from..=to).contains(&minor), "{component} is not made for Kubernetes 1.{minor}");
        }
    }
}
