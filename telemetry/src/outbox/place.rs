//! Where an outbox is, and how it is reached.
//!
//! A path means what the directories in it are at that moment, and a user who can rename one of them decides that. So the
//! outbox in a runs directory is reached through the directory that the run holds open, and a delivery gets the open
//! outbox and no path.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use privacy::disk::{DiskError, PrivateDir};

/// Name of the outbox in the runs directory.
const OUTBOX: &str = "telemetry-outbox";

/// Where an outbox is.
#[derive(Clone, Debug)]
pub struct OutboxDir {
    path: PathBuf,
    reach: Reach,
}

#[derive(Clone, Debug)]
enum Reach {
    /// By its path.
    Path,
    /// By its name in an open directory.
    Within(Arc<PrivateDir>),
    /// It is open.
    Open(Arc<OwnedFd>),
}

impl OutboxDir {
    /// The outbox at `path`, as `TELEMETRY_OUTBOX_DIR` names it.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), reach: Reach::Path }
    }

    /// The outbox of the runs directory at `runs_dir`, which may be missing.
    pub fn below(runs_dir: &Path) -> Self {
        Self::at(runs_dir.join(OUTBOX))
    }

    /// The outbox in a runs directory that is open.
    pub fn within(runs: &Arc<PrivateDir>) -> Self {
        Self { path: runs.path_of(OUTBOX), reach: Reach::Within(Arc::clone(runs)) }
    }

    /// An outbox that is open already; `path` names it in messages.
    pub fn opened(directory: OwnedFd, path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), reach: Reach::Open(Arc::new(directory)) }
    }

    /// Where it is, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Holds the outbox of a runs directory open, if there is one. For a process that is about to drop the privileges with
    /// which it can get there.
    pub fn held_open(self) -> Self {
        let fd = match &self.reach {
            Reach::Within(runs) => runs.open_dir(OUTBOX).and_then(|outbox| outbox.to_fd()).ok(),
            Reach::Path | Reach::Open(_) => None,
        };
        match fd {
            Some(fd) => Self::opened(fd, self.path),
            None => self,
        }
    }

    pub(super) fn open(&self) -> Result<PrivateDir, DiskError> {
        match &self.reach {
            Reach::Path => PrivateDir::open(&self.path),
            Reach::Within(runs) => runs.open_dir(OUTBOX),
            Reach::Open(directory) => PrivateDir::from_open(directory, self.path.clone()),
        }
    }

    pub(super) fn create(&self) -> Result<PrivateDir, DiskError> {
        match &self.reach {
            Reach::Path => PrivateDir::create(&self.path),
            Reach::Within(runs) => runs.create_dir(OUTBOX),
            Reach::Open(directory) => PrivateDir::from_open(directory, self.path.clone()),
        }
    }
}
