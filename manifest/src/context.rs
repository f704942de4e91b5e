//! The private context of a run: what rollback needs to know, and nobody else may.

mod journal;
mod undo;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schema::{Component, Execution, Id, Mode, Status, ToolVersion, UtcSeconds};
use serde::{Deserialize, Serialize};

pub use journal::{Before, Intent, Outcome, RollbackRecord, StepRecord, StepState};
pub use undo::{PreviousFile, Undo};

use crate::{MachineFingerprint, MachineId, ManifestError, RunId};

/// The private context of a run, `bootstrap-<run_id>-private.json`: local only, no schema is published for it.
///
/// It holds names and paths of this machine, but no secret: no token, no password, no key. Steps are written down before
/// and after they happen, so that a crash leaves the truth. Its Debug form withholds everything but run and status.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivateContext {
    version: u32,
    /// The run it belongs to.
    pub run_id: Id,
    /// Version of the program that wrote it.
    pub tool_version: ToolVersion,
    /// Whether the run carried its steps out. Rollback of a dry run has nothing to do.
    pub execution: Execution,
    /// What the run makes of the host.
    pub mode: Mode,
    /// The machine it was written on.
    pub machine: MachineFingerprint,
    /// When the run started.
    pub started_at: UtcSeconds,
    /// When the run ended; absent while it runs, and after a crash until the next start.
    pub finished_at: Option<UtcSeconds>,
    /// How the run stands or ended.
    pub status: Status,
    /// What the run knew of this machine and was told by the operator.
    pub local: LocalFacts,
    /// The steps of the run in the order in which they were begun.
    pub steps: Vec<StepRecord>,
    /// What rollbacks did, in the order in which they did it.
    pub rollbacks: Vec<RollbackRecord>,
}

/// Private settings of a run that say what its steps were about. All are absent where they do not apply.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalFacts {
    /// Domain of the host names below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Host name of Rancher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rancher_host: Option<String>,
    /// Host name of the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_host: Option<String>,
    /// Storage class of the registry's volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_storage_class: Option<String>,
    /// Folder in which Docker looks for the registry's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_trust_path: Option<PathBuf>,
    /// Folder in which Longhorn keeps its data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longhorn_data_path: Option<PathBuf>,
    /// Folder that NFS exports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nfs_export_path: Option<PathBuf>,
    /// Network that may mount it, in CIDR form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nfs_allowed_network: Option<String>,
    /// Versions of the artifacts and charts of the run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<Component, String>,
}

/// Enough of any version to tell which it is.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

impl PrivateContext {
    /// The version that this program writes and reads.
    pub const VERSION: u32 = 1;

    /// Largest size in bytes: some hundred steps, each with a former file of [`PreviousFile::MAX_TEXT_BYTES`], do not
    /// reach it.
    pub const MAX_BYTES: u64 = 32 * 1024 * 1024;

    /// The context of a run that begins: `running`, no step taken.
    pub fn begin(
        run: &RunId,
        execution: Execution,
        mode: Mode,
        machine: MachineFingerprint,
        at: UtcSeconds,
    ) -> Self {
        Self {
            version: Self::VERSION,
            run_id: run.id().clone(),
            tool_version: ToolVersion::current(),
            execution,
            mode,
            machine,
            started_at: at,
            finished_at: None,
            status: Status::Running,
            local: LocalFacts::default(),
            steps: Vec::new(),
            rollbacks: Vec::new(),
        }
    }

    /// Records the end of the run.
    pub fn finish(&mut self, status: Status, at: UtcSeconds) {
        self.status = status;
        self.finished_at = Some(at.max(self.started_at));
    }

    /// Passes if the context was written on `machine`.
    ///
    /// # Errors
    /// [`ManifestError::OtherMachine`], naming `path`.
    pub fn check_machine(&self, machine: &MachineId, path: &Path) -> Result<(), ManifestError> {
        if self.machine.matches(machine) {
            Ok(())
        } else {
            Err(ManifestError::OtherMachine { path: path.to_owned() })
        }
    }

    pub(crate) fn parse(bytes: &[u8], run: &RunId, path: &Path) -> Result<Self, ManifestError> {
        let path = || path.to_owned();
        // The text of the error is withheld: it quotes what it found.
        let damaged = |error: serde_json::Error| ManifestError::Damaged {
            path: path(),
            line: error.line(),
            column: error.column(),
        };
        let found = serde_json::from_slice::<Versioned>(bytes).map_err(damaged)?.version;
        if found != u64::from(Self::VERSION) {
            return Err(ManifestError::UnknownVersion { path: path(), found, known: Self::VERSION });
        }
        let context: Self = serde_json::from_slice(bytes).map_err(damaged)?;
        if context.run_id != *run.id() {
            return Err(ManifestError::OtherRun { path: path() });
        }
        context.check_journal().map_err(|()| ManifestError::Damaged { path: path(), line: 1, column: 1 })?;
        Ok(context)
    }

    pub(crate) fn to_bytes(&self, run: &RunId, path: &Path) -> Result<Vec<u8>, ManifestError> {
        if self.run_id != *run.id() {
            return Err(ManifestError::OtherRun { path: path.to_owned() });
        }
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|_| ManifestError::Unwritable { path: path.to_owned() })?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

impl std::fmt::Debug for PrivateContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut form = f.debug_struct("PrivateContext");
        form.field("run_id", &self.run_id).field("status", &self.status).field("steps", &self.steps.len());
        form.finish_non_exhaustive()
    }
}

impl std::fmt::Debug for LocalFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalFacts(withheld)")
    }
}
