//! Which files of which releases a run needs, and what they are held to.
//!
//! No checksum, no install: what the operator pinned comes first, then what the release itself states. With an artifacts
//! folder it is a sum file in that folder.

use std::fmt::Write;
use std::path::PathBuf;

use schema::Arch;

use super::PlanContext;
use crate::settings::Artifacts;
use crate::step::{Action, Artifact, ArtifactOrigin, ChecksumSource, Step};

/// The general sum file of an artifacts folder, for what comes without one of its own.
pub(super) const SUMS: &str = "SHA256SUMS";

/// What a file is called, where it comes from, and what it is held to.
pub(super) struct Release {
    /// Its name in an artifacts folder.
    pub(super) name: String,
    /// Where it is on the network.
    pub(super) origin: ArtifactOrigin,
    /// What the release itself states.
    pub(super) checksum: ChecksumSource,
    /// The release's own sum file in an artifacts folder.
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

/// Where an artifact is fetched to.
pub(super) fn staged(context: &PlanContext<'_>, artifact: &Artifact) -> PathBuf {
    context.staging.join(&artifact.name)
}

/// The step that fetches an artifact.
pub(super) fn fetch(context: &PlanContext<'_>, title: &str, artifact: Artifact) -> Step {
    let to = staged(context, &artifact);
    Step::new(title, Action::Fetch { artifact, to })
}

/// The artifact that a run fetches: from the network, or from the artifacts folder, held to the strictest sum there is.
pub(super) fn artifact(context: &PlanContext<'_>, release: Release) -> Artifact {
    let (origin, checksum) = match &context.settings.artifacts {
        Artifacts::Download => (release.origin, release.checksum),
        Artifacts::Local(folder) => {
            let files = release.sums.into_iter().chain([SUMS.to_owned()]).collect();
            (ArtifactOrigin::Folder(folder.clone()), ChecksumSource::FolderSums { files })
        }
    };
    let pinned = context.settings.checksums.get(release.pin);
    let checksum = pinned.map_or(checksum, |sum| ChecksumSource::Pinned(sum.clone()));
    Artifact { name: release.name, origin, checksum, optional: false }
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
