//! Which files of which releases a run needs, and what they are held to.
//!
//! No checksum, no install: what the operator pinned comes first, then what the program carries of its own pins, then what
//! the release itself states. With an artifacts directory it is a sum file in there, which may hold another version.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use manifest::{PreviousFile, Undo};
use schema::{Arch, Component};

use super::{PlanContext, is_on_the_way};
use crate::host::Command;
use crate::settings::Artifacts;
use crate::step::{Action, Artifact, ArtifactOrigin, ChecksumSource, Step};

/// The general sum file of an artifacts directory, for what comes without one of its own.
pub(super) const SUMS: &str = "SHA256SUMS";

/// What a file is called, where it comes from, and what it is held to.
pub(super) struct Release {
    /// Its name in an artifacts directory.
    pub(super) name: String,
    /// Where it is on the network.
    pub(super) origin: ArtifactOrigin,
    /// What the release itself states.
    pub(super) checksum: ChecksumSource,
    /// The release's own sum file in an artifacts directory.
    pub(super) sums: Option<String>,
    /// The key under which the operator may have pinned a checksum.
    pub(super) pin: &'static str,
}

/// A chart of a repository.
pub(super) fn chart(
    context: &PlanContext<'_>,
    repository: &str,
    chart: &str,
    version: &str,
    pin: &'static str,
) -> Artifact {
    let version = version.strip_prefix('v').unwrap_or(version);
    let origin = ArtifactOrigin::Chart {
        repository: repository.to_owned(),
        chart: chart.to_owned(),
        version: version.to_owned(),
    };
    let name = format!("{chart}-{version}.tgz");
    artifact(context, Release { name, origin, checksum: ChecksumSource::ChartIndex, sums: None, pin })
}

/// Where k3s looks for images that it does not have to pull.
pub(super) const IMAGES: &str = "/var/lib/rancher/k3s/agent/images";

/// The steps that bring the images of a component to a host without network: an archive in the artifacts directory,
/// named after the component, its version and the platform. With network there are none: pods pull what they need.
pub(super) fn image_steps(context: &PlanContext<'_>, component: Component, version: &str) -> Vec<Step> {
    let Artifacts::Local(folder) = &context.settings.artifacts else { return Vec::new() };
    let name = format!("{component}-images-{version}-{}.tar.zst", arch(context.arch));
    let archive = Artifact {
        name: name.clone(),
        origin: ArtifactOrigin::Directory(folder.clone()),
        checksum: ChecksumSource::DirectorySums { files: vec![SUMS.to_owned()] },
    };
    let (from, path) = (staged(context, &archive), Path::new(IMAGES).join(&name));
    // k3s imports what is in there at each start, so that images that were removed come back; this imports them now.
    let import = Command::new("k3s")
        .args(["ctr", "--namespace", "k8s.io", "images", "import"])
        .args([path.to_string_lossy()])
        .as_root()
        .timeout(std::time::Duration::from_mins(10));
    vec![
        fetch(context, &format!("{component} images"), archive),
        Step::new("directory of images", Action::EnsureDir { path: IMAGES.into(), mode: 0o755 }),
        Step::new(format!("place the {component} images"), Action::Install { from, path, mode: 0o644 }),
        Step::new(format!("import the {component} images"), Action::Run(import)),
    ]
}

/// Whether the steps that [`image_steps`] gives for `component` could have made this.
pub(super) fn could_make_images(component: Component, undo: &Undo) -> bool {
    match undo {
        Undo::File { path, previous: PreviousFile::Absent, .. } => {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            path.parent() == Some(Path::new(IMAGES)) && name.starts_with(&format!("{component}-images-"))
        }
        Undo::Directory { path } => is_on_the_way(path, "/var/lib/rancher", IMAGES),
        _ => false,
    }
}

/// Where an artifact is fetched to.
pub(super) fn staged(context: &PlanContext<'_>, artifact: &Artifact) -> PathBuf {
    context.staging.join(&artifact.name)
}

/// The step that fetches an artifact.
pub(super) fn fetch(context: &PlanContext<'_>, title: &str, artifact: Artifact) -> Step {
    let to = staged(context, &artifact);
    Step::new(title, Action::Fetch { artifact, to })
}

/// The artifact that a run fetches: from the network, or from the artifacts directory, with the strictest sum there is.
pub(super) fn artifact(context: &PlanContext<'_>, release: Release) -> Artifact {
    let (origin, checksum) = match &context.settings.artifacts {
        Artifacts::Download => {
            let built_in = context.sums.get(&release.origin).map(ChecksumSource::BuiltIn);
            (release.origin, built_in.unwrap_or(release.checksum))
        }
        Artifacts::Local(folder) => {
            let files = release.sums.into_iter().chain([SUMS.to_owned()]).collect();
            (ArtifactOrigin::Directory(folder.clone()), ChecksumSource::DirectorySums { files })
        }
    };
    let pinned = context.settings.checksums.get(release.pin);
    let checksum = pinned.map_or(checksum, |sum| ChecksumSource::Pinned(sum.clone()));
    Artifact { name: release.name, origin, checksum }
}

/// Releases name architectures as Go does. Others have no release; preflight refuses them.
pub(super) fn arch(arch: Arch) -> &'static str {
    match arch {
        Arch::Arm64 => "arm64",
        Arch::Amd64 | Arch::Other => "amd64",
    }
}

/// One segment of a URL's path: all but the unreserved characters of RFC 3986 percent-encoded, so that the plus sign of
/// `v1.35.5+k3s1` arrives as one.
pub(super) fn encoded(segment: &str) -> String {
    segment.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
        text
    })
}
