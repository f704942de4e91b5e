//! How the program ends: exit codes, and the failures that carry them.

use std::fmt;
use std::path::PathBuf;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Exit codes of the command line; `README.md` lists them for callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Something failed.
    Failed,
    /// Usage, or an input that is missing or unusable.
    Usage,
    /// The host did not pass the preflight.
    Preflight,
    /// The operator declined.
    Declined,
    /// A signal ended the run.
    Interrupted(Signal),
}

/// A signal that asks the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The terminal went away.
    Hangup,
    /// Ctrl-C.
    Interrupt,
    /// `kill`.
    Terminate,
}

impl Signal {
    const fn number(self) -> u8 {
        match self {
            Self::Hangup => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

impl Exit {
    /// The number the process exits with: 128 and the signal's number after a signal, as shells do.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Preflight => 3,
            Self::Declined => 4,
            Self::Interrupted(signal) => 128 + signal.number(),
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A failure that the operator is told of: what failed, where to read more, what to do next.
#[derive(Debug)]
pub struct Failure {
    /// The code the program ends with.
    pub exit: Exit,
    /// What failed, on which path, key or command; never a private value.
    pub message: String,
    /// What the operator can do about it.
    pub hint: Option<String>,
    /// The full log, where the failure left one.
    pub log: Option<PathBuf>,
    /// Whether standard output holds the JSON document of the command already.
    pub documented: bool,
}

impl Failure {
    /// A usage or input error.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// An error of the work itself.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// A failure with its exit code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, log: None, documented: false }
    }

    /// Adds what the operator can do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds where the full log is.
    pub fn log(mut self, log: impl Into<PathBuf>) -> Self {
        self.log = Some(log.into());
        self
    }
}

impl Failure {
    /// Notes that the JSON document of the command is out, so that no second one follows.
    pub fn documented(mut self) -> Self {
        self.documented = true;
        self
    }
}

/// The JSON document of a command that failed before it had one of its own.
impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Failure", 4)?;
        document.serialize_field("error", &self.message)?;
        document.serialize_field("hint", &self.hint)?;
        document.serialize_field("log", &self.log)?;
        document.serialize_field("exit_code", &self.exit.code())?;
        document.end()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// An error with its sources, outermost first.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
