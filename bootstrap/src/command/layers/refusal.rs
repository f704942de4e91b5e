//! How a call through an entry point can end other than well, and the exit codes of the entry points.

use crate::command::diagnostic::Diagnostic;
use crate::command::error::Error;
use crate::input::InputError;
use crate::layers::{BundleError, EventStatus, PackageError, TargetError, UnsupportedRuntime};
use crate::run::error_chain;
use crate::terminal::{Printer, Unanswered};

/// Why a call did not do what it was made for.
#[derive(Debug, thiserror::Error)]
pub(super) enum LayerError {
    /// The call is not of the form that the entry points take.
    #[error("{message}")]
    Usage {
        /// What is wrong, in the words that the layers look for.
        message: String,
        /// What the shell core exits with here: it is not the same in all of its scripts.
        exit_code: u8,
    },
    /// Something is asked for that this program does not have.
    #[error(transparent)]
    Runtime(#[from] UnsupportedRuntime),
    /// A package is none that can be installed.
    #[error("{}", error_chain(.0))]
    Package(#[from] PackageError),
    /// A package is for another cluster.
    #[error("{}", error_chain(.0))]
    Target(#[from] TargetError),
    /// A file of the bundle cannot be used.
    #[error("{}", error_chain(.0))]
    Bundle(#[from] BundleError),
    /// A question was answered with what ends the call.
    #[error("cannot continue without {0}")]
    Declined(&'static str),
    /// A question was not answered.
    #[error("no answer to the question: {question}")]
    Unanswered {
        /// The question.
        question: String,
        /// The variable that answers it.
        variable: Option<String>,
    },
    /// A yes-or-no question was answered with something else.
    #[error("the answer is neither yes nor no: {question}")]
    Unclear {
        /// The question.
        question: String,
        /// The variable that answers it.
        variable: Option<String>,
    },
    /// Something does not have a public host name.
    #[error("{0} does not declare basic public ingress exposure support")]
    NotPublic(schema::Component),
    /// The command itself failed.
    #[error("{}", .0.error())]
    Command(Diagnostic),
}

impl LayerError {
    /// An unknown argument of `command`.
    pub(super) fn unknown_argument(argument: &str, exit_code: u8) -> Self {
        Self::Usage { message: format!("Unknown argument: {argument}"), exit_code }
    }

    /// The number that the entry point exits with. A cancelled run is a success; a signal is told as shells tell it.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { exit_code, .. } => *exit_code,
            Self::Command(diagnostic) => match diagnostic.error() {
                Error::Declined => 0,
                error => Some(error.process_exit_code()).filter(|code| *code > 128).unwrap_or(1),
            },
            _ => 1,
        }
    }

    /// How the operation ended, for its last event.
    pub(super) fn status(&self) -> EventStatus {
        match self {
            Self::Command(diagnostic) if matches!(diagnostic.error(), Error::Declined) => {
                EventStatus::Cancelled
            }
            _ => EventStatus::Failed,
        }
    }

    /// Shows what the caller has not seen yet.
    pub(super) fn show(&self, printer: &mut Printer) {
        let hint = match self {
            Self::Command(diagnostic) => return diagnostic.show(self.exit_code(), printer),
            Self::Runtime(error) => Some(error.hint().to_owned()),
            Self::Package(error) => error.hint().map(str::to_owned),
            Self::Target(error) => Some(error.hint().to_owned()),
            Self::Bundle(_) => Some("unpack the archive again".to_owned()),
            Self::Unanswered { variable, .. } => variable.as_ref().map(|name| format!("set {name}")),
            Self::Unclear { variable, .. } => Some(match variable {
                Some(name) => format!("answer y or n, or set {name}"),
                None => "answer y or n".to_owned(),
            }),
            Self::Usage { .. } => Some("productive-k3s-core.sh help".to_owned()),
            Self::Declined(_) | Self::NotPublic(_) => None,
        };
        let below: Vec<(&str, &str)> = hint.iter().map(|hint| ("help", hint.as_str())).collect();
        printer.error(&self.to_string(), &below);
    }
}

impl From<Diagnostic> for LayerError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Command(diagnostic)
    }
}

impl From<Error> for LayerError {
    fn from(error: Error) -> Self {
        Self::Command(error.into())
    }
}

impl From<InputError> for LayerError {
    fn from(error: InputError) -> Self {
        Self::from(Error::from(error))
    }
}

impl From<Unanswered> for LayerError {
    fn from(unanswered: Unanswered) -> Self {
        Self::from(Error::from(unanswered))
    }
}
