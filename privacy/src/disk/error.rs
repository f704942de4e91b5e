//! What can go wrong on the disk.
//!
//! The variants are what an operator can act on, not the names of the system: several error numbers share a variant
//! where the advice is the same.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// A file or directory could not be used. Each variant has its own hint for the operator.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The last part of the path is a symbolic link, which is never followed.
    #[error("{path} is a symbolic link")]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// Something other than a regular file is at the path of a file.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// Something other than a directory is at the path of a directory.
    #[error("{path} is not a directory")]
    NotADirectory {
        /// What is there.
        path: PathBuf,
    },
    /// Another user could change the file or directory while it is in use.
    #[error("{path} is not safe to use: it {why}")]
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// What makes it unsafe.
        why: &'static str,
    },
    /// It belongs to a user whom this process does not act for.
    #[error("{path} belongs to another user")]
    Foreign {
        /// The file or directory.
        path: PathBuf,
    },
    /// Another user could replace it with another directory, now or before it is used the next time.
    #[error("another user can replace the directory: {ancestor} {why}")]
    Replaceable {
        /// The directory in its path, or the directory itself, that allows this.
        ancestor: PathBuf,
        /// What makes it possible.
        why: &'static str,
    },
    /// The file or directory is not there.
    #[error("{path} does not exist")]
    Missing {
        /// What was looked for.
        path: PathBuf,
    },
    /// The file is already there and must not be replaced.
    #[error("{path} exists already")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is larger than its kind may be.
    #[error("{path} is larger than {limit} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Largest size in bytes.
        limit: u64,
    },
    /// The last part of the path is not the name of one file.
    #[error("{path} does not end in a file name")]
    InvalidName {
        /// The path.
        path: PathBuf,
    },
    /// A permission is missing, or the file system is read-only.
    #[error("not allowed to {action} {path}")]
    Denied {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file system or the quota is full.
    #[error("no space left to {action} {path}")]
    NoSpace {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Any other fault.
    #[error("could not {action} {path}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DiskError {
    /// Classifies the error of the system for `action` on `path`.
    pub(super) fn new(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        let (path, source) = (path.to_owned(), source.into());
        match Errno::from_io_error(&source) {
            // With `O_NOFOLLOW`, this is what a symbolic link gives, open(2).
            Some(Errno::LOOP) => Self::Symlink { path },
            Some(Errno::NOENT) => Self::Missing { path },
            Some(Errno::EXIST) => Self::Exists { path },
            Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Self::Denied { action, path, source },
            // A file size limit (`ulimit -f`) looks like a full disk, and has a similar solution.
            Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => Self::NoSpace { action, path, source },
            _ => Self::Io { action, path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_said_is_sorted_by_the_hint_it_asks_for() {
        let sorted = |errno: Errno| DiskError::new("write", Path::new("/runs/x"), errno).to_string();
        assert_eq!(sorted(Errno::ROFS), "not allowed to write /runs/x");
        assert_eq!(sorted(Errno::ACCESS), "not allowed to write /runs/x");
        assert_eq!(sorted(Errno::NOSPC), "no space left to write /runs/x");
        assert_eq!(sorted(Errno::DQUOT), "no space left to write /runs/x");
        assert_eq!(sorted(Errno::LOOP), "/runs/x is a symbolic link");
        assert_eq!(sorted(Errno::NOENT), "/runs/x does not exist");
        assert_eq!(sorted(Errno::IO), "could not write /runs/x");
    }
}
