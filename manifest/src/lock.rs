//! At most one mutating run at a time, per runs directory and per host.
//!
//! The lock of the host alone would not do: `/run/lock` may be another file system in a container that shares the runs
//! directory. That of the runs directory alone would not either: two runs may use different ones. The host comes
//! first for everybody, so that two runs cannot wait for each other; neither waits anyway, since an operator is better
//! served by an answer than by a silent queue.

use std::fs::{File, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use privacy::disk::{DiskError, Owner, PrivateDir};

use crate::error::{LockHolder, ManifestError};
use crate::runs_dir::RunsDir;

const RUNS_LOCK: &str = "bootstrap.lock";
const MAX_HOLDER_BYTES: u64 = 1024;

/// The right to change the host, held until dropped. It ends with the process, however that ends.
///
/// Runs and rollbacks that apply take it; dry runs and plans do not, so any number of them work side by side.
#[derive(Debug)]
pub struct RunLock {
    _host: LockedFile,
    _runs: LockedFile,
}

impl RunLock {
    /// The lock file of the host. Everybody may make files in this directory, and everybody must be able to: a run
    /// under sudo and a run that calls sudo itself belong to different users and must still keep each other out.
    pub const HOST: &str = "/run/lock/productive-k3s.lock";

    /// Takes the lock of the host at `host` (see [`Self::HOST`]), then that of `runs`.
    ///
    /// # Errors
    /// [`ManifestError::Held`] if another run holds either, [`ManifestError::Lock`] if the file system cannot lock,
    /// [`ManifestError::Disk`] if a lock file is a link or has several hard links.
    pub fn acquire(runs: &RunsDir, host: &Path, holder: &LockHolder) -> Result<Self, ManifestError> {
        let name = host.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| DiskError::InvalidName { path: host.to_owned() })?;
        // Not the user who called sudo: the file is for all users, and its owner could take it away from the others.
        let dir = PrivateDir::create_for(host.parent().unwrap_or(Path::new("/")), Owner::Process)?;
        let file = dir.open_or_create_file(name)?;
        open_to_all(&file).map_err(|source| ManifestError::Lock { path: host.to_owned(), source })?;
        let host = LockedFile::take(file, host, holder)?;
        let file = runs.dir.open_or_create_file(RUNS_LOCK)?;
        let runs = LockedFile::take(file, &runs.dir.path_of(RUNS_LOCK), holder)?;
        Ok(Self { _host: host, _runs: runs })
    }
}

/// Lets every user lock the file and name themselves in it, if it is ours to let.
fn open_to_all(file: &File) -> io::Result<()> {
    const MODE: u32 = 0o666;
    let data = file.metadata()?;
    if data.uid() == rustix::process::geteuid().as_raw() && data.mode() & 0o777 != MODE {
        file.set_permissions(Permissions::from_mode(MODE))?;
    }
    Ok(())
}

#[derive(Debug)]
struct LockedFile(File);

impl LockedFile {
    fn take(mut file: File, path: &Path, holder: &LockHolder) -> Result<Self, ManifestError> {
        match file.try_lock() {
            Ok(()) => {}
            // The holder is read from the locked file: the lock is advisory, so reading needs no lock.
            Err(TryLockError::WouldBlock) => {
                return Err(ManifestError::Held { path: path.to_owned(), holder: read_holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => {
                return Err(ManifestError::Lock { path: path.to_owned(), source });
            }
        }
        write_holder(&mut file, holder)
            .map_err(|source| ManifestError::Lock { path: path.to_owned(), source })?;
        Ok(Self(file))
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // So that the next holder, who may be asked for before it has named itself, is not taken for this one.
        let _ = self.0.set_len(0);
    }
}

fn write_holder(file: &mut File, holder: &LockHolder) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(&serde_json::to_vec(holder)?)
}

/// Everybody may have written to the file: only what has the form of a holder is shown.
fn read_holder(file: &mut File) -> Option<LockHolder> {
    let mut bytes = Vec::new();
    file.rewind().ok()?;
    file.take(MAX_HOLDER_BYTES).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}
