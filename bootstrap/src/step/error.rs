//! How carrying steps out can end other than well.

use std::io;
use std::path::PathBuf;

use manifest::ManifestError;
use privacy::disk::DiskError;
use schema::{Component, FailureReason};

use super::artifact::Sha256Sum;
use super::registries::RegistriesFault;
use super::start_cause::StartCause;
use super::transfer_fault::TransferFault;
use super::unmet::Unmet;
use crate::host::{CommandError, FileError, ProbeError};

/// What helps where a file of the artifacts directory, or the directory, is not to be trusted.
pub(crate) const UNTRUSTED_ARTIFACTS_HELP: &str =
    "copy the artifacts as regular files to a directory that only you or root can change (chmod -R go-w)";

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
pub enum StepError {
    /// A command failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A system file could not be read or changed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file of the staging directory could not be read or written.
    #[error(transparent)]
    Staging(#[from] DiskError),
    /// The journal could not be written; nothing is done without it.
    #[error("failed to write the journal: {0}")]
    Journal(#[from] ManifestError),
    /// What a step builds on could not be found out.
    #[error("{}{error}", subject.as_ref().map_or_else(String::new, |subject| format!("{subject}: ")))]
    Probe {
        /// What the question was about, where the error does not say it.
        subject: Option<String>,
        /// Why there is no answer.
        error: ProbeError,
    },
    /// A file could not be downloaded.
    #[error("download failed: {fault}\n{url}")]
    Transfer {
        /// The file.
        url: String,
        /// Why.
        fault: TransferFault,
    },
    /// The index of a repository does not have the chart.
    #[error("{url} does not list {chart} {version}")]
    ChartNotListed {
        /// The index.
        url: String,
        /// Name of the chart.
        chart: String,
        /// Its version.
        version: String,
    },
    /// The index of a repository leads somewhere else than to an `https` URL.
    #[error("{url} gives no https URL for {name}")]
    ChartWithoutHttps {
        /// The index.
        url: String,
        /// The artifact.
        name: String,
    },
    /// Nothing states what the artifact must be: no checksum, no install.
    #[error("no SHA-256 of {name} found in {place}")]
    NoChecksum {
        /// The artifact.
        name: String,
        /// Where it was looked for.
        place: String,
    },
    /// The artifacts directory does not have it.
    #[error("{} is missing from the artifacts directory", .0.display())]
    NoArtifact(PathBuf),
    /// The artifacts folder, or a file in it, is not to be trusted.
    #[error(transparent)]
    Artifact(DiskError),
    /// A file that a step before fetched is gone.
    #[error("{} is not there any more: another process removed it", .0.display())]
    NotFetched(PathBuf),
    /// The artifact is not what its release states.
    #[error(
        "checksum mismatch{}\n{path}\nSHA-256  {found}\nexpected {wanted}",
        if *is_html { "; the file is a web page" } else { "" },
        path = path.display()
    )]
    Checksum {
        /// The artifact.
        path: PathBuf,
        /// What it must be.
        wanted: Sha256Sum,
        /// What it is.
        found: String,
        /// Whether it looks like the page of a captive portal or an error.
        is_html: bool,
    },
    /// A fetched manifest cannot be read.
    #[error("{path} is not YAML: {source}", path = path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<serde_saphyr::Error>,
    },
    /// An object without kind or name.
    #[error("{title} is not a Kubernetes object with a name")]
    NoObject {
        /// Title of the step.
        title: String,
    },
    /// The password cannot be hashed.
    #[error("the password cannot be hashed by bcrypt")]
    Bcrypt,
    /// The file of private registries cannot get the entry.
    #[error("{path}: {fault}", path = path.display())]
    Registries {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: RegistriesFault,
        /// The lines that should be in it.
        lines: Vec<String>,
    },
    /// The registry does not take a push.
    #[error("{0}")]
    Push(CommandError),
    /// The registry sends clients somewhere else.
    #[error("{host} sends uploads to another host, or without TLS")]
    PushAstray {
        /// Host name of the registry.
        host: String,
    },
    /// A condition does not hold in time.
    #[error("after {seconds} s: {missing}{}", cause.as_ref().map_or_else(String::new, |cause| format!("; {cause}")))]
    NotInTime {
        /// The time it had, in seconds.
        seconds: u64,
        /// What is missing.
        missing: Box<Unmet>,
        /// Why, where a service says it.
        cause: Option<Box<StartCause>>,
        /// What the operator can look at.
        hint: Option<String>,
    },
    /// A condition does not hold, and waiting would not help.
    #[error("{0}")]
    Unmet(Box<Unmet>),
    /// A script ended well and has not installed the service.
    #[error("the script ended with exit code 0, but service {service} is not installed and enabled")]
    NotEnabled {
        /// The service.
        service: String,
    },
    /// Something that was deleted is still there.
    #[error("{what} still exists after {seconds} s")]
    Stays {
        /// What was deleted.
        what: String,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// A directory that a run made has got content since.
    #[error("{} is no longer empty", .0.display())]
    NotEmpty(PathBuf),
    /// The caller has a kubeconfig of another cluster where the copy goes.
    #[error("{} is there and is for another cluster; it is not replaced", .0.display())]
    ForeignKubeconfig(PathBuf),
    /// The executor was asked to stop.
    #[error("stopped between two steps")]
    Stopped,
}

impl From<ProbeError> for StepError {
    fn from(error: ProbeError) -> Self {
        Self::Probe { subject: None, error }
    }
}

impl From<StepFailure> for ExecutionError {
    fn from(failure: StepFailure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// How apt begins to say that somebody else is at work. Commands run with `LC_ALL=C`, so it is never translated.
const APT_LOCKED: &str = "E: Could not get lock ";

/// Where the locks are for which apt waits by itself, as `DPkg::Lock::Timeout` tells it to.
const DPKG: &str = "/var/lib/dpkg/";

impl StepError {
    /// The download of `url` failed. That there is no curl is no fault of the network.
    pub(super) fn of_download(url: &str) -> impl FnOnce(CommandError) -> Self {
        let url = url.to_owned();
        move |error| match TransferFault::of(error) {
            Ok(fault) => Self::Transfer { url, fault },
            Err(error) => Self::Command(error),
        }
    }

    /// A fetched file could not be read, written or renamed.
    pub(super) fn staging(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File(FileError::Io { action, path, source })
    }

    /// Last lines of the output of the command that failed, if one did.
    pub fn tail(&self) -> &[String] {
        match self {
            Self::Command(error) | Self::Push(error) | Self::File(FileError::Command(error)) => error.tail(),
            _ => &[],
        }
    }

    /// The lock of apt that another process holds and for which apt does not wait: that of the package lists or of the
    /// archives, with what apt says of the process.
    pub(super) fn apt_lock(&self) -> Option<&str> {
        let locks = self.tail().iter().filter_map(|line| line.strip_prefix(APT_LOCKED));
        locks.into_iter().find(|lock| !lock.starts_with(DPKG))
    }

    /// The failure of the step with this title.
    pub(super) fn at(self, component: Component, step: &str) -> ExecutionError {
        let reason = self.reason();
        self.with(component, step, reason)
    }

    /// The failure of the verification.
    pub(super) fn in_verification(self, component: Component, step: &str) -> ExecutionError {
        let reason = match self {
            Self::NotInTime { .. } => FailureReason::VerificationFailed,
            _ => self.reason(),
        };
        self.with(component, step, reason)
    }

    fn with(self, component: Component, step: &str, reason: FailureReason) -> ExecutionError {
        if matches!(self, Self::Stopped) {
            return ExecutionError::Interrupted;
        }
        let (tail, message, hint) = (self.tail().to_vec(), self.to_string(), self.hint(component));
        StepFailure { step: step.to_owned(), reason, message, tail, hint }.into()
    }

    fn reason(&self) -> FailureReason {
        match self {
            Self::Command(error) | Self::File(FileError::Command(error)) => command_reason(error),
            Self::File(error) if error.is_denied() => FailureReason::PermissionDenied,
            Self::Staging(DiskError::Denied { .. }) => FailureReason::PermissionDenied,
            Self::Transfer { .. }
            | Self::ChartNotListed { .. }
            | Self::ChartWithoutHttps { .. }
            | Self::NoChecksum { .. }
            | Self::NoArtifact(_)
            | Self::Artifact(_) => FailureReason::DownloadFailed,
            Self::Checksum { .. } => FailureReason::ChecksumMismatch,
            Self::NotInTime { .. } => FailureReason::TimedOut,
            Self::Unmet(_) | Self::Push(_) | Self::PushAstray { .. } => FailureReason::VerificationFailed,
            Self::Probe { .. }
            | Self::Yaml { .. }
            | Self::NoObject { .. }
            | Self::Bcrypt
            | Self::Registries { .. }
            | Self::NotEnabled { .. }
            | Self::Stays { .. }
            | Self::ForeignKubeconfig(_)
            | Self::NotEmpty(_) => FailureReason::CommandFailed,
            Self::NotFetched(_) | Self::File(_) | Self::Staging(_) | Self::Journal(_) | Self::Stopped => {
                FailureReason::Internal
            }
        }
    }

    fn hint(&self, component: Component) -> Option<String> {
        let hint = match self {
            Self::NotInTime { hint, .. } => return hint.clone(),
            Self::Command(CommandError::NotFound { program }) => return Some(format!("install {program}")),
            // What a run waited for in vain; apt names the process.
            Self::Command(error) if error.tail().iter().any(|line| line.starts_with(APT_LOCKED)) => {
                "wait until the process that holds the lock ends, then rerun the same command"
            }
            Self::Command(CommandError::NeedsRoot { .. }) => "run as root, or as a user who may use sudo",
            Self::Transfer { fault, .. } if fault.is_missing() => {
                return Some(format!("check versions.{component}, then rerun the same command"));
            }
            Self::ChartNotListed { .. } => {
                return Some(format!("check versions.{component}, then rerun the same command"));
            }
            Self::Transfer { .. }
            | Self::ChartWithoutHttps { .. }
            | Self::NoChecksum { .. }
            | Self::NoArtifact(_) => "check the network, or pass the files with --artifacts-dir",
            Self::Artifact(_) => UNTRUSTED_ARTIFACTS_HELP,
            Self::Registries { lines, .. } => {
                return Some(format!("correct the file, or add these lines to it: {}", lines.join("\n")));
            }
            Self::Push(_) => "k3s kubectl -n kube-system logs deployment/traefik",
            Self::PushAstray { .. } => "the ingress must pass X-Forwarded-Proto on to the registry",
            Self::ForeignKubeconfig(_) => "move the file to another name, or leave host.user_kubeconfig out",
            Self::Unmet(_) => {
                return Some(format!(
                    "pass artifacts of that version, or set versions.{component} to their version"
                ));
            }
            Self::Checksum { .. } => {
                "nothing was installed from it; find out why it differs before you retry"
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
