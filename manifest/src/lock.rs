//! At most one mutating run at a time: the lock of a runs directory, and what any such lock is made of.
//!
//! The lock of the host, which the host seam of `bootstrap` takes, is not enough: `/run` is another file system in a
//! container that shares the runs directory. The lock of the runs directory is not enough either: two runs may use different
//! ones. A run never waits for a lock: an answer helps an operator more than a silent queue.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use crate::error::{LockHolder, ManifestError};
use crate::runs_dir::RunsDir;

const RUNS_LOCK: &str = "bootstrap.lock";
const MAX_HOLDER_BYTES: u64 = 1024;

/// A locked file that names its holder. The lock ends with this value, or with the process, whatever ends it.
#[derive(Debug)]
pub struct FileLock(File);

impl RunsDir {
    /// Takes the right to make changes that are recorded in this directory. Runs and rollbacks that apply take it; dry runs
    /// and plans do not, so any number of them work side by side.
    ///
    /// # Errors
    /// [`ManifestError::Held`] if another run holds it, [`ManifestError::Lock`] if the file system cannot lock,
    /// [`ManifestError::Disk`] if the lock file is a link or has several hard links.
    pub fn lock(&self, holder: &LockHolder) -> Result<FileLock, ManifestError> {
        let file = self.dir.open_or_create_file(RUNS_LOCK)?;
        FileLock::take(file, &self.dir.path_of(RUNS_LOCK), holder)
    }
}

impl FileLock {
    /// Locks `file`, which is open for reading and writing, and writes into it who does so. `path` is where it is.
    ///
    /// # Errors
    /// [`ManifestError::Held`] if another process has locked it, [`ManifestError::Lock`] if the file system cannot lock or the
    /// file cannot be written.
    pub fn take(mut file: File, path: &Path, holder: &LockHolder) -> Result<Self, ManifestError> {
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

impl Drop for FileLock {
    fn drop(&mut self) {
        // Another process may read the file before the next holder has written its name: it must not find this one.
        let _ = self.0.set_len(0);
    }
}

impl LockHolder {
    /// What a lock file says. It may be damaged or from another program: only the form of a holder is accepted.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

fn write_holder(file: &mut File, holder: &LockHolder) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(&serde_json::to_vec(holder)?)
}

fn read_holder(file: &mut File) -> Option<LockHolder> {
    let mut bytes = Vec::new();
    file.rewind().ok()?;
    file.take(MAX_HOLDER_BYTES).read_to_end(&mut bytes).ok()?;
    LockHolder::parse(&bytes)
}
