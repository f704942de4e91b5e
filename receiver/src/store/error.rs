//! Why an operation of a store failed.

use std::path::PathBuf;

use privacy::disk::DiskError;

use super::fault::PostgresFault;
use crate::disk_access::NotWritable;

/// Why an operation of a store failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The file or its directory cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file or its directory can only be read.
    #[error(transparent)]
    NotWritable(#[from] NotWritable),
    /// SQLite failed. Its messages name tables and columns, and no values.
    #[error("{}: {}: {}", path.display(), action, error)]
    Sqlite {
        /// The file of the store.
        path: PathBuf,
        /// The operation that failed.
        action: &'static str,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// Another program reads what was in the file before, so its log still has it.
    #[error(
        "{}: its log (-wal) cannot be written back while another program reads the file; try again when none does", path.display()
    )]
    LogInUse {
        /// The file of the store.
        path: PathBuf,
    },
    /// The file has the id again.
    #[error(
        "{}: has the id again: a document of it has arrived meanwhile; run the same command again", path.display()
    )]
    NotErased {
        /// The file of the store.
        path: PathBuf,
    },
    /// The file cannot be searched for what was erased.
    #[error("{}: cannot be searched for what was erased: {error}", path.display())]
    Search {
        /// The file of the store.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// PostgreSQL failed, or cannot be reached.
    #[error("{database}: {action}: {fault}")]
    Postgres {
        /// The database, without its password.
        database: String,
        /// The operation that failed.
        action: &'static str,
        /// What went wrong.
        fault: PostgresFault,
    },
    /// There is no store, or one without tables.
    #[error("{store}: there is no store; the start of the service and `receiver migrate` make one")]
    Missing {
        /// The store.
        store: String,
    },
    /// The tables are of an older build.
    #[error(
        "{store}: has tables of version {found}, and this build needs {needed}; the start of the service and `receiver migrate` upgrade them"
    )]
    Older {
        /// The store.
        store: String,
        /// Version of the tables.
        found: usize,
        /// Version that this build needs.
        needed: usize,
    },
    /// A newer build has changed the tables.
    #[error("{store}: has tables of version {found}, and this build knows {known}; use the newer build")]
    Newer {
        /// The store.
        store: String,
        /// Version of the tables.
        found: usize,
        /// Newest version that this build knows.
        known: usize,
    },
}

impl StoreError {
    /// The store has tables of the version `found`, and this build works with `known` only. Version 0 is no tables.
    pub(super) fn of_tables(store: String, found: usize, known: usize) -> Self {
        match found {
            0 => Self::Missing { store },
            newer if newer > known => Self::Newer { store, found, known },
            _ => Self::Older { store, found, needed: known },
        }
    }

    /// Whether one document is at fault, so that the others of its batch can be stored without it.
    pub(crate) fn is_about_a_row(&self) -> bool {
        use rusqlite::ErrorCode::{ConstraintViolation, TooBig, TypeMismatch};
        match self {
            Self::Sqlite { error, .. } => error
                .sqlite_error_code()
                .is_some_and(|code| [ConstraintViolation, TooBig, TypeMismatch].contains(&code)),
            Self::Postgres { fault, .. } => fault.is_about_a_row(),
            Self::Disk(_)
            | Self::NotWritable(_)
            | Self::LogInUse { .. }
            | Self::NotErased { .. }
            | Self::Search { .. }
            | Self::Missing { .. }
            | Self::Older { .. }
            | Self::Newer { .. } => false,
        }
    }

    /// Whether a server is temporarily unreachable or out of order, which only time or its operator changes. A wrong
    /// password or a missing database does not count: it is permanent.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::Postgres { fault, .. } if fault.is_outage())
    }
}
