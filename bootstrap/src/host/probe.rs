//! Questions about the host. What cannot be found out is a [`ProbeError`], so that it can never be taken for a no.

use std::path::Path;

use super::{Command, CommandError, FileError, Host, Output};

/// Why something could not be found out. It says nothing about the thing itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// Only root may look, and this process is not root.
    #[error("{command} needs root")]
    NeedsRoot {
        /// The command that looks.
        command: String,
    },
    /// The program that would tell is not installed.
    #[error("{program} is not in PATH")]
    NoProgram {
        /// Its name.
        program: String,
    },
    /// The command could not be started or ended in a way that is no answer.
    #[error("{command} {outcome}")]
    Failed {
        /// The command, masked.
        command: String,
        /// How it ended.
        outcome: String,
    },
    /// The command did not end in time. What is behind it is likely not to answer the next question either.
    #[error("{command} did not end within {seconds} s")]
    TimedOut {
        /// The command, masked.
        command: String,
        /// The time it had, in seconds.
        seconds: u64,
    },
    /// A file could not be read.
    #[error("{message}")]
    File {
        /// What was tried, on which path, and why it failed.
        message: String,
    },
    /// The API server refused, or could not be reached; in its own or kubectl's words, masked.
    #[error("{message}")]
    Api {
        /// The last line of what kubectl wrote.
        message: String,
    },
    /// The API server sent something else than it should.
    #[error("the API server did not answer {expected}")]
    Malformed {
        /// What was expected, as the end of the sentence: `in JSON`, `with a list`.
        expected: &'static str,
    },
    /// A service that must run, or must not, for the question to make sense.
    #[error("service {service} is {} on this host", if *active { "active" } else { "not active" })]
    Service {
        /// Its name without `.service`.
        service: String,
        /// Whether it is active.
        active: bool,
    },
    /// What would be compared with is not there or not usable.
    #[error("{what}")]
    NothingToCompare {
        /// What is missing, in words.
        what: String,
    },
}

impl ProbeError {
    /// `command`, of which only the program and its subject need to be told, ended in a way that is no answer.
    fn no_answer(command: String, output: &Output) -> Self {
        Self::Failed { command, outcome: format!("ended with {output}") }
    }
}

impl From<CommandError> for ProbeError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NeedsRoot { command } => Self::NeedsRoot { command },
            CommandError::NotFound { program } => Self::NoProgram { program },
            CommandError::TimedOut { command, seconds, .. } => Self::TimedOut { command, seconds },
            CommandError::TooMuchOutput { command } => {
                Self::Failed { command, outcome: "wrote more output than can be kept".to_owned() }
            }
            CommandError::Start { command, .. } => {
                Self::Failed { command, outcome: "does not start".to_owned() }
            }
            CommandError::Interrupted { command } => {
                Self::Failed { command, outcome: "was ended by an interrupt".to_owned() }
            }
            CommandError::Failed { command, status, .. } => {
                Self::Failed { command, outcome: format!("ended with {status}") }
            }
        }
    }
}

impl From<FileError> for ProbeError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Command(error) => error.into(),
            error => Self::File { message: error.to_string() },
        }
    }
}

/// Where systemd looks for units, see `systemd.unit(5)`.
const UNIT_FOLDERS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

impl Host {
    /// Whether there is a unit file for the service `name`. Systemd itself is not asked, so this needs no systemd.
    pub fn has_unit(&self, name: &str) -> bool {
        let file = format!("{name}.service");
        UNIT_FOLDERS.iter().any(|folder| self.at(&Path::new(folder).join(&file)).exists())
    }

    /// Whether the service `name` is active or about to be. A service without a unit file is not, whatever systemd
    /// would say.
    ///
    /// # Errors
    /// systemd cannot be asked, or answers with a state that is neither.
    pub fn service_active(&self, name: &str) -> Result<bool, ProbeError> {
        if !self.has_unit(name) {
            return Ok(false);
        }
        let output = self.ask(&Command::new("systemctl").args(["is-active", name]))?;
        match output.text().trim() {
            "active" | "activating" | "reloading" => Ok(true),
            "inactive" | "failed" | "deactivating" => Ok(false),
            _ => Err(ProbeError::no_answer(format!("systemctl is-active {name}"), &output)),
        }
    }

    /// Whether the package `name` is installed.
    ///
    /// # Errors
    /// There is no dpkg, or it fails for another reason than that it does not know the package.
    pub fn package_installed(&self, name: &str) -> Result<bool, ProbeError> {
        let command = Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", name]);
        let output = self.ask(&command)?;
        // dpkg-query has one exit code for everything; its words are all that tells an unknown package from a broken
        // database. They are never translated: commands run with LC_ALL=C.
        match output.succeeded() {
            true => Ok(output.text().trim() == "installed"),
            false if output.stderr_text().contains("no packages found") => Ok(false),
            false => Err(ProbeError::no_answer("dpkg-query".to_owned(), &output)),
        }
    }
}
