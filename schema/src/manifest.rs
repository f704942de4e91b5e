//! The public manifest of one run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Components, Features, Id, Platform, Step, ToolVersion, UtcSeconds};

vocabulary! {
    /// Major version of the contract.
    pub enum SchemaVersion {
        /// The first version.
        V1 => "1",
    }
}

vocabulary! {
    /// Name of the program.
    pub enum ToolName {
        /// The Rust core of Productive K3S.
        Core => "productive-k3s-core",
    }
}

vocabulary! {
    /// Whether the run carried its steps out.
    pub enum Execution {
        /// Steps were carried out.
        Apply => "apply",
        /// Steps were only planned; the host was not changed.
        DryRun => "dry-run",
    }
}

vocabulary! {
    /// Installation mode.
    pub enum Mode {
        /// Server, stack and host-local work on one host.
        SingleNode => "single-node",
        /// A k3s server with helm.
        Server => "server",
        /// A k3s agent that joins a server.
        Agent => "agent",
        /// The platform components on a running server.
        Stack => "stack",
    }
}

vocabulary! {
    /// State or result of a run.
    pub enum Status {
        /// In progress, or its process died and no later run has marked it.
        Running => "running",
        /// All steps passed.
        Success => "success",
        /// A step failed.
        Failed => "failed",
        /// The operator declined.
        Cancelled => "cancelled",
        /// A signal or a crash ended it.
        Interrupted => "interrupted",
    }
}

vocabulary! {
    /// Why a run failed.
    pub enum FailureReason {
        /// A command ended with an error.
        CommandFailed => "command_failed",
        /// A timeout expired.
        TimedOut => "timed_out",
        /// An artifact could not be downloaded.
        DownloadFailed => "download_failed",
        /// An artifact did not match its checksum.
        ChecksumMismatch => "checksum_mismatch",
        /// The verification of a component failed after its steps.
        VerificationFailed => "verification_failed",
        /// The host did not pass the preflight.
        PreflightFailed => "preflight_failed",
        /// A permission was missing.
        PermissionDenied => "permission_denied",
        /// A fault of the program itself.
        Internal => "internal",
    }
}

/// The program that wrote the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Tool")]
pub struct Tool {
    /// Name of the program. Purpose: to distinguish writers of manifests.
    pub name: ToolName,
    /// Version of the program. Purpose: to relate faults to releases.
    pub version: ToolVersion,
}

impl Tool {
    /// This build.
    pub fn current() -> Self {
        Self { name: ToolName::Core, version: ToolVersion::current() }
    }
}

/// Where and why a run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Failure")]
pub struct Failure {
    /// The step that failed. Purpose: to find the steps that fail on real hosts.
    pub step: Step,
    /// Kind of the failure. Purpose: to distinguish faults of hosts from faults of the program.
    pub reason: FailureReason,
}

/// Anonymous record of one bootstrap run: `runs/bootstrap-<run_id>.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Run manifest")]
pub struct RunManifest {
    /// Major version of the contract. Purpose: so that readers refuse what they do not know.
    pub schema_version: SchemaVersion,
    /// Random id of the run. Purpose: to relate the manifest to the events of the same run.
    pub run_id: Id,
    /// The program that wrote the manifest. Purpose: to relate faults to releases.
    pub tool: Tool,
    /// Whether steps were carried out. Purpose: to distinguish trials from installations.
    pub execution: Execution,
    /// Installation mode. Purpose: to see which modes are used.
    pub bootstrap_mode: Mode,
    /// State or result of the run. Purpose: to measure how many runs succeed.
    pub status: Status,
    /// Exit code of the program, null while it runs. Purpose: to distinguish kinds of ending.
    pub exit_code: Option<u8>,
    /// When the run started. Purpose: to order runs and to measure their duration.
    pub started_at: UtcSeconds,
    /// When the run ended, null while it runs. Purpose: to measure the duration of runs.
    pub finished_at: Option<UtcSeconds>,
    /// The current or last step of the run. Purpose: to see where runs stop.
    pub current_step: Step,
    /// Where and why the run failed, absent when it did not. Purpose: to find what to fix first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The platform of the host. Purpose: to decide which platforms to support.
    pub platform: Platform,
    /// Non-sensitive settings. Purpose: to choose good defaults.
    pub features: Features,
    /// The components of the run. Purpose: to see which components are used and which fail.
    pub components: Components,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// All steps passed.
    Success,
    /// A step failed.
    Failed(Failure),
    /// The operator declined.
    Cancelled,
    /// A signal or a crash ended it.
    Interrupted,
}

impl Finish {
    /// The status that a manifest states.
    pub const fn status(self) -> Status {
        match self {
            Self::Success => Status::Success,
            Self::Failed(_) => Status::Failed,
            Self::Cancelled => Status::Cancelled,
            Self::Interrupted => Status::Interrupted,
        }
    }
}

impl RunManifest {
    /// The manifest of a run that begins: `running`, before any component is known.
    pub fn begin(run_id: Id, execution: Execution, mode: Mode, platform: Platform, at: UtcSeconds) -> Self {
        Self {
            schema_version: SchemaVersion::V1,
            run_id,
            tool: Tool::current(),
            execution,
            bootstrap_mode: mode,
            status: Status::Running,
            exit_code: None,
            started_at: at,
            finished_at: None,
            current_step: Step::Preflight,
            failure: None,
            platform,
            features: Features::default(),
            components: Components::default(),
        }
    }

    /// Records the end. `finished_at` is never before `started_at`, even when the clock was set back in between.
    pub fn finish(&mut self, finish: Finish, exit_code: u8, at: UtcSeconds) {
        self.status = finish.status();
        self.exit_code = Some(exit_code);
        // Receivers compute durations; a negative one would look like a fault in the receiver.
        self.finished_at = Some(at.max(self.started_at));
        // The schema allows a failure with any status, so this code ensures that only a failed run states one.
        self.failure = match finish {
            Finish::Failed(failure) => Some(failure),
            _ => None,
        };
        // With any other ending, readers of the manifest want to know the step that was reached.
        if finish == Finish::Success {
            self.current_step = Step::Completed;
        }
    }
}
