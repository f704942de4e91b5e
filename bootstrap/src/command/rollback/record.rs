//! The record of the run that is to be rolled back.

use std::path::Path;

use manifest::{MachineId, ManifestError, PrivateContext, RunId, RunsDir};
use privacy::disk::DiskError;

use crate::exit::{Exit, Failure, chain};

/// A record that belongs to this machine and to a run that has ended.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) runs: RunsDir,
    pub(super) run: RunId,
    pub(super) context: PrivateContext,
}

impl Record {
    /// Opens the record that either file of a pair belongs to.
    ///
    /// # Errors
    /// There is no such record, it cannot be used, or its run is still going on.
    pub(super) fn open(file: &Path) -> Result<Self, Failure> {
        let (runs, run) = RunsDir::of_file(file).map_err(|error| refused(&error))?;
        if runs.is_running(&run).map_err(|error| refused(&error))? {
            return Err(refused(&ManifestError::StillRunning { path: runs.private_path(&run) }));
        }
        let context = load(&runs, &run)?;
        Ok(Self { runs, run, context })
    }
}

/// Reads the private context of `run` and makes sure that it is of this machine.
pub(super) fn load(runs: &RunsDir, run: &RunId) -> Result<PrivateContext, Failure> {
    let context = runs.load_private(run).map_err(|error| refused(&error))?;
    let machine = MachineId::read(Path::new("/"));
    context.check_machine(&machine, &runs.private_path(run)).map_err(|error| refused(&error))?;
    Ok(context)
}

/// What the operator is told of a record that cannot be used.
pub(super) fn refused(error: &ManifestError) -> Failure {
    let (exit, hint) = match error {
        ManifestError::NotARunFile { .. } => (
            Exit::Usage,
            "name bootstrap-<run id>.json or bootstrap-<run id>-private.json in the runs folder",
        ),
        ManifestError::Disk(DiskError::Missing { .. }) => (
            Exit::Usage,
            "only the private record, bootstrap-<run id>-private.json, tells what to undo; it stays in the runs \
             folder of the machine that the run was made on",
        ),
        ManifestError::OtherMachine { .. } => {
            (Exit::Usage, "roll back on the machine that the run was made on")
        }
        ManifestError::Damaged { .. } | ManifestError::OtherRun { .. } => (
            Exit::Usage,
            "put the file back as the run wrote it; without it, undo by hand what the log tells",
        ),
        ManifestError::UnknownVersion { .. } => {
            (Exit::Usage, "roll back with the version of this program that made the run")
        }
        ManifestError::StillRunning { .. } | ManifestError::Held { .. } => {
            (Exit::Failed, "wait for it to end, or stop it, and roll back then")
        }
        _ => (Exit::Failed, "roll back as the user who made the run, or as root"),
    };
    Failure::new(exit, format!("cannot roll back: {}", chain(error))).hint(hint)
}
