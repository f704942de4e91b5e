//! The beginning of a run: its gate, its ids, its directory and its first record.

use std::path::{Path, PathBuf};

use manifest::{
    FileLock, LockHolder, MachineFingerprint, MachineId, ManifestError, ManifestEvent, PrivateContext,
    Recovery, RunFiles, RunId, RunsDir, recover_crashed_runs,
};
use privacy::disk::DiskError;
use privacy::{Gate, LocalIdentifiers};
use schema::{Envelope, EventId, Execution, Id, Mode, Platform, RunManifest};
use telemetry::envelope_from_env;

use super::record::{RunRecorder, now};
use crate::input::Inputs;
use crate::settings::Settings;

/// The records of runs cannot be used, so that a run cannot begin: nothing has happened on the host.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Another run holds the lock of the directory.
    #[error("another run is changing this host")]
    Locked(#[source] ManifestError),
    /// The directory, or a file in it, cannot be used.
    #[error("cannot use the runs directory {}", runs_dir.display())]
    RunsDir {
        /// The directory.
        runs_dir: PathBuf,
        /// What is wrong.
        source: ManifestError,
    },
}

impl SessionError {
    fn new(error: ManifestError, runs_dir: &Path) -> Self {
        match error {
            held @ ManifestError::Held { .. } => Self::Locked(held),
            source => Self::RunsDir { runs_dir: runs_dir.to_owned(), source },
        }
    }

    /// What the operator can do.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Locked(_) => Some("wait until it ends, or stop it, then rerun the same command"),
            Self::RunsDir { source: ManifestError::Disk(disk), .. } => match disk {
                DiskError::Replaceable { .. } => Some(
                    "pass a directory below which only root and you can change anything, such as --runs-dir ~/productive-k3s-runs, or take write access from others (chmod go-w)",
                ),
                DiskError::Symlink { .. } => {
                    Some("pass the directory itself with --runs-dir, not a link to it")
                }
                DiskError::Denied { .. } => Some("pass a directory that you may write to with --runs-dir"),
                DiskError::NoSpace { .. } => {
                    Some("free some space, or pass another directory with --runs-dir")
                }
                DiskError::Unsafe { .. } | DiskError::NotADirectory { .. } => {
                    Some("pass another directory with --runs-dir")
                }
                _ => None,
            },
            Self::RunsDir { .. } => None,
        }
    }
}

/// A run that has begun.
#[derive(Debug)]
pub struct Session {
    /// What it writes down.
    pub record: RunRecorder,
    /// What its telemetry documents have in common.
    pub envelope: Envelope,
    /// The event that its manifest is.
    pub manifest_event_id: EventId,
    /// The right to write here what changes the host, held to the end of the run; a dry run has none.
    _lock: Option<FileLock>,
}

impl Session {
    /// The gate of a run: it knows this machine and every private setting.
    pub fn gate(inputs: &Inputs, settings: &Settings) -> Gate {
        let secrets = settings.secrets();
        let private = inputs
            .private_values()
            .chain(settings.private_values())
            .chain(secrets.iter().map(|secret| secret.expose()));
        Gate::new(LocalIdentifiers::of_machine().with_private(private))
    }

    /// Opens the directory of runs, marks crashed runs as interrupted, and writes the first record.
    ///
    /// # Errors
    /// The directory cannot be used, or another run is changing the host. What problems are left go into `warnings`.
    pub fn begin(
        runs_dir: &Path,
        gate: Gate,
        (execution, mode): (Execution, Mode),
        platform: Platform,
        warnings: &mut Vec<String>,
    ) -> Result<Self, SessionError> {
        let (mut envelope, problems) = envelope_from_env(&|name| std::env::var_os(name), &gate);
        warnings.extend(problems.iter().map(ToString::to_string));
        let failed = |error| SessionError::new(error, runs_dir);
        // Dry runs change nothing but their own files, which nobody obeys, and any number of them may go on at once.
        let (runs, lock) = match execution {
            Execution::DryRun => (RunsDir::open_or_create(runs_dir).map_err(failed)?, None),
            Execution::Apply => {
                let runs = RunsDir::open_or_create_for_change(runs_dir).map_err(failed)?;
                let lock = runs.lock(&lock_holder(&envelope.run_id)).map_err(failed)?;
                (runs, Some(lock))
            }
        };
        // A run is dead when nobody holds the lock of its record, so the runs of others are safe from this.
        warnings.extend(recovered(&recover_crashed_runs(&runs, &gate, now()).map_err(failed)?));
        // Only now the id is certain, and with it the names of the files and what the events have in common.
        let files = claim(&runs, &mut envelope, warnings).map_err(failed)?;
        let at = now();
        let public = RunManifest::begin(envelope.run_id.clone(), execution, mode, platform, at);
        let machine = MachineFingerprint::of(&MachineId::read(Path::new("/")));
        let mut private = PrivateContext::begin(files.run(), execution, mode, machine, at);
        let manifest_event_id = EventId::random();
        // Also without consent: the operator may send the manifest later.
        private.manifest_event =
            Some(ManifestEvent { event_id: manifest_event_id, envelope: envelope.clone() });
        // From here on, whatever ends the run is on record.
        let record = RunRecorder::begin(files, gate, public, private).map_err(failed)?;
        Ok(Self { record, envelope, manifest_event_id, _lock: lock })
    }
}

/// What a lock says of a run of this process.
pub fn lock_holder(run_id: &Id) -> LockHolder {
    LockHolder::this_process(run_id.clone(), now())
}

/// Takes the run id for this run. An id from outside that is taken is replaced: no run overwrites another.
fn claim(
    runs: &RunsDir,
    envelope: &mut Envelope,
    warnings: &mut Vec<String>,
) -> Result<RunFiles, ManifestError> {
    match runs.claim(&RunId::new(envelope.run_id.clone())) {
        Err(ManifestError::IdTaken { .. }) => {
            // The id only correlates events: a run that cannot be correlated is worth more than none.
            warnings.push("TELEMETRY_RUN_ID is the id of an earlier run; a new id is used".to_owned());
            envelope.run_id = Id::random();
            runs.claim(&RunId::new(envelope.run_id.clone()))
        }
        claimed => claimed,
    }
}

fn recovered(recovery: &Recovery) -> Vec<String> {
    let dead = recovery
        .interrupted
        .iter()
        .map(|run| format!("run {run} exited unexpectedly; it is marked interrupted"));
    let left = (recovery.unrecoverable > 0)
        .then(|| format!("{} records of running runs cannot be read or updated", recovery.unrecoverable));
    dead.chain(left).collect()
}
