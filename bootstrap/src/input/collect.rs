//! Collects inputs from config file, environment and flags, each before the next, so that the later one wins.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches};

use super::config_file;
use super::declaration::{DECLARATIONS, Declaration, Inputs, Privacy};
use super::error::{InputError, InputSource};
use super::secret_input::SECRET_INPUTS;
use super::value::nearest;
use crate::secret::Secret;

const SKIP: &str = "skip";

/// Inputs given as flags, by key, and the components named with `--skip`.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    values: BTreeMap<&'static str, String>,
    skipped: Vec<String>,
}

impl Flags {
    /// As if `--mode` were the only flag.
    pub fn mode(mode: schema::Mode) -> Self {
        Self { values: BTreeMap::from([("mode", mode.to_string())]), skipped: Vec::new() }
    }

    /// Takes the inputs out of the arguments of a command that has them.
    pub fn from_matches(matches: &ArgMatches) -> Self {
        let given = |key| matches.get_one::<String>(key).cloned();
        let with_flag = DECLARATIONS.iter().filter(|input| input.flag.is_some());
        Self {
            values: with_flag
                .filter_map(|input| Some((input.key.as_str(), given(input.key.as_str())?)))
                .collect(),
            skipped: matches.get_many::<String>(SKIP).into_iter().flatten().cloned().collect(),
        }
    }
}

/// The arguments of every input that has a flag, and `--skip`. Values are checked later, with those of the other sources,
/// so that a fault is told in the same words wherever it comes from.
pub fn arguments() -> Vec<Arg> {
    let of_inputs = DECLARATIONS.iter().filter_map(|input| {
        let words =
            if input.words.is_empty() { String::new() } else { format!(": {}", input.words.join(", ")) };
        let default = input.default.map_or_else(String::new, |default| format!(" [default: {default}]"));
        let help = format!("{}{words}{default}", input.help);
        Some(
            Arg::new(input.key.as_str())
                .long(input.flag?)
                .value_name(input.placeholder)
                .allow_negative_numbers(true)
                .help(help)
                .help_heading("Inputs"),
        )
    });
    let skip = Arg::new(SKIP)
        .long(SKIP)
        .value_name("COMPONENT")
        .action(ArgAction::Append)
        .help("Leave a component out (repeatable)")
        .help_heading("Inputs");
    of_inputs.chain([skip]).collect()
}

/// Collects all inputs that were given, secrets included. A file is read once, so that it can be a pipe.
///
/// # Errors
/// A value of another form than its input, an unusable config file, or a secret that cannot be read.
pub fn collect(
    flags: &Flags,
    variable: impl Fn(&str) -> Option<OsString>,
    config: Option<&Path>,
    warnings: &mut Vec<String>,
) -> Result<Inputs, InputError> {
    let mut inputs = Inputs::default();
    if let Some(path) = config {
        for (input, value) in config_file::read(path)? {
            provide(&mut inputs, input, &value, InputSource::File)?;
        }
    }
    for input in DECLARATIONS.iter() {
        let name = input.variable();
        // A set but empty variable counts as unset, as it does for the telemetry settings.
        let Some(value) = variable(&name).filter(|value| !value.is_empty()) else { continue };
        let not_utf8 = |_| InputError::NotUtf8 { key: input.key.clone(), variable: name.clone() };
        let value = value.into_string().map_err(not_utf8)?;
        provide(&mut inputs, input, &value, InputSource::Variable(name))?;
    }
    for input in DECLARATIONS.iter() {
        if let (Some(value), Some(flag)) = (flags.values.get(input.key.as_str()), input.flag) {
            provide(&mut inputs, input, value, InputSource::Flag(flag))?;
        }
    }
    for name in &flags.skipped {
        provide(&mut inputs, component(name)?, "skip", InputSource::Skip)?;
    }
    inputs.secrets = secrets(&inputs, &variable, warnings)?;
    Ok(inputs)
}

fn secrets(
    inputs: &Inputs,
    variable: &dyn Fn(&str) -> Option<OsString>,
    warnings: &mut Vec<String>,
) -> Result<BTreeMap<&'static str, Secret>, InputError> {
    let mut secrets = BTreeMap::new();
    for input in SECRET_INPUTS {
        let file = match input.key {
            "agent.token_file" => inputs.agent_token_file.get(),
            "rancher.password_file" => inputs.rancher_password_file.get(),
            _ => inputs.registry_password_file.get(),
        };
        if let Some(secret) = input.read(file.map(super::text::AnyPath::path), variable, warnings)? {
            secrets.insert(input.key, secret);
        }
    }
    Ok(secrets)
}

/// Checks a value and takes it over.
///
/// # Errors
/// It is not of the form of the input; the message names the key and where the value came from.
pub(super) fn provide(
    inputs: &mut Inputs,
    input: &Declaration,
    text: &str,
    source: InputSource,
) -> Result<(), InputError> {
    inputs.set(input, text, source.clone()).map_err(|reason| InputError::Invalid {
        key: input.key.clone(),
        source_of_value: source,
        reason,
    })
}

fn component(name: &str) -> Result<&'static Declaration, InputError> {
    let words = schema::Component::ALL.iter().map(|component| component.as_str());
    Declaration::find(&format!("components.{name}"))
        .ok_or_else(|| InputError::UnknownComponent { nearest: nearest(name, words) })
}

/// The environment variables of private inputs and secrets.
pub fn private_variables() -> impl Iterator<Item = String> {
    let private = DECLARATIONS.iter().filter(|input| input.privacy == Privacy::Private);
    let secrets = SECRET_INPUTS.iter().map(|input| input.variable.to_owned());
    private.map(Declaration::variable).chain(secrets)
}

/// The directory of runs for commands that take no inputs but this one.
pub fn runs_dir_from_env() -> std::path::PathBuf {
    let given = Declaration::find("runs_dir").and_then(|input| std::env::var_os(input.variable()));
    given.filter(|given| !given.is_empty()).map_or_else(|| "runs".into(), Into::into)
}
