//! Files in the home directory of the user who called.
//!
//! Under sudo, root acts in a directory that the caller can change at any moment. Everything happens relative to the open
//! directory, which must belong to the caller; links are not followed; and what is made is the caller's, for the caller
//! alone. So nothing happens there that the caller could not have done, whatever is swapped meanwhile. A command that sudo
//! runs as the caller was given up: it would depend on a policy that need not allow it.

use std::path::{Path, PathBuf};

use privacy::disk::{DiskError, Owner, PrivateDir};

use super::{FileError, FileStatus, Host, ProbeError};

/// A kubeconfig of some clusters has a few kilobytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Mode of a file that is its owner's alone.
const PRIVATE: u32 = 0o600;

impl Host {
    /// The home directory of the user who called: of sudo's caller, or else of the user of this process.
    ///
    /// # Errors
    /// Nothing names one.
    pub fn caller_home(&self) -> Result<PathBuf, ProbeError> {
        let owner = Owner::from_env();
        // Under sudo the variable may be root's or the caller's: that depends on the policy.
        let variable = std::env::var_os("HOME").map(PathBuf::from).filter(|_| owner == Owner::Process);
        if let Some(home) = variable.filter(|home| home.is_absolute()) {
            return Ok(home);
        }
        let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(owner.uid())).ok().flatten();
        let home = user.map(|user| user.dir);
        home.filter(|home| home.is_absolute()).ok_or_else(|| ProbeError::NothingToCompare {
            what: "the user who called has no home directory".to_owned(),
        })
    }

    /// The file at `path`, a file in a directory of the caller; `None` if it, or the directory, is not there.
    ///
    /// # Errors
    /// It is no regular file, or cannot be read.
    pub fn read_of_caller(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        let read =
            self.directory_of(path).and_then(|(directory, name)| directory.read_bounded(&name, MAX_BYTES));
        match read {
            Ok(bytes) => Ok(Some(bytes)),
            Err(DiskError::Missing { .. }) => Ok(None),
            Err(error) => Err(FileError::OfCaller(error)),
        }
    }

    /// Whether the file at `path` is its owner's alone.
    ///
    /// # Errors
    /// As [`Host::file_status`].
    pub fn is_private(&self, path: &Path) -> Result<bool, FileError> {
        Ok(self.file_status(path)?.map(FileStatus::permissions) == Some(PRIVATE))
    }

    /// Gives the file at `path`, in a directory of the caller, its content. It is the caller's, with mode 0600.
    ///
    /// # Errors
    /// The old file is as it was. The directory is another user's, or a link is in the way.
    pub fn write_of_caller(&self, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
        let (directory, name) = self.own_directory_of(path)?;
        directory.write_atomic(&name, bytes).map_err(FileError::OfCaller)
    }

    /// Makes the directory at `path`, in a directory of the caller, with mode 0700.
    ///
    /// # Errors
    /// The directory above it is another user's, or a link is in the way.
    pub fn make_directory_of_caller(&self, path: &Path) -> Result<(), FileError> {
        let (above, name) = self.own_directory_of(path)?;
        above.create_dir(&name).map(drop).map_err(FileError::OfCaller)
    }

    /// Removes the file at `path`, in a directory of the caller, if it has this SHA-256; that it is gone is no error.
    ///
    /// # Errors
    /// It is another file by now, the directory is another user's, or a link is in the way.
    pub fn remove_of_caller(&self, path: &Path, sha256: &str) -> Result<(), FileError> {
        let (directory, name) = match self.own_directory_of(path) {
            Err(FileError::OfCaller(DiskError::Missing { .. })) => return Ok(()),
            opened => opened?,
        };
        match directory.read_bounded(&name, MAX_BYTES) {
            Ok(bytes) if manifest::sha256_hex(&bytes) == sha256 => {
                directory.remove(&name).map_err(FileError::OfCaller)
            }
            Ok(_) => Err(FileError::Kind { path: path.to_owned(), wanted: "what the run wrote" }),
            Err(DiskError::Missing { .. }) => Ok(()),
            Err(error) => Err(FileError::OfCaller(error)),
        }
    }

    fn own_directory_of(&self, path: &Path) -> Result<(PrivateDir, String), FileError> {
        let (directory, name) = self.directory_of(path).map_err(FileError::OfCaller)?;
        directory.check_own().map_err(FileError::OfCaller)?;
        Ok((directory, name))
    }

    fn directory_of(&self, path: &Path) -> Result<(PrivateDir, String), DiskError> {
        let invalid = || DiskError::InvalidName { path: path.to_owned() };
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(invalid)?;
        let above = path.parent().ok_or_else(invalid)?;
        Ok((PrivateDir::open(&self.at(above))?, name.to_owned()))
    }
}
