//! Replacing a file so that a crash leaves either the old or the new content.
//!
//! The new content is written to a temporary file beside the old one, synced, and renamed over it: rename(2) is atomic
//! within a file system. `O_TMPFILE` with linkat(2) was rejected, since linkat cannot replace an existing name.
//! A process that dies in between leaves its temporary file, which a later start sweeps.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use rustix::fs::{AtFlags, OFlags, fstat, fsync, renameat, statat, unlinkat};
use rustix::io::Errno;

use super::error::DiskError;
use super::open;
use super::owner::Owner;
use super::private_dir::PrivateDir;

/// Names of temporary files start with this, followed by process id and a counter.
const TEMPORARY: &str = ".tmp-bootstrap-";

/// At most this many leftovers are swept at one start.
const MAX_SWEPT_NAMES: usize = 65_536;

impl PrivateDir {
    /// Replaces the file `name` with `bytes`, or makes it: mode 0600 from creation, synced to disk before it gets its
    /// name, the directory synced after.
    ///
    /// # Errors
    /// If it fails, the old file is as it was. A symbolic link in the file's place is refused and not replaced.
    pub fn write_atomic(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.write(name, bytes, (Durability::Synced, self.owner, None))
    }

    /// As [`Self::write_atomic`], with `modified` as the modification time. The file has it before it gets its name, so
    /// that no crash leaves one that seems to be new.
    ///
    /// # Errors
    /// As [`Self::write_atomic`].
    pub fn write_atomic_dated(
        &self,
        name: &str,
        bytes: &[u8],
        modified: SystemTime,
    ) -> Result<(), DiskError> {
        self.write(name, bytes, (Durability::Synced, self.owner, Some(modified)))
    }

    /// As [`Self::write_atomic`], and the file belongs to the user of this process, also under sudo: for what this
    /// process will act on later, which no other user may be able to change.
    ///
    /// # Errors
    /// As [`Self::write_atomic`].
    pub fn write_atomic_own(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.write(name, bytes, (Durability::Synced, Owner::Process, None))
    }

    /// As [`Self::write_atomic_own`], without waiting for the disk.
    ///
    /// # Errors
    /// As [`Self::write_atomic`].
    pub fn write_atomic_own_unsynced(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.write(name, bytes, (Durability::Unsynced, Owner::Process, None))
    }

    /// As [`Self::write_atomic`], without waiting for the disk: the file survives the death of the process, but a power
    /// failure may lose it. For best-effort data that must not slow a run down.
    ///
    /// # Errors
    /// As [`Self::write_atomic`].
    pub fn write_atomic_unsynced(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.write(name, bytes, (Durability::Unsynced, self.owner, None))
    }

    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        (durability, owner, modified): (Durability, Owner, Option<SystemTime>),
    ) -> Result<(), DiskError> {
        let path = self.checked_path(name)?;
        open::replaceable(&self.fd, &path, name)?;
        let mut temporary = Temporary::create(self, owner)?;
        let failed = |error| DiskError::new("write", &path, error);
        temporary.file.write_all(bytes).map_err(failed)?;
        if let Some(modified) = modified {
            temporary.file.set_modified(modified).map_err(failed)?;
        }
        // Without the sync before the rename, ext4 and XFS may show an empty file of the new name after a power failure.
        if durability == Durability::Synced {
            temporary.file.sync_all().map_err(failed)?;
        }
        renameat(&self.fd, &temporary.name, &self.fd, name).map_err(|error| failed(error.into()))?;
        temporary.renamed = true;
        if durability == Durability::Synced { self.fsync().map_err(failed) } else { Ok(()) }
    }

    /// Syncs the content of the file `name`. Its name is synced by [`Self::sync_names`], once for many files.
    ///
    /// # Errors
    /// [`DiskError::Missing`] if there is none, [`DiskError::Io`] if the disk fails.
    pub fn sync_file(&self, name: &str) -> Result<(), DiskError> {
        self.open_file(name)?.sync_all().map_err(|error| DiskError::new("sync", &self.path_of(name), error))
    }

    /// Syncs which files have which names.
    ///
    /// # Errors
    /// [`DiskError::Io`] if the disk fails.
    pub fn sync_names(&self) -> Result<(), DiskError> {
        self.fsync().map_err(|error| DiskError::new("sync", self.path(), error))
    }

    fn fsync(&self) -> std::io::Result<()> {
        match fsync(&self.fd) {
            // Some file systems cannot sync a directory and keep the order of renames by themselves.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes temporary files that dead processes of ours left behind, and returns how many. Files that are being
    /// written, and files of other users, stay.
    ///
    /// # Errors
    /// [`DiskError::Io`] if the directory cannot be read. A file that cannot be removed is no error: it is not counted.
    pub fn sweep(&self) -> Result<usize, DiskError> {
        let names = self.names(MAX_SWEPT_NAMES)?;
        Ok(names.iter().filter(|name| is_temporary(name) && self.sweep_one(name).is_some()).count())
    }

    fn sweep_one(&self, name: &str) -> Option<()> {
        let file = self.open_file(name).ok()?;
        // A living writer holds the lock. The lock must outlive the removal, or a writer could take it in between.
        file.try_lock().ok()?;
        let stat = fstat(&file).ok().filter(|stat| self.owner.trusts(stat.st_uid))?;
        // The name may now belong to another file than the one that was opened; we have not locked that one.
        let named = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        (named.st_ino == stat.st_ino).then(|| unlinkat(&self.fd, name, AtFlags::empty()).ok())?
    }
}

/// Whether a file must survive a power failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    Synced,
    Unsynced,
}

/// A file that does not have its final name yet. It is removed if it never gets it.
struct Temporary<'dir> {
    dir: &'dir PrivateDir,
    name: String,
    file: File,
    renamed: bool,
}

impl<'dir> Temporary<'dir> {
    fn create(dir: &'dir PrivateDir, owner: Owner) -> Result<Self, DiskError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let name =
                format!("{TEMPORARY}{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
            let path = dir.path_of(&name);
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
            let file = match open::for_writing(&dir.fd, &path, Path::new(&name), flags) {
                // A leftover of a dead process that had the same process id.
                Err(DiskError::Exists { .. }) => continue,
                opened => opened?,
            };
            let temporary = Self { dir, name, file, renamed: false };
            // A sweep that saw the file before it was locked treats it as that of a dead process: it holds the lock
            // now, or has removed the file already. Where the file system has no locks, nothing is ever swept either.
            let locked = temporary.file.try_lock();
            if matches!(locked, Err(TryLockError::WouldBlock)) || temporary.is_removed() {
                continue;
            }
            open::secure(&temporary.file, owner).map_err(|error| DiskError::new("create", &path, error))?;
            return Ok(temporary);
        }
    }
}

impl Temporary<'_> {
    /// Whether the file has lost its name.
    fn is_removed(&self) -> bool {
        fstat(&self.file).is_ok_and(|stat| stat.st_nlink == 0)
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = unlinkat(&self.dir.fd, &self.name, AtFlags::empty());
        }
    }
}

fn is_temporary(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name.strip_prefix(TEMPORARY)
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(process, counter)| digits(process) && digits(counter))
}
