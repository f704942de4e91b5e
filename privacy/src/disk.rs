//! The one way anything of ours reaches the disk.
//!
//! Files are 0600 from creation and replaced atomically, folders are 0700, symbolic links are refused, and under sudo
//! new files and folders belong to the invoking user. Everything below a [`Folder`] happens relative to its open
//! descriptor, so that nobody who may write to a parent can redirect it half-way. The prefix of a path may hold
//! symbolic links; its last part may not.

mod atomic;
mod error;
mod files;
mod folder;
mod open;
mod owner;

use std::path::Path;

pub use error::DiskError;
pub use folder::Folder;
pub use owner::Owner;

/// Replaces the file at `path` with `bytes`, see [`Folder::write_atomic`]. Its folder must be there.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let (folder, name) = parent_of(path)?;
    folder.write_atomic(&name, bytes)
}

/// Makes the folder at `path` and each missing folder above it, see [`Folder::create`].
pub fn create_dir_private(path: &Path) -> Result<(), DiskError> {
    Folder::create(path).map(drop)
}

/// Reads the file at `path` if it is a regular file of at most `limit` bytes, see [`Folder::read_bounded`].
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    let path = &folder::tidy(path);
    let file = open::read_only(rustix::fs::CWD, path, path)?;
    open::read_all(file, path, limit)
}

/// Appends `line` to the file at `path`, see [`Folder::append_line`]. Its folder must be there.
pub fn append_line(path: &Path, line: &str, limit: u64) -> Result<(), DiskError> {
    let (folder, name) = parent_of(path)?;
    folder.append_line(&name, line, limit)
}

fn parent_of(path: &Path) -> Result<(Folder, String), DiskError> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| DiskError::Name { path: path.to_owned() })?;
    Ok((Folder::open(folder::parent_or_here(path))?, name.to_owned()))
}
