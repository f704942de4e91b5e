//! What the pinned releases are: the checksum of each artifact, and the versions of Kubernetes that each is made for.
//!
//! A checksum that comes from the place of the file says nothing about a place that was taken over. So the program carries
//! those of its own pins, in `pins.sha256`, which `cargo xtask pins` writes: it fetches each artifact, holds it to what its
//! release states, and keeps the sum. What is not in the file is held to what the release states, and a plan says so.

use std::collections::BTreeMap;

use schema::{Arch, Component, Mode};

use super::{Detection, Finding, PlanContext, plan, selected, spec_of};
use crate::settings::{Artifacts, Settings};
use crate::step::{Action, Artifact, ArtifactOrigin, Executor, Sha256Sum, StepError};

/// The checksums that a program carries, in the form that `sha256sum` writes; in the place of a name is where the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltInSums(&'static str);

impl BuiltInSums {
    /// Those of this program.
    pub const PROGRAM: Self = Self(include_str!("pins.sha256"));

    /// None: everything is held to what its release states.
    pub const NONE: Self = Self("");

    /// The checksum of what is at `origin`.
    pub(super) fn get(self, origin: &ArtifactOrigin) -> Option<Sha256Sum> {
        let wanted = place(origin)?;
        let line = |line: &'static str| line.split_once("  ").filter(|(_, place)| *place == wanted);
        self.0.lines().find_map(line).and_then(|(sum, _)| Sha256Sum::parse(sum))
    }
}

/// Where an artifact is on the network. A chart is named by its repository and version: the index says where it is.
fn place(origin: &ArtifactOrigin) -> Option<String> {
    match origin {
        ArtifactOrigin::Url(url) => Some(url.clone()),
        ArtifactOrigin::Chart { repository, chart, version } => {
            Some(format!("{repository}/{chart}-{version}.tgz"))
        }
        ArtifactOrigin::Folder(_) => None,
    }
}

/// The content of `pins.sha256` for every artifact that a single node with `settings` fetches, on each architecture. Each
/// is downloaded and must be what its release states.
///
/// # Errors
/// An artifact could not be fetched, or is something else than its release states.
pub fn published_sums(executor: &mut Executor<'_>, settings: &Settings) -> Result<String, StepError> {
    let mut sums = BTreeMap::new();
    for arch in [Arch::Amd64, Arch::Arm64] {
        for artifact in artifacts(settings, arch) {
            let Some(place) = place(&artifact.origin) else { continue };
            if let std::collections::btree_map::Entry::Vacant(entry) = sums.entry(place) {
                let sum = executor.published_sum(&artifact)?;
                entry.insert(sum);
            }
        }
    }
    let mut lines: Vec<String> = sums.iter().map(|(place, sum)| format!("{sum}  {place}\n")).collect();
    lines.sort();
    Ok(lines.concat())
}

fn artifacts(settings: &Settings, arch: Arch) -> Vec<Artifact> {
    let staging = std::path::Path::new("/");
    let context = PlanContext { settings, arch, staging, sums: BuiltInSums::NONE };
    let steps = selected(settings).flat_map(|spec| plan(spec.id(), &Detection::Missing, &context).steps);
    let fetched = steps.filter_map(|step| match step.action {
        Action::Fetch { artifact, .. } => Some(artifact),
        _ => None,
    });
    fetched.collect()
}

/// Which minor versions of Kubernetes 1 a release is made for, bounds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KubernetesMinors {
    /// The oldest.
    pub from: u32,
    /// The newest.
    pub to: u32,
}

/// Whether the k3s that a run installs suits what the run installs on it. What the operator chose another version of is the
/// operator's to know.
pub(crate) fn check(settings: &Settings) -> Vec<Finding> {
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
            format!("{} {version} is made for Kubernetes {bound}, and versions.k3s is {k3s}", spec.id());
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

    #[test]
    fn each_built_in_sum_is_one_of_a_pin() {
        let pins = COMPONENTS.iter().filter_map(|spec| spec.pin());
        let versions: Vec<&str> = pins.map(|pin| pin.default.trim_start_matches('v')).collect();
        for line in BuiltInSums::PROGRAM.0.lines() {
            let (sum, place) = line.split_once("  ").expect("a sum and a place");
            assert!(Sha256Sum::parse(sum).is_some(), "{line}");
            let place = place.replace("%2B", "+");
            assert!(versions.iter().any(|version| place.contains(version)), "{place} is of no pin any more");
        }
    }
}
