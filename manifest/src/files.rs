//! The files of one run while its process lives.

use std::fs::File;
use std::io;

use privacy::Gate;
use privacy::disk::PrivateDir;
use schema::RunManifest;

use crate::{ManifestError, PrivateContext, RunId, RunsDir};

/// The files of one run. While it lives, the run counts as going on; when it is dropped or its process dies, not.
#[derive(Debug)]
pub struct RunFiles {
    runs: RunsDir,
    run: RunId,
    log: File,
}

impl RunFiles {
    pub(crate) fn new(runs: RunsDir, run: RunId, log: File) -> Self {
        Self { runs, run, log }
    }

    /// Whose files they are.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The folder they are in.
    pub fn runs(&self) -> &RunsDir {
        &self.runs
    }

    /// Another handle of the log, open for appending. It shares the lock: a child process must not inherit it, or the
    /// run would count as going on for as long as the child lives.
    pub fn log(&self) -> io::Result<File> {
        self.log.try_clone()
    }

    /// Replaces the public manifest with `manifest` if it passes the gate.
    ///
    /// # Errors
    /// [`ManifestError::Rejected`] if the gate refuses it. The run goes on with a warning, and the former public
    /// manifest is removed: it would go on to say `running`, and the next start would take the run for dead.
    pub fn write_public(&self, manifest: &RunManifest, gate: &Gate) -> Result<(), ManifestError> {
        let written = publish(&self.runs.folder, &self.run, manifest, gate);
        if matches!(written, Err(ManifestError::Rejected(_))) {
            self.runs.folder.remove(&self.run.public_name())?;
        }
        written
    }

    /// Replaces the private context with `context`.
    pub fn write_private(&self, context: &PrivateContext) -> Result<(), ManifestError> {
        write_private(&self.runs.folder, &self.run, context)
    }
}

/// Writes the public manifest of `run`, vetted.
pub(crate) fn publish(
    folder: &PrivateDir,
    run: &RunId,
    manifest: &RunManifest,
    gate: &Gate,
) -> Result<(), ManifestError> {
    if manifest.run_id != *run.id() {
        return Err(ManifestError::OtherRun { path: folder.path_of(&run.public_name()) });
    }
    let vetted = gate.vet(manifest).map_err(ManifestError::Rejected)?;
    Ok(folder.write_atomic(&run.public_name(), vetted.as_bytes())?)
}

pub(crate) fn write_private(
    folder: &PrivateDir,
    run: &RunId,
    context: &PrivateContext,
) -> Result<(), ManifestError> {
    let path = folder.path_of(&run.private_name());
    let bytes = context.to_bytes(run, &path)?;
    Ok(folder.write_atomic(&run.private_name(), &bytes)?)
}
