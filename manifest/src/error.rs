//! What can go wrong with the files of a run.
//!
//! The lock holder is defined here since [`ManifestError::Held`] carries it: an error that names the holder saves the
//! operator the search.

use std::fmt;
use std::io;
use std::path::PathBuf;

use privacy::disk::DiskError;
use schema::{Id, UtcSeconds};
use serde::{Deserialize, Serialize};

/// A run's files could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Another run has this id. Its files are left alone; a fresh id is the way out.
    #[error("{path} belongs to another run with the same id")]
    IdTaken {
        /// The file that exists already.
        path: PathBuf,
    },
    /// The path is not that of a run's public manifest or private context.
    #[error("{path} is not named bootstrap-<run id>.json or bootstrap-<run id>-private.json")]
    NotARunFile {
        /// The path that was given.
        path: PathBuf,
    },
    /// Another mutating run is in progress.
    #[error("{} holds {path}", holder.as_ref().map_or("another run".to_owned(), ToString::to_string))]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, if the file tells.
        holder: Option<LockHolder>,
    },
    /// The run is still in progress.
    #[error("the run of {path} is still running")]
    StillRunning {
        /// The private context of the run.
        path: PathBuf,
    },
    /// The file system cannot lock, so nothing prevents two runs at the same time.
    #[error("could not lock {path}")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The gate refused the public manifest, which was therefore not written, and the former one was removed.
    #[error("the public manifest was refused: {0}")]
    Rejected(privacy::Rejection),
    /// The private context is not what this program writes. What it holds instead is withheld: it may be private.
    #[error("{path} is damaged at line {line}, column {column}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Line of the first fault, from 1.
        line: usize,
        /// Column of the first fault, from 1.
        column: usize,
    },
    /// The record cannot be serialised, for example because a path is not UTF-8.
    #[error("{path} cannot be written: its content has no JSON form")]
    Unwritable {
        /// The file.
        path: PathBuf,
    },
    /// The private context is of a version that this program does not know.
    #[error("{path} has version {found}, and this program reads version {known}")]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// The version of the file.
        found: u64,
        /// The version of this program.
        known: u32,
    },
    /// The private context is that of another run than its name says.
    #[error("{path} was written by another run")]
    OtherRun {
        /// The file.
        path: PathBuf,
    },
    /// There are more records than are read.
    #[error("{unread} records in {path} were not read, because there are too many newer ones")]
    TooManyRecords {
        /// The runs directory.
        path: PathBuf,
        /// How many were not read.
        unread: usize,
    },
    /// The private context was written on another machine.
    #[error("{path} was written on another machine")]
    OtherMachine {
        /// The file.
        path: PathBuf,
    },
}

/// Who holds a lock, as the lock file tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockHolder {
    /// Its run.
    pub run_id: Id,
    /// Its process id. Process ids never leave the machine.
    pub pid: u32,
    /// When it started.
    pub started_at: UtcSeconds,
}

impl LockHolder {
    /// This process, for the run `run_id`.
    pub fn this_process(run_id: Id, started_at: UtcSeconds) -> Self {
        Self { run_id, pid: std::process::id(), started_at }
    }
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {} (process {}, since {})", self.run_id, self.pid, self.started_at)
    }
}
