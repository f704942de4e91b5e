//! What former runs recorded, for a run that must distinguish our changes from those of others.

use std::cmp::Reverse;

use privacy::disk::DiskError;
use schema::Execution;
use serde::Deserialize;

use crate::context::{LocalFacts, PrivateContext};
use crate::error::ManifestError;
use crate::fingerprint::MachineId;
use crate::recovery::newest_first;
use crate::run_id::RunId;
use crate::runs_dir::RunsDir;

/// At most this many of the newest records are read, which takes less than a second: those of a dry run each hour for almost
/// two years. It is less than a third of the names that are listed, so that a list that is cut off is noticed too.
const MAX_READ: usize = 16_384;

/// What the records in a directory say about the runs on one machine.
#[derive(Debug, Default)]
pub struct History {
    /// The private contexts of its runs that were no dry runs, the one that began last first.
    pub contexts: Vec<PrivateContext>,
    /// Why the private context of a run cannot be used, for each run that may have changed this machine and has one: above
    /// all, that another user made the run.
    pub unusable: Vec<ManifestError>,
    /// Records that were not read because there are too many newer ones. What they are about counts as foreign as well.
    pub unread: usize,
}

/// As much of a public manifest as tells whether the run changed anything.
#[derive(Deserialize)]
struct RecordedExecution {
    execution: Execution,
}

impl RunsDir {
    /// What the runs on `machine` recorded. What a record that cannot be used is about counts as foreign, and is left alone.
    ///
    /// # Errors
    /// [`ManifestError::Disk`] if the directory cannot be listed.
    pub fn history(&self, machine: &MachineId) -> Result<History, ManifestError> {
        // By the private context: a run whose public manifest the gate refuses has only that.
        let runs = newest_first(self, RunId::from_private_name)?;
        let mut history = History { unread: runs.len().saturating_sub(MAX_READ), ..History::default() };
        for (_, run) in runs.into_iter().take(MAX_READ) {
            match self.load_private(&run) {
                // Dropped at once: a host that is checked each hour has thousands of them.
                Ok(context) if context.execution == Execution::DryRun => {}
                Ok(context) if context.machine.matches(machine) => history.contexts.push(context),
                Ok(_) | Err(ManifestError::Disk(DiskError::Missing { .. })) => {}
                Err(_) if self.is_dry_run(&run) => {}
                Err(error) => history.unusable.push(error),
            }
        }
        // A rollback writes the context of its run again, which makes the run no younger.
        history.contexts.sort_by_key(|context| Reverse(context.started_at));
        Ok(history)
    }

    /// What each run that is recorded here was told, be it a dry run or one on another machine.
    ///
    /// # Errors
    /// One of its records cannot be read, as in [`Self::load_private`], or there are too many: then nobody knows everything.
    pub fn local_facts(&self) -> Result<Vec<LocalFacts>, ManifestError> {
        let runs = newest_first(self, RunId::from_private_name)?;
        let unread = runs.len().saturating_sub(MAX_READ);
        if unread > 0 {
            return Err(ManifestError::TooManyRecords { path: self.path().to_owned(), unread });
        }
        let read = |(_, run): &(_, RunId)| {
            // Root reads those of the caller of sudo too: they are believed, and nothing is done to the host for them.
            let bytes = self.dir.read_own(&run.private_name(), PrivateContext::MAX_BYTES)?;
            PrivateContext::parse(&bytes, run, &self.private_path(run)).map(|context| context.local)
        };
        let is_there =
            |facts: &Result<_, _>| !matches!(facts, Err(ManifestError::Disk(DiskError::Missing { .. })));
        runs.iter().map(read).filter(is_there).collect()
    }

    /// Whether the public manifest says that the run changed nothing.
    fn is_dry_run(&self, run: &RunId) -> bool {
        let limit = schema::limits::MAX_DOCUMENT_BYTES as u64;
        let bytes = self.dir.read_bounded(&run.public_name(), limit).unwrap_or_default();
        serde_json::from_slice::<RecordedExecution>(&bytes)
            .is_ok_and(|found| found.execution == Execution::DryRun)
    }
}
