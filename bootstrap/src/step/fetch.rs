//! Bringing artifacts to this machine. What does not have the checksum that its release states never gets a name.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use privacy::disk::{self, DiskError};

use super::artifact::{
    Artifact, ArtifactOrigin, ChecksumSource, Sha256Sum, in_chart_index, in_github_release, in_sum_file,
    named_in_sum_file,
};
use super::command::download;
use super::error::StepError;
use super::executor::{Effect, Executor};
use crate::host::{Scratch, StagingError, sha256_of};

/// Sum files of an artifacts directory are smaller than this.
const MAX_CHECKSUM_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The images of Rancher have some gigabytes; a file without an end must not fill the disk.
const MAX_ARTIFACT_BYTES: u64 = 32 * 1024 * 1024 * 1024;

impl Executor<'_> {
    /// An artifact changes nothing on the host before it is installed, so it is not in the journal. It is always fetched
    /// anew: what an earlier run left could be anybody's by now.
    pub(super) fn fetch(&mut self, artifact: &Artifact, to: &Path) -> Result<Effect, StepError> {
        let (mut scratch, _) = self.checked(artifact, to)?;
        self.prepare_staging(to)?;
        self.host.stage(&mut scratch, to)?;
        Ok(Effect::Changed)
    }

    /// The checksum of an artifact, which is fetched and must have it, and is not kept.
    ///
    /// # Errors
    /// It could not be fetched, or is something else than its release states.
    pub fn published_sum(&mut self, artifact: &Artifact) -> Result<Sha256Sum, StepError> {
        Ok(self.checked(artifact, Path::new(&artifact.name))?.1)
    }

    /// The artifact in a file without a name, with its checksum. `to` is only what it is called in an error.
    fn checked(&self, artifact: &Artifact, to: &Path) -> Result<(Scratch, Sha256Sum), StepError> {
        let CheckedSource { from, wanted } = self.source(artifact)?;
        let mut scratch = match from {
            FetchFrom::Url(url) => self.download(&url)?,
            FetchFrom::File { file, path } => self.copy(file, &path)?,
        };
        let unreadable = |source| StepError::staging("read", to)(source);
        let found = scratch.sha256().map_err(unreadable)?;
        if found != wanted.to_string() {
            let is_html = is_html(&mut scratch);
            return Err(StepError::Checksum { path: to.to_owned(), wanted, found, is_html });
        }
        Ok((scratch, wanted))
    }

    fn source(&self, artifact: &Artifact) -> Result<CheckedSource, StepError> {
        let name = &artifact.name;
        let (from, stated) = match &artifact.origin {
            ArtifactOrigin::Url(url) => (FetchFrom::Url(url.clone()), None),
            ArtifactOrigin::Directory(folder) => {
                let path = folder.join(name);
                (FetchFrom::File { file: open_artifact(&path)?, path }, None)
            }
            ArtifactOrigin::Chart { repository, chart, version } => {
                let url = format!("{repository}/index.yaml");
                let index = self.text(&url)?;
                let (chart, digest) =
                    in_chart_index(&index, repository, chart, version).ok_or_else(|| {
                        StepError::ChartNotListed {
                            url: url.clone(),
                            chart: chart.clone(),
                            version: version.clone(),
                        }
                    })?;
                if !chart.starts_with("https://") {
                    return Err(StepError::ChartWithoutHttps { url, name: name.clone() });
                }
                (FetchFrom::Url(chart), digest)
            }
        };
        let (wanted, place) = match &artifact.checksum {
            ChecksumSource::Pinned(sum) | ChecksumSource::BuiltIn(sum) => (Some(sum.clone()), String::new()),
            ChecksumSource::ChartIndex => (stated, "the index of the repository".to_owned()),
            ChecksumSource::SumFile { url, entry } => (in_sum_file(&self.text(url)?, entry), url.clone()),
            ChecksumSource::GithubRelease { url, asset } => {
                (in_github_release(&self.text(url)?, asset), url.clone())
            }
            ChecksumSource::DirectorySums { files } => {
                let sum = from.folder().map(|folder| in_folder_sums(folder, files, name)).transpose()?;
                (sum.flatten(), files.join(" or "))
            }
        };
        let wanted = wanted.ok_or_else(|| StepError::NoChecksum { name: name.clone(), place })?;
        Ok(CheckedSource { from, wanted })
    }

    /// What releases state about their files is read from memory and never gets a name.
    fn text(&self, url: &str) -> Result<String, StepError> {
        let output = self.host.run(&download(url)).map_err(StepError::of_download(url))?;
        Ok(output.text())
    }

    fn download(&self, url: &str) -> Result<Scratch, StepError> {
        self.host.run_to_scratch(&download(url)).map_err(|error| match error {
            StagingError::Command(error) => StepError::of_download(url)(error),
            StagingError::File(error) => error.into(),
        })
    }

    fn copy(&self, file: File, from: &Path) -> Result<Scratch, StepError> {
        let mut scratch = self.host.scratch()?;
        scratch.fill(&mut file.take(MAX_ARTIFACT_BYTES)).map_err(StepError::staging("copy", from))?;
        Ok(scratch)
    }
}

struct CheckedSource {
    from: FetchFrom,
    wanted: Sha256Sum,
}

enum FetchFrom {
    Url(String),
    File { file: File, path: PathBuf },
}

impl FetchFrom {
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => path.parent(),
            Self::Url(_) => None,
        }
    }
}

/// Whether the artifacts directory has the artifact, as it should be: what a run would find out when it fetches it.
///
/// # Errors
/// It is missing, nothing states its checksum, or it has another one. What comes from the network is not looked at.
pub fn check_in_folder(artifact: &Artifact) -> Result<(), StepError> {
    let ArtifactOrigin::Directory(folder) = &artifact.origin else { return Ok(()) };
    let name = &artifact.name;
    let path = folder.join(name);
    let file = open_artifact(&path)?;
    let (wanted, place) = match &artifact.checksum {
        ChecksumSource::DirectorySums { files } => (in_folder_sums(folder, files, name)?, files.join(" or ")),
        ChecksumSource::Pinned(sum) | ChecksumSource::BuiltIn(sum) => (Some(sum.clone()), String::new()),
        ChecksumSource::SumFile { .. }
        | ChecksumSource::GithubRelease { .. }
        | ChecksumSource::ChartIndex => {
            return Ok(());
        }
    };
    let wanted = wanted.ok_or_else(|| StepError::NoChecksum { name: name.clone(), place })?;
    let found = sha256_of(file).map_err(StepError::staging("read", &path))?;
    if found == wanted.to_string() {
        return Ok(());
    }
    Err(StepError::Checksum { path, wanted, found, is_html: false })
}

/// Opens a file of the artifacts directory. Artifacts and sum files are worth no more than the directory: whoever could change
/// both together would decide what root executes.
fn open_artifact(file: &Path) -> Result<File, StepError> {
    disk::open_own(file).map_err(|error| match error {
        DiskError::Missing { path } => StepError::NoArtifact(path),
        error => StepError::Artifact(error),
    })
}

/// What the first sum file that names the artifact states. A file that is about one artifact need not name it, and one of them
/// is enough; one that is there and cannot be used is told, or it would seem not to name the artifact.
fn in_folder_sums(folder: &Path, files: &[String], name: &str) -> Result<Option<Sha256Sum>, StepError> {
    for file in files {
        let (path, mut bytes) = (folder.join(file), Vec::new());
        let sums = match open_artifact(&path) {
            Err(StepError::NoArtifact(_)) => continue,
            opened => opened?,
        };
        let read = sums.take(MAX_CHECKSUM_FILE_BYTES).read_to_end(&mut bytes);
        read.map_err(StepError::staging("read", &path))?;
        let text = String::from_utf8_lossy(&bytes);
        let about_it_alone = file.strip_prefix(name).is_some();
        let stated = if about_it_alone { in_sum_file(&text, name) } else { named_in_sum_file(&text, name) };
        if stated.is_some() {
            return Ok(stated);
        }
    }
    Ok(None)
}

/// Whether it looks like the page of a captive portal or an error.
fn is_html(scratch: &mut Scratch) -> bool {
    let start = scratch.start(256).unwrap_or_default();
    let text = String::from_utf8_lossy(&start).trim_start().to_ascii_lowercase();
    text.starts_with("<!doctype") || text.starts_with("<html")
}
