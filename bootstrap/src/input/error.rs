//! What can be wrong with inputs, as data. The words are here, once; the exit code is the command's business.
//!
//! No message repeats a value: it may be a secret that slipped into the wrong place.

use std::io;
use std::path::PathBuf;

use schema::Mode;

use super::value::{InvalidValue, suggestion};
use crate::terminal::Unanswered;

/// Why inputs do not make settings.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The config file cannot be read.
    #[error("cannot read config {}", path.display())]
    ConfigUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The config file is too large to be one.
    #[error("config {} is larger than {limit} bytes", path.display())]
    ConfigTooLarge {
        /// The file.
        path: PathBuf,
        /// Largest size in bytes.
        limit: u64,
    },
    /// The config file is no mapping of known keys to single values.
    #[error("config {}", path.display())]
    ConfigMalformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ConfigFault,
    },
    /// A variable is not text.
    #[error("{key} ({variable}) must be UTF-8")]
    NotUtf8 {
        /// Key of the input.
        key: String,
        /// The variable.
        variable: String,
    },
    /// A value is outside its bounds.
    #[error("{key} ({place}) {reason}")]
    InvalidInput {
        /// Key of the input.
        key: String,
        /// Where the value came from, in the operator's terms.
        place: String,
        /// What is expected.
        reason: InvalidValue,
    },
    /// `--skip` names something else.
    #[error("--skip names no known component{}", suggestion(*nearest))]
    UnknownComponent {
        /// The component whose name is most like it.
        nearest: Option<&'static str>,
        /// Every component.
        known: Vec<&'static str>,
    },
    /// An input that the run needs was not given.
    #[error("missing {key}: {why}")]
    MissingInput {
        /// Key of the input.
        key: String,
        /// What it is needed for.
        why: &'static str,
        /// How to give it.
        remedy: Option<String>,
    },
    /// An input was given that the mode has no use for.
    #[error("{key} ({place}) is not used in mode {mode}")]
    UnusedInput {
        /// Key of the input.
        key: String,
        /// Where it was given, in the operator's terms.
        place: String,
        /// The mode of the run.
        mode: Mode,
        /// The modes that use it.
        modes: &'static [Mode],
    },
    /// A variable of the environment has our prefix, and is none that we know.
    #[error("unknown environment variable {variable}{}", suggestion(nearest.as_deref()))]
    UnknownVariable {
        /// The variable.
        variable: String,
        /// The variable whose name is most like it.
        nearest: Option<String>,
    },
    /// Rancher and the registry cannot share a host name.
    #[error("registry.host is the host name of Rancher; each needs its own")]
    SameHostNames,
    /// The file of a secret cannot be read.
    #[error("cannot read {key} {}", path.display())]
    SecretUnreadable {
        /// Key of the input that names the file.
        key: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A secret is not one line of printable text.
    #[error("{key} ({place}) must hold one line of printable ASCII, at most 4096 bytes")]
    SecretMalformed {
        /// Key of the input that names the file.
        key: String,
        /// The file or the variable.
        place: String,
    },
    /// A question was not answered.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

impl InputError {
    /// What the operator can do about it, where that does not follow from the message.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ConfigMalformed { .. } => Some("bootstrap config-schema".to_owned()),
            Self::UnknownComponent { known, .. } => Some(format!("known components: {}", known.join(", "))),
            Self::UnusedInput { key, modes, place, .. } => {
                let modes: Vec<&str> = modes.iter().map(|mode| mode.as_str()).collect();
                Some(format!("remove {key} ({place}), or choose --mode {}", modes.join(" or ")))
            }
            Self::UnknownVariable { variable, .. } => Some(format!("unset {variable}")),
            Self::MissingInput { remedy, .. } => remedy.clone(),
            _ => None,
        }
    }
}

/// What is wrong with a config file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    /// Not YAML. The parser's own message quotes the file, which may hold anything, so only the place is told.
    #[error("not valid YAML{}", place.map(|(line, column)| format!(" at line {line}, column {column}")).unwrap_or_default())]
    NotYaml {
        /// Line and column, counted from one.
        place: Option<(u64, u64)>,
    },
    /// Something else than a mapping at the top.
    #[error("must be a mapping of keys to values")]
    NotAMapping,
    /// A value where a section belongs.
    #[error("{section} must be a mapping")]
    NotASection {
        /// The section.
        section: String,
    },
    /// No input has this key.
    #[error("unknown key{}{}", key.as_ref().map(|key| format!(" {key}")).unwrap_or_default(), suggestion(nearest.as_deref()))]
    UnknownKey {
        /// The key, if it is shaped like one.
        key: Option<String>,
        /// The key that is most like it.
        nearest: Option<String>,
    },
    /// A number with a fraction: a version, which YAML would shorten (`1.10` is `1.1`).
    #[error("{key} must be in quotes, or it is read as a number")]
    Unquoted {
        /// Key of the input.
        key: String,
    },
    /// A key with nothing behind it.
    #[error("{key} has no value")]
    NoValue {
        /// Key of the input.
        key: String,
    },
    /// A list or a mapping where a value belongs.
    #[error("{key} must be a single value")]
    NotAScalar {
        /// Key of the input.
        key: String,
    },
}
