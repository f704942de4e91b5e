//! Files that come from a release, each with the checksum that it must have.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::yaml;

/// A file of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its name in the artifacts directory.
    pub name: String,
    /// Where it comes from.
    pub origin: ArtifactOrigin,
    /// What it must be. Without a checksum nothing is installed.
    pub checksum: ChecksumSource,
}

/// Where an artifact comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArtifactOrigin {
    /// An `https` URL.
    Url(String),
    /// The URL that a chart repository's `index.yaml` names.
    Chart {
        /// `https` URL of the repository, without a slash at its end.
        repository: String,
        /// Name of the chart.
        chart: String,
        /// Version of the chart, without a `v`.
        version: String,
    },
    /// A directory of this host.
    Directory(PathBuf),
}

/// Where the checksum comes from that an artifact must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChecksumSource {
    /// The operator pinned it.
    Pinned(Sha256Sum),
    /// The program carries it.
    BuiltIn(Sha256Sum),
    /// A file of the release, in the form that `sha256sum` writes, names the artifact.
    SumFile {
        /// `https` URL of the file.
        url: String,
        /// How the file calls the artifact; a file with one bare sum need not name it.
        entry: String,
    },
    /// The description of the release on GitHub states the digest of each of its files.
    GithubRelease {
        /// `https` URL of the description.
        url: String,
        /// Name of the file in the release.
        asset: String,
    },
    /// The `index.yaml` of the chart repository states it.
    ChartIndex,
    /// A file in the artifacts directory, in the form that `sha256sum` writes: one of `files`, the first that is there.
    DirectorySums {
        /// Names of files that may hold it.
        files: Vec<String>,
    },
}

/// A SHA-256 checksum: 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sha256Sum(String);

impl Sha256Sum {
    /// Reads a checksum, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The checksum of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(manifest::sha256_hex(bytes))
    }
}

impl fmt::Display for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ChecksumSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned(sum) => write!(f, "{sum} (pinned)"),
            Self::BuiltIn(sum) => write!(f, "{sum} (built in)"),
            Self::SumFile { url, entry } => {
                write!(f, "expected SHA-256 of {entry} from {url}")
            }
            Self::GithubRelease { url, asset } => {
                write!(f, "expected SHA-256 of {asset} from {url}")
            }
            Self::ChartIndex => f.write_str("expected SHA-256 from the chart index"),
            Self::DirectorySums { files } => {
                write!(f, "expected SHA-256 from {} in the same directory", files.join(" or "))
            }
        }
    }
}

/// The checksum of `entry` in the form that `sha256sum` writes. A file that holds one sum and no name is about `entry`
/// alone; a sum that names another file is never taken.
pub(super) fn in_sum_file(text: &str, entry: &str) -> Option<Sha256Sum> {
    let sums: Vec<(Sha256Sum, &str)> = text.lines().filter_map(sum_line).collect();
    match sums.as_slice() {
        [(only, "")] => Some(only.clone()),
        _ => named(&sums, entry),
    }
}

/// The checksum that a file about many artifacts has for `entry` by name.
pub(super) fn named_in_sum_file(text: &str, entry: &str) -> Option<Sha256Sum> {
    named(&text.lines().filter_map(sum_line).collect::<Vec<_>>(), entry)
}

/// The digest of `asset` in the description of a release on GitHub.
pub(super) fn in_github_release(text: &str, asset: &str) -> Option<Sha256Sum> {
    let release: Value = serde_json::from_str(text).ok()?;
    let assets = release.get("assets")?.as_array()?;
    let found = assets.iter().find(|found| found.get("name").and_then(Value::as_str) == Some(asset))?;
    Sha256Sum::parse(found.get("digest")?.as_str()?.strip_prefix("sha256:")?)
}

/// URL and digest of a chart in the `index.yaml` of `repository`.
pub(super) fn in_chart_index(
    text: &str,
    repository: &str,
    chart: &str,
    version: &str,
) -> Option<(String, Option<Sha256Sum>)> {
    let index: ChartIndexFile = yaml::document(text).ok()?;
    let plain = |version: &str| version.strip_prefix('v').unwrap_or(version).to_owned();
    let entry = index.entries.get(chart)?.iter().find(|entry| plain(&entry.version) == version)?;
    let url = entry.urls.first()?;
    let url = if url.contains("://") { url.clone() } else { format!("{repository}/{url}") };
    let digest = entry.digest.as_deref().map(|digest| digest.strip_prefix("sha256:").unwrap_or(digest));
    Some((url, digest.and_then(Sha256Sum::parse)))
}

#[derive(Deserialize)]
struct ChartIndexFile {
    entries: std::collections::BTreeMap<String, Vec<ChartEntry>>,
}

#[derive(Deserialize)]
struct ChartEntry {
    version: String,
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    digest: Option<String>,
}

fn sum_line(line: &str) -> Option<(Sha256Sum, &str)> {
    let (sum, name) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let name = name.trim_start().trim_start_matches('*');
    Some((Sha256Sum::parse(sum)?, name.strip_prefix("./").unwrap_or(name)))
}

fn named(sums: &[(Sha256Sum, &str)], entry: &str) -> Option<Sha256Sum> {
    sums.iter().find(|(_, name)| *name == entry).map(|(sum, _)| sum.clone())
}
