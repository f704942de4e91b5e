//! Flags and environment: the sources that are there before any file is opened, and how all sources are brought together.

use std::ffi::OsString;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches};
use schema::Component;

use super::config_file;
use super::declaration::{AnyInput, Declaration, InputField, Lookup, ValueSource};
use super::error::InputError;
use super::inputs::Inputs;
use super::value::{Choice, nearest};

const SKIP: &str = "skip";
const HEADING: &str = "Inputs";

/// Inputs given as flags, by key in the order of the help, and the components named with `--skip`.
///
/// The values are text: they are checked with those of the other sources, so that each mistake reads the same.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    values: Vec<(&'static str, String)>,
    skipped: Vec<String>,
}

impl Flags {
    /// As if `--mode` were the only flag.
    pub fn mode(mode: schema::Mode) -> Self {
        let key = Inputs::declared().mode.declaration().key.as_str();
        Self { values: vec![(key, mode.to_string())], skipped: Vec::new() }
    }

    /// Takes the inputs out of the arguments of a command that has them.
    pub fn from_matches(matches: &ArgMatches) -> Self {
        let given = |spec: &'static Declaration| {
            let value = matches.get_one::<String>(&spec.key)?;
            Some((spec.key.as_str(), value.clone()))
        };
        Self {
            values: flagged().filter_map(given).collect(),
            skipped: matches.get_many::<String>(SKIP).into_iter().flatten().cloned().collect(),
        }
    }
}

fn flagged() -> impl Iterator<Item = &'static Declaration> {
    Inputs::declared().inputs().into_iter().map(AnyInput::declaration).filter(|spec| spec.flag.is_some())
}

/// The arguments of every input that has a flag, and `--skip`.
pub fn arguments() -> Vec<Arg> {
    let skip = Arg::new(SKIP)
        .long(SKIP)
        .value_name("COMPONENT")
        .action(ArgAction::Append)
        .help("Leave a component out (repeatable)")
        .help_heading(HEADING);
    flagged().map(argument).chain([skip]).collect()
}

fn argument(spec: &'static Declaration) -> Arg {
    let words = if spec.words.is_empty() { String::new() } else { format!(": {}", spec.words.join(", ")) };
    let default = spec.default.or(spec.derived_default);
    let default = default.map_or_else(String::new, |default| format!(" [default: {default}]"));
    Arg::new(spec.key.as_str())
        .long(spec.flag.as_deref())
        .value_name(spec.placeholder)
        // `-1` is a number out of bounds, not an unknown flag.
        .allow_negative_numbers(true)
        .help(format!("{}{words}{default}", spec.help))
        .help_heading(HEADING)
}

/// Collects all inputs that were given, secrets included. A file is read once, so that it can be a pipe.
///
/// Which source wins is [`ValueSource`]'s order. The order here is that in which mistakes are told.
///
/// # Errors
/// The first mistake, with its key and where it was made.
pub fn collect(
    flags: &Flags,
    variable: impl Fn(&str) -> Option<OsString>,
    config: Option<&Path>,
    warnings: &mut Vec<String>,
) -> Result<Inputs, InputError> {
    let mut inputs = Inputs::declared().clone();
    if let Some(path) = config {
        for (key, value) in config_file::read(path)? {
            set(&mut inputs, key, &value, ValueSource::ConfigFile)?;
        }
    }
    for input in inputs.inputs_mut() {
        set_default_and_variable(input, &variable)?;
    }
    for (key, value) in &flags.values {
        set(&mut inputs, key, value, ValueSource::Flag)?;
    }
    for name in &flags.skipped {
        skip(&mut inputs, name)?;
    }
    for input in inputs.inputs_mut() {
        input.load_secret(&variable, warnings)?;
    }
    Ok(inputs)
}

fn set(inputs: &mut Inputs, key: &str, value: &str, source: ValueSource) -> Result<(), InputError> {
    inputs.find_mut(key).map_or(Ok(()), |input| input.set(value, source))
}

fn set_default_and_variable(input: &mut dyn AnyInput, variable: Lookup<'_>) -> Result<(), InputError> {
    if let Some(default) = input.declaration().default {
        input.set(default, ValueSource::Default)?;
    }
    let name = input.declaration().variable.clone();
    // A set but empty variable counts as unset, as it does for the telemetry settings.
    let Some(value) = variable(&name).filter(|value| !value.is_empty()) else { return Ok(()) };
    let Ok(value) = value.into_string() else {
        return Err(InputError::NotUtf8 { key: input.declaration().key.clone(), variable: name });
    };
    input.set(&value, ValueSource::Variable)
}

fn skip(inputs: &mut Inputs, name: &str) -> Result<(), InputError> {
    let input = Component::from_word(name).and_then(|component| inputs.components.row_mut(component));
    if let Some(input) = input {
        return input.set(Choice::Skip.as_str(), ValueSource::Flag);
    }
    let known: Vec<&str> = Component::ALL.iter().map(|component| component.as_str()).collect();
    Err(InputError::UnknownComponent { nearest: nearest(name, known.iter().copied()), known })
}
