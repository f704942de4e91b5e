//! Which files of which releases a run needs, and what they are held to.
//!
//! No checksum, no install: what the operator pinned comes first, then what the release itself states. With an artifacts
//! folder it is a sum file in that folder.

use std::fmt::Write;
use std::path::PathBuf;

use schema::Arch;

use super::PlanContext;
use crate::settings::Artifacts;
use crate::step::{Action, Artifact, ChecksumSource, Origin, Sha256Sum, Step};

/// The general sum file of an artifacts folder, for what comes without one of its own.
const SUMS: &str = "SHA256SUMS";

/// What a file is called, where it comes from, and what it is held to.
struct Release<'a> {
    name: String,
    origin: Origin,
    checksum: ChecksumSource,
    /// The release's own sum file in an artifacts folder.
    sums: Option<String>,
    pinned: Option<&'a Sha256Sum>,
}

/// The k3s program.
pub(super) fn k3s(context: &PlanContext<'_>) -> Artifact {
    let (version, arch) = (&context.settings.versions.k3s, arch(context.arch));
    let name = if arch == "amd64" { "k3s".to_owned() } else { format!("k3s-{arch}") };
    let sums = format!("sha256sum-{arch}.txt");
    artifact(
        context,
        Release {
            origin: Origin::Url(k3s_release(version, &name)),
            checksum: ChecksumSource::SumFile { url: k3s_release(version, &sums), entry: name.clone() },
            sums: Some(sums),
            pinned: context.settings.checksums.k3s.as_ref(),
            name,
        },
    )
}

/// The images that k3s needs, for hosts without network: only ever taken from a folder, and only if it has them.
pub(super) fn k3s_images(context: &PlanContext<'_>) -> Option<Artifact> {
    let Artifacts::Local(folder) = &context.settings.artifacts else { return None };
    let arch = arch(context.arch);
    let files = vec![format!("sha256sum-{arch}.txt"), SUMS.to_owned()];
    Some(Artifact {
        name: format!("k3s-airgap-images-{arch}.tar.zst"),
        origin: Origin::Folder(folder.clone()),
        checksum: ChecksumSource::FolderSums { files },
        optional: true,
    })
}

/// The install script of the same release. It is no file of the release but of its source, which holds its checksum
/// beside it.
pub(super) fn k3s_script(context: &PlanContext<'_>) -> Artifact {
    let version = encoded(&context.settings.versions.k3s);
    let source = |file| format!("https://raw.githubusercontent.com/k3s-io/k3s/{version}/{file}");
    artifact(
        context,
        Release {
            name: "install.sh".to_owned(),
            origin: Origin::Url(source("install.sh")),
            checksum: ChecksumSource::SumFile {
                url: source("install.sh.sha256sum"),
                entry: "install.sh".to_owned(),
            },
            sums: Some("install.sh.sha256sum".to_owned()),
            pinned: context.settings.checksums.k3s_script.as_ref(),
        },
    )
}

/// The archive that holds the helm program.
pub(super) fn helm(context: &PlanContext<'_>) -> Artifact {
    let name = format!("helm-{}-linux-{}.tar.gz", context.settings.versions.helm, arch(context.arch));
    let url = format!("https://get.helm.sh/{}", encoded(&name));
    artifact(
        context,
        Release {
            checksum: ChecksumSource::SumFile { url: format!("{url}.sha256sum"), entry: name.clone() },
            origin: Origin::Url(url),
            sums: Some(format!("{name}.sha256sum")),
            pinned: context.settings.checksums.helm.as_ref(),
            name,
        },
    )
}

/// The manifest of cert-manager. Its release has no sum file; the release's description states the digest.
pub(super) fn cert_manager(context: &PlanContext<'_>) -> Artifact {
    let version = encoded(&context.settings.versions.cert_manager);
    let (name, repository) = ("cert-manager.yaml".to_owned(), "cert-manager/cert-manager");
    artifact(
        context,
        Release {
            origin: Origin::Url(format!(
                "https://github.com/{repository}/releases/download/{version}/{name}"
            )),
            checksum: ChecksumSource::GithubRelease {
                url: format!("https://api.github.com/repos/{repository}/releases/tags/{version}"),
                asset: name.clone(),
            },
            sums: None,
            pinned: context.settings.checksums.cert_manager.as_ref(),
            name,
        },
    )
}

/// A chart of a repository.
pub(super) fn chart(
    context: &PlanContext<'_>,
    repository: &str,
    chart: &str,
    version: &str,
    pinned: Option<&Sha256Sum>,
) -> Artifact {
    let version = version.strip_prefix('v').unwrap_or(version);
    let origin = Origin::Chart {
        repository: repository.to_owned(),
        chart: chart.to_owned(),
        version: version.to_owned(),
    };
    let name = format!("{chart}-{version}.tgz");
    artifact(context, Release { name, origin, checksum: ChecksumSource::ChartIndex, sums: None, pinned })
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

fn artifact(context: &PlanContext<'_>, release: Release<'_>) -> Artifact {
    let (origin, checksum) = match &context.settings.artifacts {
        Artifacts::Download => (release.origin, release.checksum),
        Artifacts::Local(folder) => {
            let files = release.sums.into_iter().chain([SUMS.to_owned()]).collect();
            (Origin::Folder(folder.clone()), ChecksumSource::FolderSums { files })
        }
    };
    let checksum = release.pinned.map_or(checksum, |sum| ChecksumSource::Pinned(sum.clone()));
    Artifact { name: release.name, origin, checksum, optional: false }
}

fn k3s_release(version: &str, file: &str) -> String {
    format!("https://github.com/k3s-io/k3s/releases/download/{}/{file}", encoded(version))
}

/// Releases name architectures as Go does. Others have no release; preflight refuses them.
fn arch(arch: Arch) -> &'static str {
    match arch {
        Arch::Arm64 => "arm64",
        Arch::Amd64 | Arch::Other => "amd64",
    }
}

/// One segment of a URL's path: all but the unreserved characters of RFC 3986 percent-encoded, so that the plus sign of
/// `v1.35.5+k3s1` arrives as one.
fn encoded(segment: &str) -> String {
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
