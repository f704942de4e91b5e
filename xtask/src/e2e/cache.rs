//! The folder outside the repository in which packages and what is built of them are kept.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The folder, held by this process alone.
pub(super) struct Cache {
    folder: PathBuf,
    _lock: File,
}

impl Cache {
    /// Opens the folder, and makes it if it is missing.
    pub(super) fn open(folder: Option<PathBuf>) -> anyhow::Result<Self> {
        let folder = match folder {
            Some(folder) => folder,
            None => default_folder()
                .context("neither XDG_CACHE_HOME nor HOME is set; name a folder with --cache")?,
        };
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let lock = File::create(folder.join("lock"))?;
        if lock.try_lock().is_err() {
            bail!("another e2e run uses {}", folder.display());
        }
        Ok(Self { folder, _lock: lock })
    }

    /// A path below the folder.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Makes what is missing at `path`: `make` gets an empty folder whose content counts only once `make` has ended
    /// well. Returns whether it had to be made.
    pub(super) fn once(
        &self,
        path: &str,
        make: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let (done, part) = (self.at(path), self.at(&format!("{path}.part")));
        if done.exists() {
            return Ok(false);
        }
        remove(&part)?;
        fs::create_dir_all(&part)?;
        make(&part)?;
        fs::rename(&part, &done).with_context(|| format!("cannot rename {}", part.display()))?;
        Ok(true)
    }
}

fn default_folder() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(caches.join("productive-k3s-e2e"))
}

/// A scratch folder of this process below the cache. It stays until the next run: it holds the logs.
pub(super) struct Work(PathBuf);

impl Work {
    /// An empty one, in place of that of the run before.
    pub(super) fn new(cache: &Cache) -> anyhow::Result<Self> {
        let folder = cache.at("work");
        remove(&folder)?;
        fs::create_dir(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self(folder))
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a folder in it.
    pub(super) fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.0.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
