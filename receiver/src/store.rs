//! Where accepted documents are kept.
//!
//! An embedded SQLite file: one command and no server. One thread writes, in batches of one transaction each, so that a
//! sync of the disk is shared by all that wait for it.

mod sqlite;

use std::path::PathBuf;

use privacy::disk::DiskError;

pub(crate) use sqlite::SqliteStore;

/// Whether a document was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InsertOutcome {
    /// It is in the store from now on.
    New,
    /// It was there already, or came twice in one batch.
    Duplicate,
}

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The file or its directory cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// SQLite failed. Its messages name tables and columns, and no values.
    #[error("{}: {}: {}", path.display(), action, error)]
    Sqlite {
        /// The file of the store.
        path: PathBuf,
        /// What was to be done.
        action: &'static str,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// A newer build has changed the tables.
    #[error("{}: has tables of version {found}, and this build knows {known}; use the newer build", path.display())]
    Newer {
        /// The file of the store.
        path: PathBuf,
        /// Version of the tables.
        found: usize,
        /// Newest version that this build knows.
        known: usize,
    },
}

impl StoreError {
    /// Whether one document is at fault, so that the others of its batch can be stored without it.
    pub(crate) fn is_about_a_row(&self) -> bool {
        use rusqlite::ErrorCode::{ConstraintViolation, TooBig, TypeMismatch};
        let Self::Sqlite { error, .. } = self else { return false };
        error
            .sqlite_error_code()
            .is_some_and(|code| [ConstraintViolation, TooBig, TypeMismatch].contains(&code))
    }
}
