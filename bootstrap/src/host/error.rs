//! What can go wrong on the machine.

use std::io;
use std::path::PathBuf;

use privacy::disk::DiskError;

/// A command did not do what it should. Texts are masked: they hold no secret that the log knows.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no such program.
    #[error("{program} is not in PATH")]
    NotFound {
        /// Its name.
        program: String,
    },
    /// The program is there and does not start.
    #[error("{command} does not start")]
    Start {
        /// The command.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// It ended with an error.
    #[error("{command} ended with {status}")]
    Failed {
        /// The command.
        command: String,
        /// Exit code or signal, in words.
        status: String,
        /// Exit code, if it ended with one.
        code: Option<i32>,
        /// Last lines of its output.
        tail: Vec<String>,
    },
    /// It did not end in time and was killed with its children.
    #[error("{command} did not end within {seconds} s")]
    TimedOut {
        /// The command.
        command: String,
        /// The time it had, in seconds.
        seconds: u64,
        /// Last lines of its output.
        tail: Vec<String>,
    },
    /// Somebody asked to stop, and it was ended or not even started.
    #[error("{command} was ended by an interrupt")]
    Interrupted {
        /// The command.
        command: String,
    },
    /// It said more than can be kept. The part that was kept must not be taken for the whole.
    #[error("{command} wrote more output than can be kept")]
    TooMuchOutput {
        /// The command.
        command: String,
    },
    /// It needs root, and this process is not root and may not use sudo.
    #[error("{command} needs root")]
    NeedsRoot {
        /// The command.
        command: String,
    },
}

impl CommandError {
    /// Last lines of the output, if there was any.
    pub fn tail(&self) -> &[String] {
        match self {
            Self::Failed { tail, .. } | Self::TimedOut { tail, .. } => tail,
            _ => &[],
        }
    }
}

/// A system file or directory could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A symbolic link is in its place. Replacing it would cut it off from what it stands for.
    #[error("{path} is a symbolic link")]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// Something else is in its place.
    #[error("{path} is not {wanted}")]
    Kind {
        /// What is in the way.
        path: PathBuf,
        /// What should be there.
        wanted: &'static str,
    },
    /// Somebody else could change what is in it.
    #[error("{path} is not root's alone: {problem}")]
    Shared {
        /// The directory.
        path: PathBuf,
        /// Who else can change it, and how.
        problem: &'static str,
    },
    /// Another user could put something else in its place.
    #[error(transparent)]
    Replaceable(DiskError),
    /// A file in the home of the user who called could not be used.
    #[error(transparent)]
    OfCaller(DiskError),
    /// The system refused.
    #[error("failed to {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A command that works on the file for us failed.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl FileError {
    /// Whether the cause is a missing permission.
    pub fn is_denied(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == io::ErrorKind::PermissionDenied,
            Self::Command(CommandError::NeedsRoot { .. }) | Self::OfCaller(DiskError::Denied { .. }) => true,
            _ => false,
        }
    }
}
