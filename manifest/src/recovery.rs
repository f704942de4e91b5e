//! Runs whose process died before it could write how they ended.
//!
//! Every start looks for them, instead of a service that watches: no process of ours runs on the host between runs.
//! Recovery changes what records say and nothing else. It undoes no step: whether the host is to be rolled back or the
//! run repeated is for the operator to decide.

use std::cmp::Reverse;
use std::time::SystemTime;

use privacy::Gate;
use privacy::disk::DiskError;
use schema::{Finish, RunManifest, Status, UtcSeconds};

use crate::error::ManifestError;
use crate::run_id::RunId;
use crate::runs_dir::{RunsDir, publish, write_private};

/// Exit code in the manifest of a run whose process died without writing one.
///
/// How it ended is unknown: SIGKILL, the kernel's memory killer and a power failure look the same afterwards. A
/// finished manifest must state a code, and 137 (128 + SIGKILL) is what a shell reports for the first two. It tells
/// these runs from those that SIGINT (130) or SIGTERM (143) ended in an orderly way.
pub const CRASHED_RUN_EXIT_CODE: u8 = 137;

/// At most this many of the newest manifests are read. Every start recovers, so that a dead run is among the newest.
const MAX_READ: usize = 512;
/// At most this many names of the directory are read.
const MAX_NAMES: usize = 65_536;

/// What was found. Each count is for one warning; the content of the files is not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Runs that had died and are marked `interrupted` now.
    pub interrupted: Vec<RunId>,
    /// Runs that are in progress.
    pub running: usize,
    /// Manifests that claim to be running but cannot be read, are not ours, or cannot be rewritten. They stay.
    pub unrecoverable: usize,
    /// Manifests that were not read because there are too many newer ones.
    pub unchecked: usize,
}

/// Marks the public manifests of dead runs, and their private contexts, as `interrupted` at `now`.
///
/// A run is dead when no process holds the lock of its log. That lock is held here while its files are rewritten, so that
/// two starts at the same time do not both do it.
///
/// # Errors
/// [`ManifestError::Disk`] if the directory cannot be listed. A single record that cannot be recovered is counted.
pub fn recover_crashed_runs(runs: &RunsDir, gate: &Gate, now: UtcSeconds) -> Result<Recovery, ManifestError> {
    let mut found = newest_first(runs, RunId::from_public_name)?;
    let mut recovery = Recovery { unchecked: found.len().saturating_sub(MAX_READ), ..Recovery::default() };
    found.truncate(MAX_READ);
    for (_, run) in found {
        match recover(runs, &run, gate, now) {
            Ok(RunState::Finished) => {}
            Ok(RunState::Running) => recovery.running += 1,
            Ok(RunState::Interrupted) => recovery.interrupted.push(run),
            Err(_) => recovery.unrecoverable += 1,
        }
    }
    Ok(recovery)
}

/// The kind of run that a record belongs to.
enum RunState {
    Finished,
    Running,
    Interrupted,
}

/// The runs of the directory for which there is a name that `run_of` knows, by the time of the last write. A link counts too:
/// a record that is passed over would look like a run that never was.
pub(crate) fn newest_first(
    runs: &RunsDir,
    run_of: fn(&str) -> Option<RunId>,
) -> Result<Vec<(Reverse<SystemTime>, RunId)>, ManifestError> {
    let names = runs.dir.names(MAX_NAMES)?;
    let mut found: Vec<_> =
        names.iter().filter_map(|name| Some((Reverse(runs.dir.modified(name)?), run_of(name)?))).collect();
    // By the time of the last write and not by the id: ids of neighbouring layers do not begin with a time.
    found.sort_unstable();
    Ok(found)
}

fn recover(runs: &RunsDir, run: &RunId, gate: &Gate, now: UtcSeconds) -> Result<RunState, ManifestError> {
    if read_running(runs, run)?.is_none() {
        return Ok(RunState::Finished);
    }
    // Opened and not created: recovery must not make a log for a record that was copied here.
    let log = match runs.dir.open_file(&run.log_name()) {
        Err(DiskError::Missing { .. }) => None,
        opened => Some(opened?),
    };
    match log.as_ref().map_or(Ok(()), |log| log.try_lock().map_err(|error| runs.lock_error(run, error))) {
        Err(ManifestError::StillRunning { .. }) => return Ok(RunState::Running),
        locked => locked?,
    }
    // The run may have ended normally between the first check and the lock.
    let Some(mut manifest) = read_running(runs, run)? else { return Ok(RunState::Finished) };
    manifest.finish(Finish::Interrupted, CRASHED_RUN_EXIT_CODE, now);
    // The private context first. Were the public manifest written first and this process killed, the next start would
    // treat the run as finished and never repair the private context.
    mark_private(runs, run, now);
    publish(&runs.dir, run, &manifest, gate)?;
    Ok(RunState::Interrupted)
}

/// The manifest of `run` if it says that the run is in progress.
fn read_running(runs: &RunsDir, run: &RunId) -> Result<Option<RunManifest>, ManifestError> {
    let limit = schema::limits::MAX_DOCUMENT_BYTES as u64;
    let bytes = runs.dir.read_own(&run.public_name(), limit)?;
    // Most manifests are of finished runs: they are not worth parsing, and may be of another version of the contract.
    let word = format!("\"{}\"", Status::Running);
    if !bytes.windows(word.len()).any(|window| window == word.as_bytes()) {
        return Ok(None);
    }
    let path = runs.public_path(run);
    let manifest: RunManifest = serde_json::from_slice(&bytes).map_err(|error| ManifestError::Damaged {
        path: path.clone(),
        line: error.line(),
        column: error.column(),
    })?;
    if manifest.run_id != *run.id() {
        return Err(ManifestError::OtherRun { path });
    }
    Ok((manifest.status == Status::Running).then_some(manifest))
}

/// A private context that is missing or damaged does not keep the public record from being repaired.
fn mark_private(runs: &RunsDir, run: &RunId, now: UtcSeconds) {
    if let Ok(mut context) = runs.load_private(run)
        && context.status == Status::Running
    {
        context.finish(Status::Interrupted, now);
        let _ = write_private(&runs.dir, run, &context);
    }
}
