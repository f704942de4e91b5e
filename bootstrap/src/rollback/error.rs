//! How an undo can fail.

use manifest::ManifestError;

use crate::host::{CommandError, FileError};

/// An undo failed; what it was about is as before or partly undone, and the same rollback can be run again.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// A command failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A file could not be read or changed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal could not be written; nothing is done without it.
    #[error("failed to write the journal: {0}")]
    Journal(#[from] ManifestError),
    /// It was changed at the last moment, or cannot be told.
    #[error("{0}")]
    State(String),
    /// It was deleted and did not go away.
    #[error("{what} is still there after {seconds} s")]
    Stays {
        /// What was deleted.
        what: String,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// A signal arrived while something was waited for.
    #[error("stopped")]
    Stopped,
}

impl UndoError {
    /// Last lines of the output of a command.
    pub fn tail(&self) -> &[String] {
        match self {
            Self::Command(error) | Self::File(FileError::Command(error)) => error.tail(),
            _ => &[],
        }
    }
}
