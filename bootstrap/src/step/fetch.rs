//! Bringing artifacts to this machine. What does not have the checksum that its release promises never gets its name.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use privacy::disk;
use sha2::{Digest, Sha256};

use super::artifact::{
    Artifact, ChecksumSource, Origin, Sha256Sum, checksum_path, in_chart_index, in_github_release,
    in_sum_file, named_in_sum_file,
};
use super::command::download;
use super::error::StepError;
use super::executor::{Effect, Executor};

/// Texts about artifacts are smaller than this; the index of a chart repository is the largest.
const MAX_CHECKSUM_FILE_BYTES: u64 = 64 * 1024 * 1024;

impl Executor<'_> {
    /// An artifact changes nothing on the host before it is installed, so it is not in the journal.
    pub(super) fn fetch(&mut self, artifact: &Artifact, to: &Path) -> Result<Effect, StepError> {
        if let Some(folder) = to.parent() {
            disk::create_dir_private(folder)?;
        }
        if let (Origin::Folder(folder), true) = (&artifact.origin, artifact.optional)
            && !folder.join(&artifact.name).exists()
        {
            return Ok(Effect::Unchanged);
        }
        let Source { from, wanted } = self.source(artifact, to)?;
        if to.exists() && sum_of(to)? == wanted {
            return Ok(Effect::Unchanged);
        }
        let part = to.with_file_name(format!("{}.part", artifact.name));
        match from {
            From::Url(url) => self.download(&url, &part)?,
            From::File(file) => copy(&file, &part)?,
        }
        let found = sum_of(&part)?;
        if found != wanted {
            let is_html = is_html(&part);
            let _ = fs::remove_file(&part);
            return Err(StepError::Checksum { path: to.to_owned(), wanted, found, is_html });
        }
        fs::rename(&part, to).map_err(StepError::staging("rename", &part))?;
        Ok(Effect::Changed)
    }

    fn source(&self, artifact: &Artifact, to: &Path) -> Result<Source, StepError> {
        let name = &artifact.name;
        let (from, stated) = match &artifact.origin {
            Origin::Url(url) => (From::Url(url.clone()), None),
            Origin::Folder(folder) => (From::File(in_folder(folder, name)?), None),
            Origin::Chart { repository, chart, version } => {
                let url = format!("{repository}/index.yaml");
                let index = self.text(&url, to)?;
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
                (From::Url(chart), digest)
            }
        };
        let (wanted, place) = match &artifact.checksum {
            ChecksumSource::Pinned(sum) => (Some(sum.clone()), String::new()),
            ChecksumSource::ChartIndex => (stated, "the index of the repository".to_owned()),
            ChecksumSource::SumFile { url, entry } => (in_sum_file(&self.text(url, to)?, entry), url.clone()),
            ChecksumSource::GithubRelease { url, asset } => {
                (in_github_release(&self.text(url, to)?, asset), url.clone())
            }
            ChecksumSource::FolderSums { files } => {
                (from.folder().and_then(|folder| in_folder_sums(folder, files, name)), files.join(" or "))
            }
        };
        let wanted = wanted.ok_or_else(|| StepError::NoChecksum { name: name.clone(), place })?;
        Ok(Source { from, wanted })
    }

    fn text(&self, url: &str, to: &Path) -> Result<String, StepError> {
        let file = checksum_path(to);
        self.download(url, &file)?;
        let bytes = disk::read_bounded(&file, MAX_CHECKSUM_FILE_BYTES)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn download(&self, url: &str, to: &Path) -> Result<(), StepError> {
        let _ = fs::remove_file(to);
        match self.host.run(&download(url, to)) {
            Ok(_) if to.exists() => Ok(()),
            Ok(_) => Err(StepError::NothingFetched { url: url.to_owned() }),
            Err(error) => Err(StepError::from_download(error)),
        }
    }
}

struct Source {
    from: From,
    wanted: Sha256Sum,
}

enum From {
    Url(String),
    File(PathBuf),
}

impl From {
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::File(file) => file.parent(),
            Self::Url(_) => None,
        }
    }
}

/// The checksum of the file at `path`, read in pieces.
pub(super) fn sum_of(path: &Path) -> Result<Sha256Sum, StepError> {
    let mut file = fs::File::open(path).map_err(StepError::staging("open", path))?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut piece).map_err(StepError::staging("read", path))? {
            0 => return Ok(Sha256Sum::from_digest(&hash.finalize())),
            read => hash.update(&piece[..read]),
        }
    }
}

fn in_folder(folder: &Path, name: &str) -> Result<PathBuf, StepError> {
    let file = folder.join(name);
    if file.is_file() { Ok(file) } else { Err(StepError::NoArtifact(file)) }
}

/// The first sum file that names the artifact. A file that is about one artifact need not name it.
fn in_folder_sums(folder: &Path, files: &[String], name: &str) -> Option<Sha256Sum> {
    files.iter().find_map(|file| {
        let bytes = disk::read_bounded(&folder.join(file), MAX_CHECKSUM_FILE_BYTES).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let about_it_alone = file.strip_prefix(name).is_some();
        if about_it_alone { in_sum_file(&text, name) } else { named_in_sum_file(&text, name) }
    })
}

fn copy(from: &Path, to: &Path) -> Result<(), StepError> {
    fs::copy(from, to).map(drop).map_err(StepError::staging("copy", from))
}

fn is_html(path: &Path) -> bool {
    let mut start = [0; 256];
    let read = fs::File::open(path).and_then(|mut file| file.read(&mut start)).unwrap_or(0);
    let text = String::from_utf8_lossy(&start[..read]).trim_start().to_ascii_lowercase();
    text.starts_with("<!doctype html") || text.starts_with("<html")
}
