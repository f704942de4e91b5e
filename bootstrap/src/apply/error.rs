//! How carrying out a plan can end other than well.

use std::io;
use std::path::PathBuf;

use manifest::ManifestError;
use privacy::disk::DiskError;
use schema::FailureReason;

use crate::host::{CommandError, FileError};

/// A plan was not carried out to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// A step failed.
    #[error("{0}")]
    Failed(Box<StepFailure>),
    /// The run was asked to stop, and stopped between two changes.
    #[error("stopped between two steps")]
    Interrupted,
}

/// A step that failed. All texts are masked.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {message}")]
pub struct StepFailure {
    /// Title of the step.
    pub step: String,
    /// Kind of the failure, for the manifest.
    pub reason: FailureReason,
    /// What went wrong, with the command or path.
    pub message: String,
    /// Last lines of the command's output.
    pub tail: Vec<String>,
    /// What the operator can do.
    pub hint: Option<String>,
}

/// What went wrong inside a step.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Staging(#[from] DiskError),
    #[error("failed to write the journal: {0}")]
    Journal(#[from] ManifestError),
    #[error("{0}")]
    Download(String),
    #[error("{0}")]
    Transfer(CommandError),
    #[error("{path} has sha256 {found} and not {wanted}{remark}", path = path.display())]
    Checksum { path: PathBuf, wanted: String, found: String, remark: &'static str },
    #[error("{0}")]
    State(String),
    #[error("after {seconds} s: {missing}")]
    NotInTime { seconds: u64, missing: String, hint: Option<String> },
    #[error("stopped between two steps")]
    Stopped,
}

impl From<StepFailure> for ExecutionError {
    fn from(failure: StepFailure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl StepFailure {
    /// Nothing could be planned for the component.
    pub(super) fn blocked(reason: &str) -> Self {
        Self {
            step: "plan".to_owned(),
            reason: FailureReason::CommandFailed,
            message: format!("its state could not be told or rules it out: {reason}"),
            tail: Vec::new(),
            hint: Some("mend that and run again; nothing of this component was changed".to_owned()),
        }
    }
}

impl StepError {
    /// curl failed. That there is no curl is no fault of the network.
    pub(super) fn from_download(error: CommandError) -> Self {
        match error {
            CommandError::Failed { .. } | CommandError::TimedOut { .. } => Self::Transfer(error),
            error => Self::Command(error),
        }
    }

    /// A fetched file could not be read, written or renamed.
    pub(super) fn staging(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File(FileError::Io { action, path, source })
    }

    /// The failure of the step with this title.
    pub(super) fn at(self, step: &str) -> ExecutionError {
        let reason = self.reason();
        self.with(step, reason)
    }

    /// The failure of the verification.
    pub(super) fn in_verification(self, step: &str) -> ExecutionError {
        let reason = match self {
            Self::NotInTime { .. } => FailureReason::VerificationFailed,
            _ => self.reason(),
        };
        self.with(step, reason)
    }

    fn with(self, step: &str, reason: FailureReason) -> ExecutionError {
        if matches!(self, Self::Stopped) {
            return ExecutionError::Interrupted;
        }
        let tail = match &self {
            Self::Command(error) | Self::Transfer(error) | Self::File(FileError::Command(error)) => {
                error.tail().to_vec()
            }
            _ => Vec::new(),
        };
        let (message, hint) = (self.to_string(), self.hint());
        StepFailure { step: step.to_owned(), reason, message, tail, hint }.into()
    }

    fn reason(&self) -> FailureReason {
        match self {
            Self::Command(error) | Self::File(FileError::Command(error)) => command_reason(error),
            Self::File(error) if error.is_denied() => FailureReason::PermissionDenied,
            Self::Staging(DiskError::Denied { .. }) => FailureReason::PermissionDenied,
            Self::Download(_) | Self::Transfer(_) => FailureReason::DownloadFailed,
            Self::Checksum { .. } => FailureReason::ChecksumMismatch,
            Self::NotInTime { .. } => FailureReason::TimedOut,
            Self::State(_) => FailureReason::CommandFailed,
            Self::File(_) | Self::Staging(_) | Self::Journal(_) | Self::Stopped => FailureReason::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotInTime { hint, .. } => return hint.clone(),
            Self::Command(CommandError::NotFound { program }) => return Some(format!("install {program}")),
            Self::Command(CommandError::NeedsRoot { .. }) => "run as root, or as a user who may use sudo",
            Self::Download(_) | Self::Transfer(_) => {
                "check the network, or give the files with --artifacts-dir"
            }
            Self::Checksum { .. } => {
                "nothing was installed from it; find out who changed it before trying again"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn command_reason(error: &CommandError) -> FailureReason {
    match error {
        CommandError::TimedOut { .. } => FailureReason::TimedOut,
        CommandError::NeedsRoot { .. } => FailureReason::PermissionDenied,
        CommandError::Start { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            FailureReason::PermissionDenied
        }
        _ => FailureReason::CommandFailed,
    }
}
