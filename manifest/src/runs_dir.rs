//! The folder that holds the files of all runs.

use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use privacy::disk::{DiskError, PrivateDir};

use crate::{ManifestError, PrivateContext, RunFiles, RunId};

/// The folder that holds the files of all runs, held open. Clones share it.
#[derive(Clone, Debug)]
pub struct RunsDir {
    pub(crate) folder: Arc<PrivateDir>,
}

impl RunsDir {
    /// Opens the folder at `path`, or makes it with mode 0700, and sweeps temporary files of dead processes.
    pub fn open_or_create(path: &Path) -> Result<Self, ManifestError> {
        let folder = PrivateDir::create(path)?;
        folder.sweep()?;
        Ok(Self { folder: Arc::new(folder) })
    }

    /// Opens the folder at `path` and changes nothing in it.
    pub fn open(path: &Path) -> Result<Self, ManifestError> {
        Ok(Self { folder: Arc::new(PrivateDir::open(path)?) })
    }

    /// Opens the folder that the public manifest or private context at `path` is in, and tells which run it is of.
    ///
    /// # Errors
    /// [`ManifestError::NotARunFile`] if the file name is not that of either.
    pub fn of_file(path: &Path) -> Result<(Self, RunId), ManifestError> {
        let name = path.file_name().and_then(|name| name.to_str());
        let run = name.and_then(RunId::of_file_name);
        let run = run.ok_or_else(|| ManifestError::NotARunFile { path: path.to_owned() })?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Ok((Self::open(parent.unwrap_or(Path::new(".")))?, run))
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the public manifest of `run` is.
    pub fn public_path(&self, run: &RunId) -> PathBuf {
        self.folder.path_of(&run.public_name())
    }

    /// Where the private context of `run` is.
    pub fn private_path(&self, run: &RunId) -> PathBuf {
        self.folder.path_of(&run.private_name())
    }

    /// Where the log of `run` is.
    pub fn log_path(&self, run: &RunId) -> PathBuf {
        self.folder.path_of(&run.log_name())
    }

    /// Takes the id `run` for a new run: makes its log and locks it for as long as the result lives.
    ///
    /// # Errors
    /// [`ManifestError::IdTaken`] if any file of a run with this id is there; nothing is changed then, and the caller
    /// should take a fresh id.
    pub fn claim(&self, run: &RunId) -> Result<RunFiles, ManifestError> {
        let log = match self.folder.create_file(&run.log_name()) {
            Err(DiskError::Exists { path }) => return Err(ManifestError::IdTaken { path }),
            created => created?,
        };
        for name in [run.public_name(), run.private_name()] {
            if self.folder.contains(&name)? {
                self.folder.remove(&run.log_name())?;
                return Err(ManifestError::IdTaken { path: self.folder.path_of(&name) });
            }
        }
        log.try_lock().map_err(|error| self.lock_error(run, error))?;
        Ok(RunFiles::new(self.clone(), run.clone(), log))
    }

    /// Takes over the files of a finished or dead run, as rollback does, and locks its log likewise.
    ///
    /// # Errors
    /// [`ManifestError::StillRunning`] if its process lives, or if another process has taken it over.
    pub fn reopen(&self, run: &RunId) -> Result<RunFiles, ManifestError> {
        let log = self.folder.open_or_create_file(&run.log_name())?;
        log.try_lock().map_err(|error| self.lock_error(run, error))?;
        Ok(RunFiles::new(self.clone(), run.clone(), log))
    }

    /// Whether a process lives that has claimed `run`. A run whose log is missing counts as dead: the log is made
    /// before any other file, so that only a deletion can have parted them.
    pub fn is_running(&self, run: &RunId) -> Result<bool, ManifestError> {
        let log = match self.folder.open_file(&run.log_name()) {
            Err(DiskError::Missing { .. }) => return Ok(false),
            opened => opened?,
        };
        // Shared, so that two who ask at once do not take each other for the run.
        match log.try_lock_shared().map_err(|error| self.lock_error(run, error)) {
            Ok(()) => Ok(false),
            Err(ManifestError::StillRunning { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Reads the private context of `run`, see [`PrivateContext`] for what is refused.
    pub fn load_private(&self, run: &RunId) -> Result<PrivateContext, ManifestError> {
        let bytes = self.folder.read_own(&run.private_name(), PrivateContext::MAX_BYTES)?;
        PrivateContext::parse(&bytes, run, &self.private_path(run))
    }

    pub(crate) fn lock_error(&self, run: &RunId, error: TryLockError) -> ManifestError {
        match error {
            TryLockError::WouldBlock => ManifestError::StillRunning { path: self.private_path(run) },
            TryLockError::Error(source) => ManifestError::Lock { path: self.log_path(run), source },
        }
    }
}
