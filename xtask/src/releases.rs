//! Released versions of the contract: frozen copies that nothing changes any more.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::{contract, workspace};

/// A semantic version without pre-release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) patch: u32,
}

impl FromStr for Version {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let numbers: Vec<u32> = text
            .split('.')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .with_context(|| format!("{text:?} is not a version of the contract"))?;
        let [major, minor, patch] = numbers[..] else { bail!("{text:?} is not a version of the contract") };
        Ok(Self { major, minor, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Version of today's contract.
pub(crate) fn current() -> anyhow::Result<Version> {
    schema::CONTRACT_VERSION.parse()
}

/// One frozen copy.
#[derive(Clone, Debug)]
pub(crate) struct ContractRelease {
    pub(crate) version: Version,
    pub(crate) directory: PathBuf,
}

impl ContractRelease {
    /// Whether its documents must still pass.
    pub(crate) fn is_of_this_major(&self) -> bool {
        current().is_ok_and(|current| current.major == self.version.major)
    }

    /// Fails if a file does not match the release's own index.
    pub(crate) fn verify(&self) -> anyhow::Result<()> {
        let index = fs::read_to_string(self.directory.join("index.json"))
            .with_context(|| format!("release {} has no index", self.version))?;
        let index: Value = serde_json::from_str(&index)?;
        // By the release's own index: checksums anywhere else would have to be kept in step with it.
        for entry in index["files"].as_array().context("the index lists files")? {
            let path = entry["path"].as_str().context("an entry of the index has a path")?;
            let frozen = fs::read_to_string(self.directory.join(path))
                .with_context(|| format!("release {} lacks {path}", self.version))?;
            if entry["sha256"] != contract::sha256(&frozen) {
                bail!("{path} of release {} was changed after its release: restore it", self.version);
            }
        }
        Ok(())
    }
}

/// All releases, the oldest first.
pub(crate) fn all() -> anyhow::Result<Vec<ContractRelease>> {
    let directory = workspace::released();
    // Before the first release there is nothing to compare with.
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut releases = fs::read_dir(&directory)?
        .map(|entry| {
            let entry = entry?;
            let version = entry.file_name().to_string_lossy().parse()?;
            Ok(ContractRelease { version, directory: entry.path() })
        })
        .collect::<anyhow::Result<Vec<ContractRelease>>>()?;
    releases.sort_by_key(|release| release.version);
    Ok(releases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers_in_their_order() {
        let version = |text: &str| text.parse::<Version>();
        assert!(version("1.10.0").expect("a version") > version("1.9.9").expect("a version"));
        for text in ["", "1", "1.0", "1.0.0.0", "1.0.0-rc.1", "v1.0.0", "1.0.x"] {
            assert!(version(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_release_is_as_it_was_released() {
        for release in all().expect("releases") {
            release.verify().expect("untouched");
        }
    }

    #[test]
    fn documents_state_the_major_version() {
        assert_eq!(current().expect("a version").major.to_string(), schema::SCHEMA_VERSION);
    }
}
