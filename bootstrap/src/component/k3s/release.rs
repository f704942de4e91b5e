//! Which files of a release of k3s a run needs.

use super::super::PlanContext;
use super::super::artifacts::{self, Release};
use super::layout::IMAGE_ARCHIVE;
use crate::settings::Artifacts;
use crate::step::{Artifact, ArtifactOrigin, ChecksumSource};

/// The k3s program.
pub(super) fn program(context: &PlanContext<'_>, version: &str) -> Artifact {
    let arch = artifacts::arch(context.arch);
    let name = if arch == "amd64" { "k3s".to_owned() } else { format!("k3s-{arch}") };
    let sums = format!("sha256sum-{arch}.txt");
    artifacts::artifact(
        context,
        Release {
            origin: ArtifactOrigin::Url(url(version, &name)),
            checksum: ChecksumSource::SumFile { url: url(version, &sums), entry: name.clone() },
            sums: Some(sums),
            pin: "k3s",
            name,
        },
    )
}

/// The images that k3s needs on a host without network, where nothing else brings them: without the one of its pause
/// container no pod starts, and the node is Ready all the same.
pub(super) fn images(context: &PlanContext<'_>) -> Option<Artifact> {
    let Artifacts::Local(folder) = &context.settings.artifacts else { return None };
    let arch = artifacts::arch(context.arch);
    let files = vec![format!("sha256sum-{arch}.txt"), artifacts::SUMS.to_owned()];
    Some(Artifact {
        name: format!("{IMAGE_ARCHIVE}{arch}.tar.zst"),
        origin: ArtifactOrigin::Directory(folder.clone()),
        checksum: ChecksumSource::DirectorySums { files },
    })
}

/// The install script of the same release. It is no file of the release but of its source, which holds its checksum
/// beside it.
pub(super) fn install_script(context: &PlanContext<'_>, version: &str) -> Artifact {
    let version = artifacts::encoded(version);
    let source = |file| format!("https://raw.githubusercontent.com/k3s-io/k3s/{version}/{file}");
    artifacts::artifact(
        context,
        Release {
            name: "install.sh".to_owned(),
            origin: ArtifactOrigin::Url(source("install.sh")),
            checksum: ChecksumSource::SumFile {
                url: source("install.sh.sha256sum"),
                entry: "install.sh".to_owned(),
            },
            sums: Some("install.sh.sha256sum".to_owned()),
            pin: "k3s_script",
        },
    )
}

fn url(version: &str, file: &str) -> String {
    format!("https://github.com/k3s-io/k3s/releases/download/{}/{file}", artifacts::encoded(version))
}
