//! The command line of all tiers.

use std::path::PathBuf;

use anyhow::bail;

/// People type the command of xtask, so the usage shows that.
pub(crate) const USAGE: &str =
    "usage: cargo xtask e2e nspawn|k3s [--artifacts DIR] [--cache DIR] [--bootstrap FILE]

  --artifacts DIR   the files of a release of k3s, and of helm if there is a choice: k3s, install.sh,
                    their checksums, and k3s-airgap-images-*.tar.zst [default: the pinned one, downloaded]
  --cache DIR       where packages and what is built of them are kept
                    [default: productive-k3s-e2e in $XDG_CACHE_HOME or ~/.cache]
  --bootstrap FILE  the program to test, instead of the one that cargo builds";

/// The options that all tiers have.
#[derive(Default)]
pub(crate) struct Options {
    /// The directory with the files of a release.
    pub(crate) artifacts: Option<PathBuf>,
    /// Where packages and what is made of them are kept.
    pub(crate) cache: Option<PathBuf>,
    /// The program to test.
    pub(crate) bootstrap: Option<PathBuf>,
}

impl Options {
    /// Those of the command line after the name of the tier.
    ///
    /// # Errors
    /// There is one that no tier has; with the usage.
    pub(crate) fn parse(mut arguments: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self::default();
        loop {
            arguments = match arguments {
                [] => return Ok(options),
                ["--cache", directory, rest @ ..] => {
                    options.cache = Some(std::path::absolute(directory)?);
                    rest
                }
                ["--artifacts", directory, rest @ ..] => {
                    options.artifacts = Some(std::path::absolute(directory)?);
                    rest
                }
                ["--bootstrap", file, rest @ ..] => {
                    options.bootstrap = Some(std::path::absolute(file)?);
                    rest
                }
                _ => bail!("{USAGE}"),
            }
        }
    }
}
