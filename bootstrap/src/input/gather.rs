//! Collects inputs from flags, environment and config file, in this order of precedence, and checks each.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::flags::Flags;
use super::nearest::suggestion;
use super::table::{INPUTS, Input, Privacy};
use super::{config, kind, secrets};
use crate::exit::Failure;
use crate::secret::Secret;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
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

impl fmt::Display for Origin {
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

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The value as written.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Inputs by key; every value has passed the check of its kind.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    values: BTreeMap<&'static str, Given>,
    secrets: BTreeMap<&'static str, Secret>,
}

impl Inputs {
    /// The value of `key` if somebody gave one, defaults left out.
    pub fn given(&self, key: &str) -> Option<&Given> {
        self.values.get(key)
    }

    /// The value of `key`, or its default.
    pub fn text(&self, key: &str) -> Option<&str> {
        let given = self.values.get(key).map(|given| given.value.as_str());
        given.or_else(|| Input::find(key)?.default)
    }

    /// The value of a switch; a switch without a default is off.
    pub fn switch(&self, key: &str) -> bool {
        self.text(key).and_then(kind::switch).unwrap_or(false)
    }

    /// Checks a value and takes it over.
    pub fn insert(&mut self, input: &'static Input, value: String, origin: Origin) -> Result<(), Failure> {
        input
            .kind
            .check(&value)
            .map_err(|expected| Failure::usage(format!("{} ({origin}) {expected}", input.key)))?;
        self.values.insert(input.key, Given { value, origin });
        Ok(())
    }

    /// The secret that belongs to the input `key`, if it was given.
    pub fn secret(&self, key: &str) -> Option<&Secret> {
        self.secrets.get(key)
    }

    /// Values of private inputs, defaults included: what no outgoing document may contain.
    pub fn private_values(&self) -> impl Iterator<Item = &str> {
        INPUTS
            .iter()
            .filter(|input| input.privacy == Privacy::Private)
            .filter_map(|input| self.text(input.key))
    }
}

/// Collects all inputs that were given, secrets included. A file is read once, so that it can be a pipe.
pub fn gather(
    flags: &Flags,
    variable: impl Fn(&str) -> Option<OsString>,
    config: Option<&Path>,
    warnings: &mut Vec<String>,
) -> Result<Inputs, Failure> {
    let mut inputs = Inputs::default();
    if let Some(path) = config {
        for (input, value) in config::read(path)? {
            inputs.insert(input, value, Origin::File)?;
        }
    }
    for input in INPUTS {
        let name = input.variable();
        // A set but empty variable counts as unset, as it does for the telemetry settings.
        let Some(value) = variable(&name).filter(|value| !value.is_empty()) else { continue };
        let value = value
            .into_string()
            .map_err(|_| Failure::usage(format!("{} ({name}) must be UTF-8", input.key)))?;
        inputs.insert(input, value, Origin::Variable(name))?;
    }
    for input in INPUTS {
        if let (Some(value), Some(flag)) = (flags.values.get(input.key), input.flag) {
            inputs.insert(input, value.clone(), Origin::Flag(flag))?;
        }
    }
    for name in &flags.skipped {
        inputs.insert(component(name)?, "skip".to_owned(), Origin::Skip)?;
    }
    for source in secrets::SOURCES {
        let file = inputs.text(source.key).map(PathBuf::from);
        if let Some(secret) = source.read(file.as_deref(), &variable, warnings)? {
            inputs.secrets.insert(source.key, secret);
        }
    }
    Ok(inputs)
}

fn component(name: &str) -> Result<&'static Input, Failure> {
    let words = || schema::Component::ALL.iter().map(|component| component.as_str());
    Input::find(&format!("components.{name}")).ok_or_else(|| {
        let known: Vec<&str> = words().collect();
        Failure::usage(format!("--skip names no known component{}", suggestion(name, words())))
            .hint(format!("known components: {}", known.join(", ")))
    })
}
