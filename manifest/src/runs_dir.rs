//! The directory that holds the files of all runs, and the files of one run while its process lives.
//!
//! Whether a run is still in progress is decided by an advisory lock (flock(2)) on its log. A file with the process id
//! was rejected: ids are reused, and no process removes the file of one that was killed. The kernel releases a lock
//! with its last descriptor, whatever ends the process. The disadvantage is that a child that inherits the descriptor
//! keeps the run alive, so the log is opened with `O_CLOEXEC` and never inherited.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use privacy::Gate;
use privacy::disk::{DiskError, PrivateDir};
use schema::{Execution, RunManifest, Status};

use crate::context::PrivateContext;
use crate::error::ManifestError;
use crate::run_id::RunId;

/// The directory that holds the files of all runs, held open. Clones share it.
///
/// ```
/// use manifest::{ManifestError, RunId, RunsDir};
/// use privacy::Gate;
/// use schema::{
///     Arch, Execution, Finish, Id, Mode, OsFamily, OsId, OsVersion, Platform, RunManifest, Support, UtcSeconds,
/// };
///
/// let parent = tempfile::tempdir()?;
/// let runs = RunsDir::open_or_create(&parent.path().join("runs"))?;
/// let run = RunId::new(Id::parse("9f86d081884c7d65")?);
///
/// // Claim the id. The run counts as running for as long as `files` lives, and nobody else can claim the id.
/// let files = runs.claim(&run)?;
/// assert!(runs.is_running(&run)?);
/// assert!(matches!(runs.claim(&run), Err(ManifestError::IdTaken { .. })));
///
/// // Write the public manifest. Only what passes the gate reaches the disk.
/// let platform = Platform {
///     support: Support::Supported,
///     os_family: OsFamily::Debian,
///     os_id: OsId::Debian,
///     os_version: OsVersion::parse("13")?,
///     arch: Arch::Amd64,
/// };
/// let started_at = UtcSeconds::parse("2026-11-22T07:50:02Z")?;
/// let mut record =
///     RunManifest::begin(run.id().clone(), Execution::DryRun, Mode::Server, platform, started_at);
/// files.write_public(&record, &Gate::default())?;
/// record.finish(Finish::Success, 0, UtcSeconds::parse("2026-11-22T07:56:14Z")?);
/// files.write_public(&record, &Gate::default())?;
/// assert!(runs.path().join("bootstrap-9f86d081884c7d65.json").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RunsDir {
    pub(crate) dir: Arc<PrivateDir>,
}

impl RunsDir {
    /// Opens the directory at `path`, or makes it with mode 0700, and sweeps temporary files of dead processes.
    ///
    /// # Errors
    /// [`ManifestError::Disk`], above all if the directory is a symbolic link or may be changed by every user.
    pub fn open_or_create(path: &Path) -> Result<Self, ManifestError> {
        let runs = Self::new(PrivateDir::create(path)?);
        runs.sweep()?;
        Ok(runs)
    }

    /// As [`Self::open_or_create`], for a run that changes the host. It must not be possible for other users to put
    /// another directory in its place: what is in it decides what root does, also for a user of sudo.
    ///
    /// # Errors
    /// [`DiskError::Replaceable`], which names the unsafe directory in the path; nothing is made then; and
    /// as [`Self::open_or_create`].
    pub fn open_or_create_for_change(path: &Path) -> Result<Self, ManifestError> {
        let runs = Self::new(PrivateDir::create_trusted(path)?);
        runs.sweep()?;
        Ok(runs)
    }

    /// Opens the directory at `path` and changes nothing in it.
    ///
    /// # Errors
    /// [`ManifestError::Disk`], with [`DiskError::Missing`] if it does not exist.
    pub fn open(path: &Path) -> Result<Self, ManifestError> {
        Ok(Self::new(PrivateDir::open(path)?))
    }

    /// As [`Self::open`], for what changes the host, see [`Self::open_or_create_for_change`].
    ///
    /// # Errors
    /// [`DiskError::Replaceable`], and as [`Self::open`].
    pub fn open_for_change(path: &Path) -> Result<Self, ManifestError> {
        Ok(Self::new(PrivateDir::open_trusted(path)?))
    }

    /// Opens the directory that the public manifest or private context at `path` is in, and tells which run it is of.
    ///
    /// # Errors
    /// [`ManifestError::NotARunFile`] if the file name is not that of either.
    pub fn of_file(path: &Path) -> Result<(Self, RunId), ManifestError> {
        let (dir, run) = dir_and_run(path)?;
        Ok((Self::open(dir)?, run))
    }

    /// As [`Self::of_file`], for a rollback that changes the host, see [`Self::open_or_create_for_change`].
    ///
    /// # Errors
    /// [`DiskError::Replaceable`], and as [`Self::of_file`].
    pub fn of_file_for_change(path: &Path) -> Result<(Self, RunId), ManifestError> {
        let (dir, run) = dir_and_run(path)?;
        Ok((Self::open_for_change(dir)?, run))
    }

    fn new(dir: PrivateDir) -> Self {
        Self { dir: Arc::new(dir) }
    }

    /// Removes temporary files of processes that died.
    ///
    /// # Errors
    /// [`ManifestError::Disk`] if the directory cannot be read.
    pub fn sweep(&self) -> Result<(), ManifestError> {
        self.dir.sweep()?;
        Ok(())
    }

    /// The open directory. Other files in it are reached through this and not by its path, which may now lead to
    /// another directory.
    pub fn directory(&self) -> &Arc<PrivateDir> {
        &self.dir
    }

    /// Where the directory is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where the public manifest of `run` is.
    pub fn public_path(&self, run: &RunId) -> PathBuf {
        self.dir.path_of(&run.public_name())
    }

    /// Where the private context of `run` is.
    pub fn private_path(&self, run: &RunId) -> PathBuf {
        self.dir.path_of(&run.private_name())
    }

    /// Where the log of `run` is.
    pub fn log_path(&self, run: &RunId) -> PathBuf {
        self.dir.path_of(&run.log_name())
    }

    /// Takes the id `run` for a new run: makes its log and locks it for as long as the result lives.
    ///
    /// # Errors
    /// [`ManifestError::IdTaken`] if any file of a run with this id is there; nothing is changed then, and the caller
    /// should take a fresh id.
    pub fn claim(&self, run: &RunId) -> Result<RunFiles, ManifestError> {
        let log = match self.dir.create_file(&run.log_name()) {
            Err(DiskError::Exists { path }) => return Err(ManifestError::IdTaken { path }),
            created => created?,
        };
        // The log is made first, so of two processes with the same id only one comes here. What is looked for now are
        // files of a finished run whose log was deleted.
        for name in [run.public_name(), run.private_name()] {
            if self.dir.contains(&name)? {
                self.dir.remove(&run.log_name())?;
                return Err(ManifestError::IdTaken { path: self.dir.path_of(&name) });
            }
        }
        log.try_lock().map_err(|error| self.lock_error(run, error))?;
        Ok(RunFiles::new(self.clone(), run.clone(), log))
    }

    /// Opens the files of a finished or dead run, as rollback does, and locks its log as [`Self::claim`] does.
    ///
    /// # Errors
    /// [`ManifestError::StillRunning`] if its process lives, or if another process has opened it in this way.
    pub fn reopen(&self, run: &RunId) -> Result<RunFiles, ManifestError> {
        let log = self.dir.open_or_create_file(&run.log_name())?;
        log.try_lock().map_err(|error| self.lock_error(run, error))?;
        Ok(RunFiles::new(self.clone(), run.clone(), log))
    }

    /// Whether a process lives that has claimed `run`. A run whose log is missing counts as dead: the log is made
    /// before any other file, so only a deletion can explain that it is missing.
    ///
    /// # Errors
    /// [`ManifestError::Lock`] if the file system cannot lock: then it is unknown.
    pub fn is_running(&self, run: &RunId) -> Result<bool, ManifestError> {
        let log = match self.dir.open_file(&run.log_name()) {
            Err(DiskError::Missing { .. }) => return Ok(false),
            opened => opened?,
        };
        // Shared, so that two checks at the same time do not see each other as the run.
        match log.try_lock_shared().map_err(|error| self.lock_error(run, error)) {
            Ok(()) => Ok(false),
            Err(ManifestError::StillRunning { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Reads the private context of `run`.
    ///
    /// # Errors
    /// [`ManifestError::Disk`] if it is missing, too large or not ours; [`ManifestError::Damaged`],
    /// [`ManifestError::UnknownVersion`] or [`ManifestError::OtherRun`] if its content is not what this program writes.
    pub fn load_private(&self, run: &RunId) -> Result<PrivateContext, ManifestError> {
        let bytes = self.dir.read_obeyed(&run.private_name(), PrivateContext::MAX_BYTES)?;
        PrivateContext::parse(&bytes, run, &self.private_path(run))
    }

    pub(crate) fn lock_error(&self, run: &RunId, error: TryLockError) -> ManifestError {
        match error {
            TryLockError::WouldBlock => ManifestError::StillRunning { path: self.private_path(run) },
            TryLockError::Error(source) => ManifestError::Lock { path: self.log_path(run), source },
        }
    }
}

/// The files of one run. While this value lives, the run counts as running; when it is dropped or its process dies, not.
#[derive(Debug)]
pub struct RunFiles {
    runs: RunsDir,
    run: RunId,
    log: File,
}

impl RunFiles {
    pub(crate) fn new(runs: RunsDir, run: RunId, log: File) -> Self {
        Self { runs, run, log }
    }

    /// The id of the run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The directory they are in.
    pub fn runs(&self) -> &RunsDir {
        &self.runs
    }

    /// Another handle of the log, open for appending. It shares the lock: a child process must not inherit it, or the
    /// run would count as running for as long as the child lives.
    ///
    /// # Errors
    /// What the system says when it has no descriptor left.
    pub fn log(&self) -> io::Result<File> {
        self.log.try_clone()
    }

    /// Replaces the public manifest with `manifest` if it passes the gate.
    ///
    /// # Errors
    /// [`ManifestError::Rejected`] if the gate refuses it. The run continues with a warning, and the former public
    /// manifest is removed: it would still say `running`, and the next start would treat the run as dead.
    pub fn write_public(&self, manifest: &RunManifest, gate: &Gate) -> Result<(), ManifestError> {
        let written = publish(&self.runs.dir, &self.run, manifest, gate);
        // The log and the private context stay: the run can still be rolled back.
        if matches!(written, Err(ManifestError::Rejected(_))) {
            self.runs.dir.remove(&self.run.public_name())?;
        }
        written
    }

    /// Replaces the private context with `context`. It does not pass the gate: it is made to hold local names.
    ///
    /// # Errors
    /// [`ManifestError::OtherRun`] if it is that of another run, [`ManifestError::Unwritable`] if a path is not UTF-8.
    pub fn write_private(&self, context: &PrivateContext) -> Result<(), ManifestError> {
        write_private(&self.runs.dir, &self.run, context)
    }
}

/// The directory that a file of a run is in, and the run.
fn dir_and_run(path: &Path) -> Result<(&Path, RunId), ManifestError> {
    let name = path.file_name().and_then(|name| name.to_str());
    let run = name.and_then(RunId::from_file_name);
    let run = run.ok_or_else(|| ManifestError::NotARunFile { path: path.to_owned() })?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok((parent.unwrap_or(Path::new(".")), run))
}

/// Writes the public manifest of `run`, vetted. Recovery calls it too, without the files of a living run.
pub(crate) fn publish(
    dir: &PrivateDir,
    run: &RunId,
    manifest: &RunManifest,
    gate: &Gate,
) -> Result<(), ManifestError> {
    if manifest.run_id != *run.id() {
        return Err(ManifestError::OtherRun { path: dir.path_of(&run.public_name()) });
    }
    let vetted = gate.vet(manifest).map_err(ManifestError::Rejected)?;
    let (name, bytes) = (run.public_name(), vetted.as_bytes());
    let written = if waits_for_disk(manifest.execution, manifest.status) {
        dir.write_atomic(&name, bytes)
    } else {
        dir.write_atomic_unsynced(&name, bytes)
    };
    Ok(written?)
}

pub(crate) fn write_private(
    dir: &PrivateDir,
    run: &RunId,
    context: &PrivateContext,
) -> Result<(), ManifestError> {
    let path = dir.path_of(&run.private_name());
    let bytes = context.to_bytes(run, &path)?;
    // Rollback acts on it: under sudo it must not belong to the caller, who could write anything into it.
    let name = run.private_name();
    let written = if waits_for_disk(context.execution, context.status) {
        dir.write_atomic_own(&name, &bytes)
    } else {
        dir.write_atomic_own_unsynced(&name, &bytes)
    };
    Ok(written?)
}

/// A dry run changes nothing that a power failure could leave half-done, so only its last state must survive one. Each
/// wait for the disk may take tens of milliseconds.
fn waits_for_disk(execution: Execution, status: Status) -> bool {
    execution == Execution::Apply || status != Status::Running
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_the_course_of_a_dry_run_waits_for_the_disk() {
        let waits = |execution| {
            [Status::Running, Status::Success, Status::Failed, Status::Interrupted]
                .map(|status| waits_for_disk(execution, status))
        };
        assert_eq!(waits(Execution::Apply), [true; 4]);
        assert_eq!(waits(Execution::DryRun), [false, true, true, true]);
    }
}
