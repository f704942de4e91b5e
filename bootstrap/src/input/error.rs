//! What can be wrong with an input. Messages name keys, flags, variables and files, and never a value.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::value::{InvalidValue, suggestion};
use crate::terminal::Unanswered;

/// An input is missing or unusable, or a question about one was not answered.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The value is not of the form of its input.
    #[error("{key} ({source_of_value}) {reason}")]
    Invalid {
        /// Key of the input.
        key: String,
        /// Where the value came from.
        source_of_value: InputSource,
        /// What is expected.
        reason: InvalidValue,
    },
    /// A variable holds other bytes than text.
    #[error("{key} ({variable}) must be UTF-8")]
    NotUtf8 {
        /// Key of the input.
        key: String,
        /// The variable.
        variable: String,
    },
    /// A required input is missing and nobody can be asked.
    #[error("missing {key}: {why}")]
    Missing {
        /// Key of the input.
        key: &'static str,
        /// What it is needed for.
        why: &'static str,
        /// How to give it.
        how: String,
    },
    /// The join token was asked for, and the answer was empty.
    #[error("missing agent.token_file: the answer was empty")]
    EmptyToken,
    /// Two names are the same that must differ.
    #[error("registry.host is the host name of Rancher; each needs its own")]
    SameHost,
    /// `--skip` names something else than a component.
    #[error("--skip names no known component{}", suggestion(*nearest))]
    UnknownComponent {
        /// The component most like it.
        nearest: Option<&'static str>,
    },
    /// The config file could not be read.
    #[error("cannot read config {path}", path = path.display())]
    UnreadableConfig {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The config file is some other file.
    #[error("config {path} is larger than {max} bytes", path = path.display())]
    LargeConfig {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        max: u64,
    },
    /// The config file is not of the form of its schema.
    #[error("config {path}: {fault}", path = path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        fault: ConfigFault,
    },
    /// The file of a secret could not be read.
    #[error("cannot read {key} {path}", path = path.display())]
    UnreadableSecret {
        /// Key of the input that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A secret of another form.
    #[error("{key} ({place}) must hold one line of printable ASCII, at most 4096 bytes")]
    UnusableSecret {
        /// Key of the input that names its file.
        key: &'static str,
        /// The file or variable that it was read from.
        place: String,
    },
    /// A question about an input was not answered.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

impl InputError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { how, .. } => Some(how.clone()),
            Self::UnknownComponent { .. } => {
                let known: Vec<&str> = schema::Component::ALL.iter().map(|known| known.as_str()).collect();
                Some(format!("known components: {}", known.join(", ")))
            }
            Self::Config { .. } => {
                Some("`bootstrap config-schema` prints the JSON Schema of the file".to_owned())
            }
            _ => None,
        }
    }
}

/// Where the value of an input came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputSource {
    /// A flag of the command line.
    Flag(&'static str),
    /// `--skip`.
    Skip,
    /// An environment variable.
    Variable(String),
    /// The config file.
    File,
    /// The operator, asked.
    Prompt,
}

impl fmt::Display for InputSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Skip => f.write_str("--skip"),
            Self::Variable(name) => f.write_str(name),
            Self::File => f.write_str("the config file"),
            Self::Prompt => f.write_str("your answer"),
        }
    }
}

/// What is wrong in a config file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    /// The parser's own message quotes the file, which may hold anything, so only the place is told.
    #[error("not valid YAML{}", place.map_or_else(String::new, |(line, column)| format!(" at line {line}, column {column}")))]
    Yaml {
        /// Line and column, from 1.
        place: Option<(u64, u64)>,
    },
    /// Something else than keys with values.
    #[error("must be a mapping of keys to values")]
    NoMapping,
    /// A section holds a single value.
    #[error("{0} must be a mapping")]
    NoSection(String),
    /// A key that no input has. What is not shaped like a key is not repeated: it may be a value in the wrong place.
    #[error("unknown key{}{}", key.as_ref().map_or_else(String::new, |key| format!(" {key}")), suggestion(nearest.as_deref()))]
    UnknownKey {
        /// The key, if it is shaped like one.
        key: Option<String>,
        /// The key or section most like it.
        nearest: Option<String>,
    },
    /// YAML reads 1.10 as the number 1.1, so a version has to be quoted.
    #[error("{0} must be in quotes, or it is read as a number")]
    Unquoted(String),
    /// A key without a value.
    #[error("{0} has no value")]
    NoValue(String),
    /// A list or a mapping where a single value is expected.
    #[error("{0} must be a single value")]
    NotSingle(String),
}
