//! What stays on this machine: packages and builds in a cache outside the repository, the scratch directory of one
//! invocation, and the copy of the program that is tested.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use tests::workspace;

use crate::process;

/// The directory, held by this process alone.
pub(crate) struct Cache {
    directory: PathBuf,
    _lock: File,
}

impl Cache {
    /// Opens the directory, and makes it if it is missing.
    pub(crate) fn open(directory: Option<PathBuf>) -> anyhow::Result<Self> {
        let directory = match directory {
            Some(directory) => directory,
            None => default_directory()
                .context("neither XDG_CACHE_HOME nor HOME is set; name a directory with --cache")?,
        };
        fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let lock = File::create(directory.join("lock"))?;
        // Two tiers at the same time would share the scratch directory and incomplete cache entries. The lock ends with the
        // process, so that a killed one leaves nothing to clean up.
        if lock.try_lock().is_err() {
            bail!("another e2e run uses {}", directory.display());
        }
        Ok(Self { directory, _lock: lock })
    }

    /// A path below the directory.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// Makes what is missing at `path`: `make` gets an empty directory whose content counts only once `make` has ended
    /// well. Returns whether it had to be made.
    pub(crate) fn once(
        &self,
        path: &str,
        make: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let (done, part) = (self.at(path), self.at(&format!("{path}.part")));
        if done.exists() {
            return Ok(false);
        }
        // What a run left here was interrupted: it is unknown which part is complete.
        remove(&part)?;
        fs::create_dir_all(&part)?;
        make(&part)?;
        fs::rename(&part, &done).with_context(|| format!("cannot rename {}", part.display()))?;
        Ok(true)
    }
}

fn default_directory() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(caches.join("productive-k3s-e2e"))
}

/// A scratch directory of this process below the cache. It stays until the next run: it holds the logs.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// An empty one, which replaces that of the run before.
    pub(crate) fn new(cache: &Cache) -> anyhow::Result<Self> {
        let directory = cache.at("work");
        remove(&directory)?;
        fs::create_dir(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(Self(directory))
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a directory in it.
    pub(crate) fn directory(&self, name: &str) -> anyhow::Result<PathBuf> {
        let directory = self.0.join(name);
        fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(directory)
    }
}

fn remove(directory: &Path) -> anyhow::Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    }
    Ok(())
}

/// Where machines see the scratch directory.
pub(crate) const SHARED: &str = "/e2e";

/// A copy of the program in the scratch directory, so that a build in the meantime does not change it.
pub(crate) struct Subject {
    /// Where machines see it.
    pub(crate) program: String,
}

impl Subject {
    /// Builds the program, unless it is given.
    pub(crate) fn get(given: Option<&Path>, scratch: &Scratch) -> anyhow::Result<Self> {
        let built = match given {
            Some(file) => file.to_owned(),
            None => build()?,
        };
        let copy = scratch.path().join("bootstrap");
        fs::copy(&built, copy).with_context(|| format!("cannot copy {}", built.display()))?;
        Ok(Self { program: format!("{SHARED}/bootstrap") })
    }
}

fn build() -> anyhow::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    process::output(
        Command::new(cargo).args(["build", "--quiet", "--package", "bootstrap"]).current_dir(workspace()),
    )?;
    // Asking Cargo for the path of its artifact would need its JSON messages; the two rules below are all that this
    // repository uses.
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    Ok(target.join("debug/bootstrap"))
}
