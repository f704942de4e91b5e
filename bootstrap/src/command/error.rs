//! How a command can end other than well: one typed error for each, with its exit code, its message and its hint.
//!
//! Three answers are given in three places and nowhere else: [`Error::process_exit_code`] is the one `match` that decides
//! exit codes, the `#[error]` attributes are the messages, [`Error::hint`] the hints. Rooms below have error types of their
//! own, which say what failed and not how the program ends; they become variants here. A struct with a code and a text,
//! filled in where something fails, was given up: nothing but its text told one failure from another.

use std::io;
use std::path::PathBuf;

use manifest::ManifestError;
use privacy::disk::DiskError;
use schema::{Component, FailureReason, Mode};
use telemetry::{ConsentReason, DeliveryEnd, TelemetryError};

pub use super::interrupted::InterruptedAt;
pub use super::unattended::Unattended;
use super::{hint, next};
use crate::host::{CommandError, HostLockError};
use crate::input::InputError;
use crate::run::{SessionError, error_chain};
use crate::step::StepFailure;
use crate::terminal::{Signal, Unanswered};

/// Exit codes of the command line beside 0; `docs/reference.md` lists them for callers. After a signal the code is
/// [`SIGNAL_BASE`] and the number of the signal, as shells have it.
mod exit_code {
    pub(super) const FAILED: u8 = 1;
    pub(super) const USAGE: u8 = 2;
    pub(super) const PREFLIGHT: u8 = 3;
    pub(super) const DECLINED: u8 = 4;
    /// Of `--detailed-exitcode` alone, with which every failure is 1.
    pub(super) const CHANGES_PLANNED: u8 = 2;
    pub(super) const SIGNAL_BASE: u8 = 128;
}

/// Why a command did not do what it was asked for. Messages name paths, keys and commands, and never a private value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments do not parse. The text is that of the parser.
    #[error("{0}")]
    CommandLine(String),
    /// An input is missing or unusable.
    #[error(transparent)]
    Input(Box<InputError>),
    /// Something would be changed or deleted, and nobody can be asked.
    #[error("{}", .0.message())]
    NeedsYes(Unattended),
    /// `telemetry show` got an id that no event can have.
    #[error("the id is not an event id")]
    NotAnEventId,
    /// A document could not be read.
    #[error("cannot read {name}")]
    UnreadableDocument {
        /// Its path, or words for standard input.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// `validate` found documents that the contract refuses; each has its verdict already.
    #[error("some documents are invalid")]
    RefusedDocuments,
    /// A dry run planned changes, and was asked to say so by its exit code. No failure.
    #[error("something would change")]
    ChangesPlanned,
    /// The preflight found what makes a run impossible.
    #[error("preflight failed: {checks} (nothing was changed)")]
    PreflightFailed {
        /// Names of the checks that failed.
        checks: String,
        /// The mode that the host was checked for.
        mode: Mode,
    },
    /// The preflight warns, and nobody has accepted that.
    #[error("preflight warnings: {checks}; no terminal, confirmation impossible (nothing was changed)")]
    PreflightWarnings {
        /// Names of the checks that warn.
        checks: String,
    },
    /// What a run installed does not work, or it cannot be told.
    #[error("{problems} of {checks} checks failed or are unknown")]
    NotVerified {
        /// Checks that failed or could not be made.
        problems: usize,
        /// All checks.
        checks: usize,
    },
    /// The operator said no, or gave no answer.
    #[error("declined; nothing was changed")]
    Declined,
    /// The question about an input was not answered.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    /// Something was to be sent, and there is no consent to it.
    #[error("nothing is sent without consent: {reason}")]
    NoConsent {
        /// Why there is none.
        reason: ConsentReason,
        /// The signal that arrived at the question.
        signal: Option<Signal>,
    },
    /// A signal asked the program to stop.
    #[error("interrupted: {}; exit {}", when.message(), exit_code::SIGNAL_BASE + signal.number())]
    Interrupted {
        /// The signal.
        signal: Signal,
        /// What was done by then.
        when: InterruptedAt,
    },
    /// The signals that end a run could not be noted.
    #[error("cannot install signal handlers")]
    SignalHandlers(#[source] io::Error),
    /// The records of runs cannot be used.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A component is in a state from which nothing can be planned.
    #[error("{component} cannot be planned: {reason}")]
    Blocked {
        /// The component.
        component: Component,
        /// Why.
        reason: String,
    },
    /// Telemetry acts as the user who called sudo, and cannot.
    #[error("cannot continue as the user who called sudo")]
    CallerOutOfReach(#[source] io::Error),
    /// The host is to be changed as root, and root is out of reach.
    #[error("cannot get root privileges: {}", root_refusal(.0))]
    NeedsRoot(CommandError),
    /// As [`Self::NeedsRoot`], for what root itself would not do: it refuses the records of another user.
    #[error("cannot get root privileges: {}", root_refusal(.0))]
    NeedsSudo(CommandError),
    /// Another process is changing the host, or it cannot be told whether one is.
    #[error("cannot change this host now: {}", error_chain(.0))]
    HostLocked(HostLockError),
    /// A step of a run failed.
    #[error("{}", step_message(*component, failure))]
    StepFailed {
        /// The component that it belongs to.
        component: Component,
        /// The step and what went wrong.
        failure: Box<StepFailure>,
    },
    /// The record of the run to roll back cannot be used.
    #[error("cannot roll back")]
    UnusableRecord(#[source] ManifestError),
    /// A document of an earlier run is to be sent, and what must not be in it cannot be told.
    #[error("cannot check the document against the private record of its run")]
    UncheckedRecord(#[source] ManifestError),
    /// The run to roll back was a dry run.
    #[error("the record is that of a dry run, which changed nothing; there is nothing to undo")]
    DryRunRecord,
    /// A rollback ended and did not undo all that it was to.
    #[error("{missed} {} could not be undone", if *missed == 1 { "item" } else { "items" })]
    NotUndone {
        /// Items that are left.
        missed: usize,
    },
    /// Everything was undone that records name which this process may obey, and there are others.
    #[error(
        "{records} {} not be used; what {} was not inspected",
        if *records == 1 { "record could" } else { "records could" },
        if *records == 1 { "it names" } else { "they name" }
    )]
    RecordsLeft {
        /// Records that could not be used.
        records: usize,
        /// Why the newest of them could not.
        why: Box<ManifestError>,
    },
    /// The outbox or the settings of telemetry cannot be used.
    #[error("{}", error_chain(error))]
    Telemetry {
        /// What is wrong.
        error: TelemetryError,
        /// The outbox that was meant.
        outbox_dir: PathBuf,
    },
    /// A delivery ended and documents still wait.
    #[error("{}", undelivered(*.0))]
    Undelivered(DeliveryEnd),
    /// A delivery ended well, and the one document that it was for has not arrived.
    #[error("the event was not delivered: it was refused, or deleted before it was sent")]
    NotDelivered,
    /// A file of ours cannot be written.
    #[error(transparent)]
    Unwritable(DiskError),
    /// The archive of a backup cannot be packed.
    #[error("cannot pack the backup")]
    Packing(#[source] CommandError),
    /// A part of a backup could not be read.
    #[error("{missed} {} could not be saved", if *missed == 1 { "part" } else { "parts" })]
    IncompleteBackup {
        /// What is missing.
        missed: usize,
    },
    /// Standard output took only a part of the result.
    #[error("a part of the result could not be written to standard output")]
    LostOutput,
}

impl Error {
    /// The number that the process exits with.
    pub fn process_exit_code(&self) -> u8 {
        use exit_code::{CHANGES_PLANNED, DECLINED, FAILED, PREFLIGHT, SIGNAL_BASE, USAGE};
        match self {
            Self::UnusableRecord(error) if is_of_the_wrong_record(error) => USAGE,
            Self::ChangesPlanned => CHANGES_PLANNED,
            Self::PreflightFailed { .. } | Self::PreflightWarnings { .. } => PREFLIGHT,
            Self::Interrupted { signal, .. }
            | Self::Unanswered(Unanswered::Interrupted(signal))
            | Self::NoConsent { signal: Some(signal), .. } => SIGNAL_BASE + signal.number(),
            Self::Declined
            | Self::Unanswered(Unanswered::EndOfInput)
            | Self::NoConsent { reason: ConsentReason::Declined, .. } => DECLINED,
            Self::CommandLine(_)
            | Self::Input(_)
            | Self::NeedsYes(_)
            | Self::NotAnEventId
            | Self::UnreadableDocument { .. }
            | Self::DryRunRecord
            // Nobody said no: the consent is an input that is missing, or that says no.
            | Self::NoConsent { .. } => USAGE,
            Self::UnusableRecord(_)
            | Self::UncheckedRecord(_)
            | Self::Session(_)
            | Self::SignalHandlers(_)
            | Self::Blocked { .. }
            | Self::NeedsRoot(_)
            | Self::NeedsSudo(_)
            | Self::HostLocked(_)
            | Self::CallerOutOfReach(_)
            | Self::StepFailed { .. }
            | Self::NotUndone { .. }
            | Self::RecordsLeft { .. }
            | Self::NotVerified { .. }
            | Self::Telemetry { .. }
            | Self::Undelivered(_)
            | Self::NotDelivered
            | Self::RefusedDocuments
            | Self::Unwritable(_)
            | Self::Packing(_)
            | Self::IncompleteBackup { .. }
            | Self::LostOutput => FAILED,
        }
    }

    /// What failed, with its causes.
    pub fn message(&self) -> String {
        error_chain(self)
    }

    /// What the operator can do about it: a command that can be pasted, where one is enough.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Input(error) => return error.hint(),
            // The step knows its own remedy best; the general one is that a rerun keeps what is done.
            Self::StepFailed { failure, .. } => match &failure.hint {
                Some(hint) => return Some(hint.clone()),
                None => "fix this, then rerun the same command; completed steps are kept",
            },
            Self::Telemetry { error, outbox_dir } => return hint::of_telemetry(error, outbox_dir),
            Self::Session(error) => return error.hint().map(str::to_owned),
            Self::UnusableRecord(error) => hint::of_record(error),
            Self::UncheckedRecord(_) => {
                "run this as the user who made the run, or with sudo if the run was made with sudo"
            }
            Self::NeedsYes(Unattended::Run) => "inspect the plan with --dry-run, then add --yes",
            Self::NeedsYes(Unattended::Rollback) => "inspect the plan without --apply, then add --yes",
            Self::Undelivered(DeliveryEnd::NoEndpoint) => hint::ENDPOINT,
            Self::NotAnEventId | Self::Undelivered(_) | Self::NotDelivered => "bootstrap telemetry status",
            Self::PreflightFailed { mode, .. } => {
                return Some(format!("fix the failed checks, then: {}", next::preflight(*mode)));
            }
            Self::PreflightWarnings { .. } => "add --accept-warnings to continue",
            Self::NoConsent { .. } => "set TELEMETRY_ENABLED=true to consent",
            Self::Blocked { .. } => "fix this, then rerun the same command; nothing was changed",
            Self::NeedsSudo(_) => "run `sudo -v` in this terminal first, then rerun the same command",
            Self::RecordsLeft { why, .. } => hint::of_record(why),
            Self::NeedsRoot(_) => "run `sudo -v` in this terminal first, or run as root",
            Self::HostLocked(HostLockError::Lock(ManifestError::Held { .. })) => {
                "wait until the other run ends, or stop it, then rerun the same command"
            }
            Self::NotUndone { .. } => "do the manual steps above, then rerun the same command",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// A question about an input that stays open is no fault of the input.
impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Unanswered(unanswered) => Self::Unanswered(unanswered),
            error => Self::Input(Box::new(error)),
        }
    }
}

/// What sudo said, where it said something: that is more to the point than its exit code.
fn root_refusal(error: &CommandError) -> String {
    error.tail().last().cloned().unwrap_or_else(|| error.to_string())
}

/// The failure of a step with the last lines of its command's output. A download is told by its URL, which says more than the
/// title of the step.
fn step_message(component: Component, failure: &StepFailure) -> String {
    let first = match failure.reason {
        FailureReason::DownloadFailed => format!("{component}: {}", failure.message),
        _ => format!("{component}: {}: {}", failure.step, failure.message),
    };
    let lines = failure.tail.iter().map(|line| format!("  | {line}"));
    std::iter::once(first).chain(lines).collect::<Vec<_>>().join("\n")
}

/// Whether the record that was named is not one to roll back here. Any other fault is the disk's, or passes.
const fn is_of_the_wrong_record(error: &ManifestError) -> bool {
    matches!(
        error,
        ManifestError::NotARunFile { .. }
            | ManifestError::Disk(DiskError::Missing { .. })
            | ManifestError::OtherMachine { .. }
            | ManifestError::Damaged { .. }
            | ManifestError::OtherRun { .. }
            | ManifestError::UnknownVersion { .. }
    )
}

const fn undelivered(ended: DeliveryEnd) -> &'static str {
    match ended {
        DeliveryEnd::Done | DeliveryEnd::Stopped => "not all events could be delivered; they are kept",
        DeliveryEnd::Unreachable(_) => "the endpoint cannot be reached; queued events are kept",
        DeliveryEnd::Unavailable(_) => "the endpoint asks to try again later; queued events are kept",
        DeliveryEnd::Misconfigured(_) => {
            "the endpoint does not accept telemetry at this address; queued events are kept"
        }
        DeliveryEnd::Deadline => "the time limit of one delivery is over; queued events are kept",
        DeliveryEnd::Busy => "another process is delivering and did not end in time",
        DeliveryEnd::NoEndpoint => "there is no telemetry endpoint; queued events are kept",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_tell_what_kind_of_end_it_was() {
        let no_consent = |reason, signal| Error::NoConsent { reason, signal };
        let interrupted = |signal| Error::Interrupted { signal, when: InterruptedAt::Run { done: 1, of: 2 } };
        for (error, exit_code) in [
            (Error::LostOutput, 1),
            (Error::NotAnEventId, 2),
            (Error::PreflightWarnings { checks: "cpu".to_owned() }, 3),
            (Error::Declined, 4),
            (Error::from(Unanswered::EndOfInput), 4),
            (Error::from(Unanswered::Interrupted(Signal::Interrupt)), 130),
            (Error::from(InputError::from(Unanswered::EndOfInput)), 4),
            (interrupted(Signal::Hangup), 129),
            (no_consent(ConsentReason::Disabled, None), 2),
            (no_consent(ConsentReason::Declined, None), 4),
            (no_consent(ConsentReason::Declined, Some(Signal::Terminate)), 143),
        ] {
            assert_eq!(error.process_exit_code(), exit_code, "{error:?}");
        }
    }
}
