//! The private context of a run: what rollback needs to know, and no other program.
//!
//! It is one file that is replaced as a whole after each step. An append-only journal was rejected: it would be
//! cheaper for long runs, but a run has few steps, and a torn last line would look like a damaged one.
//!
//! Unknown fields and versions are refused. Rollback deletes what this file names, so it must not act on a file that it
//! understands in part.

mod journal;
mod local_facts;
mod undo;

use std::collections::BTreeMap;
use std::path::Path;

use schema::{Component, Envelope, EventId, Execution, Id, Mode, Status, ToolVersion, UtcSeconds};
use serde::{Deserialize, Serialize};

pub use journal::{Intent, JournalOutcome, PriorState, RollbackRecord, StepRecord, StepState};
pub use local_facts::{LocalFacts, LonghornFacts, NfsFacts, RegistryFacts, TlsFacts};
pub use undo::{FormerMode, PreviousFile, Undo};

use crate::error::ManifestError;
use crate::fingerprint::{MachineFingerprint, MachineId};
use crate::run_id::RunId;

/// The private context of a run, `bootstrap-<run_id>-private.json`: local only, no schema is published for it.
///
/// It holds names and paths of this machine, and no secret that the operator gave: no token, no password, no key. A password
/// that the run has generated stays until it was shown, because no other place has it. Steps are written down before
/// and after they happen, so that a crash leaves the truth. Its Debug form shows only run and status.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivateContext {
    version: u32,
    /// The run it belongs to.
    pub run_id: Id,
    /// Version of the program that wrote it.
    pub tool_version: ToolVersion,
    /// Whether the run carried its steps out. A dry run has nothing to roll back.
    pub execution: Execution,
    /// The installation mode.
    pub mode: Mode,
    /// The machine it was written on.
    pub machine: MachineFingerprint,
    /// When the run started.
    pub started_at: UtcSeconds,
    /// When the run ended; absent while it runs, and after a crash until the next start.
    pub finished_at: Option<UtcSeconds>,
    /// How the run stands or ended.
    pub status: Status,
    /// Under which ids the public manifest is reported. A run that was recorded without them is another event each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_event: Option<ManifestEvent>,
    /// What the run knew of this machine and was told by the operator.
    pub local: LocalFacts,
    /// Passwords that were generated and not shown yet, written down before they were used.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub generated_passwords: BTreeMap<Component, String>,
    /// The steps of the run in the order in which they were begun.
    pub steps: Vec<StepRecord>,
    /// What rollbacks did, in the order in which they did it.
    pub rollbacks: Vec<RollbackRecord>,
}

/// Under which ids the public manifest of a run is reported: by the run itself, and by an operator who sends it later, so
/// that a receiver counts it once.
///
/// They are random and kept here. An id that follows from the manifest would need no place, but two hosts that were given
/// one run id in the same second would share it, and one of their manifests would be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestEvent {
    /// The event.
    pub event_id: EventId,
    /// What it has in common with the other documents of the run.
    pub envelope: Envelope,
}

/// Enough of any version to tell which it is.
#[derive(Deserialize)]
struct VersionHeader {
    version: u64,
}

impl PrivateContext {
    /// The version that this program writes and reads.
    pub const VERSION: u32 = 2;

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
            manifest_event: None,
            local: LocalFacts::default(),
            generated_passwords: BTreeMap::new(),
            steps: Vec::new(),
            rollbacks: Vec::new(),
        }
    }

    /// Records the end of the run, which is never before its start: the clock may have been set back meanwhile.
    pub fn finish(&mut self, status: Status, at: UtcSeconds) {
        self.status = status;
        self.finished_at = Some(at.max(self.started_at));
    }

    /// Passes if the context was written on `machine`: on another machine, its paths and names mean something else.
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
        // The version first: the rest of a later version may not parse, and "damaged" would be the wrong advice.
        let found = serde_json::from_slice::<VersionHeader>(bytes).map_err(damaged)?.version;
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

/// The journal. The caller gives times and numbers, so that a test can replay a crash at any point.
impl PrivateContext {
    /// Writes down that a step is about to happen and returns its number. The caller stores the context before it acts.
    pub fn begin_step(&mut self, intent: Intent, at: UtcSeconds) -> u32 {
        let Intent { component, action, before, undo } = intent;
        let seq = number(self.steps.len() + 1);
        let state = StepState::Intent;
        self.steps.push(StepRecord {
            seq,
            component,
            action,
            state,
            at,
            ended_at: None,
            before,
            wrote: None,
            undo,
        });
        seq
    }

    /// Writes down the outcome of the step `seq`. A number that was never begun is ignored.
    pub fn end_step(&mut self, seq: u32, outcome: JournalOutcome, at: UtcSeconds) {
        let Some(step) = self.steps.iter_mut().find(|step| step.seq == seq) else { return };
        step.ended_at = Some(at);
        match outcome {
            JournalOutcome::Failed => step.state = StepState::Failed,
            JournalOutcome::Done { wrote, undo } => {
                step.state = StepState::Done;
                step.wrote = wrote;
                if let Some(undo) = undo {
                    step.undo = undo;
                }
            }
        }
    }

    /// Writes down that the step `seq` is about to be undone. The caller stores the context before it acts.
    pub fn begin_undo(&mut self, seq: u32, at: UtcSeconds) {
        self.rollbacks.push(RollbackRecord { step: seq, state: StepState::Intent, at, ended_at: None });
    }

    /// Writes down the outcome of the last attempt to undo the step `seq`.
    pub fn end_undo(&mut self, seq: u32, state: StepState, at: UtcSeconds) {
        if let Some(record) = self.rollbacks.iter_mut().rev().find(|record| record.step == seq) {
            record.state = state;
            record.ended_at = Some(at);
        }
    }

    /// Writes down that there is nothing left to undo of the step `seq`: somebody else has undone it.
    pub fn note_gone(&mut self, seq: u32, at: UtcSeconds) {
        self.begin_undo(seq, at);
        self.end_undo(seq, StepState::Done, at);
    }

    /// How far the last attempt to undo the step `seq` got; `None` if there was none.
    pub fn undo_state(&self, seq: u32) -> Option<StepState> {
        self.rollbacks.iter().rev().find(|record| record.step == seq).map(|record| record.state)
    }

    /// The numbers must be what this program writes: rollback relies on their order and finds steps by them.
    fn check_journal(&self) -> Result<(), ()> {
        let in_order = self.steps.iter().zip(1..).all(|(step, seq): (_, u32)| step.seq == seq);
        let known = self.rollbacks.iter().all(|record| (1..=number(self.steps.len())).contains(&record.step));
        if in_order && known { Ok(()) } else { Err(()) }
    }
}

/// The size limit of the file keeps it far from the end of the range.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl std::fmt::Debug for PrivateContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut form = f.debug_struct("PrivateContext");
        form.field("run_id", &self.run_id).field("status", &self.status).field("steps", &self.steps.len());
        form.finish_non_exhaustive()
    }
}
