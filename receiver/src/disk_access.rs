//! Whether this process could write where documents are to be kept, asked without writing anything.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

/// A file or a directory that this process may not write to.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written: {error}; run the service as a user who may, or give it to that user", path.display())]
pub(crate) struct NotWritable {
    path: PathBuf,
    error: io::Error,
}

/// A directory as far as it exists: itself, or the nearest one above it, in which it would be made.
pub(crate) fn existing(directory: &Path) -> &Path {
    let above = directory.ancestors().find(|path| path.exists());
    above.unwrap_or(Path::new("."))
}

/// Passes if this process could make files in a directory, or could make the directory first.
///
/// # Errors
/// The directory, or the nearest one above it, cannot be written by this user or at all.
pub(crate) fn check_directory(directory: &Path) -> Result<(), NotWritable> {
    check(existing(directory), Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)
}

/// Passes if this process could read and write a file, or there is none.
///
/// # Errors
/// The file cannot be read or written by this user or at all.
pub(crate) fn check_file(file: &Path) -> Result<(), NotWritable> {
    if file.exists() { check(file, Access::READ_OK | Access::WRITE_OK) } else { Ok(()) }
}

fn check(path: &Path, access: Access) -> Result<(), NotWritable> {
    // With EACCESS, for the user whose permissions this process has, whoever started it.
    accessat(CWD, path, access, AtFlags::EACCESS)
        .map_err(|error| NotWritable { path: path.to_owned(), error: error.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_exist_would_be_made_in_the_nearest_directory_above() {
        let scratch = tempfile::tempdir().expect("a directory");
        assert_eq!(existing(&scratch.path().join("new/deep")), scratch.path());
        assert_eq!(existing(scratch.path()), scratch.path());
        assert_eq!(existing(Path::new("no-such-directory/deep")), Path::new("."));
        assert!(check_directory(&scratch.path().join("new/deep")).is_ok());
        assert!(check_file(&scratch.path().join("none")).is_ok());
    }
}
