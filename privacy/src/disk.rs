//! The one way in which our files reach the disk.
//!
//! Files are 0600 from creation and replaced atomically, directories are 0700, symbolic links are refused, and under
//! sudo new files and directories belong to the invoking user. Everything below a [`PrivateDir`] happens relative to its
//! open descriptor, so a user who may write to a parent cannot redirect it half-way. The prefix of a path may contain
//! symbolic links; its last part may not.
//!
//! Descriptors are preferred to checks of a path followed by its use: between the two, another user could put
//! a link there (CWE-367). The disadvantage: paths in errors are for people only, and may have moved meanwhile.

mod atomic;
mod error;
mod groups;
mod open;
mod owner;
mod private_dir;
mod walk;

use std::fs::File;
use std::path::Path;

pub use error::DiskError;
pub use owner::Owner;
pub use private_dir::PrivateDir;

/// Replaces the file at `path` with `bytes`, see [`PrivateDir::write_atomic`].
///
/// # Errors
/// [`DiskError::Missing`] if its directory is missing, and as [`PrivateDir::write_atomic`].
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let (dir, name) = parent_of(path)?;
    dir.write_atomic(&name, bytes)
}

/// Reads the file at `path` if it is a regular file of at most `limit` bytes, see [`PrivateDir::read_bounded`].
///
/// Its directory is not opened first: the file may be in a directory that [`PrivateDir::open`] refuses.
///
/// # Errors
/// As [`PrivateDir::read_bounded`].
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    let path = &open::without_trailing(path);
    let file = open::read_only(rustix::fs::CWD, path, path)?;
    open::read_all(file, path, limit)
}

/// Opens the regular file at `path`, whose content is acted on, for reading: only root, the user of this process and the
/// caller of sudo may change it, or put another one there. A group that may do so must be root's, or have nobody but the user.
/// Symbolic links are refused and FIFOs do not block.
///
/// # Errors
/// [`DiskError::Replaceable`], [`DiskError::Foreign`] or [`DiskError::Unsafe`] if the file is not to be trusted;
/// [`DiskError::Missing`], [`DiskError::Symlink`], [`DiskError::NotAFile`].
pub fn open_own(path: &Path) -> Result<File, DiskError> {
    let owner = Owner::from_env();
    let file = walk::open_file(path, owner)?;
    open::check_own(&file, path, owner)?;
    Ok(file)
}

/// Passes if only root, the user of this process and the caller of sudo can put something else at `path`: what root
/// checks there is then what root uses afterwards. Groups that may write to a directory of the system are trusted.
///
/// # Errors
/// [`DiskError::Replaceable`], which names the unsafe directory in the path.
pub fn check_not_replaceable(path: &Path) -> Result<(), DiskError> {
    walk::check_entry(path, Owner::from_env())
}

fn parent_of(path: &Path) -> Result<(PrivateDir, String), DiskError> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| DiskError::InvalidName { path: path.to_owned() })?;
    Ok((PrivateDir::open(open::parent_or_here(path))?, name.to_owned()))
}
