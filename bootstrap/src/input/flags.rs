//! Inputs given as flags.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches};

use super::table::INPUTS;

const SKIP: &str = "skip";

/// Inputs given as flags, by key, and the components named with `--skip`.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub(super) values: BTreeMap<&'static str, String>,
    pub(super) skipped: Vec<String>,
}

impl Flags {
    /// As if `--mode` were the only flag.
    pub fn mode(mode: schema::Mode) -> Self {
        Self { values: BTreeMap::from([("mode", mode.to_string())]), skipped: Vec::new() }
    }

    /// Takes the inputs out of the arguments of a command that has them.
    pub fn from_matches(matches: &ArgMatches) -> Self {
        let given = |key| matches.get_one::<String>(key).cloned();
        Self {
            values: INPUTS
                .iter()
                .filter(|input| input.flag.is_some())
                .filter_map(|input| Some((input.key, given(input.key)?)))
                .collect(),
            skipped: matches.get_many::<String>(SKIP).into_iter().flatten().cloned().collect(),
        }
    }
}

/// The arguments of every input that has a flag, and `--skip`.
pub fn arguments() -> Vec<Arg> {
    let from_table = INPUTS.iter().filter_map(|input| {
        let words = input.kind.words().map_or_else(String::new, |words| format!(": {words}"));
        let default = input.default.map_or_else(String::new, |default| format!(" [default: {default}]"));
        let help = format!("{}{words}{default}", input.help);
        let name = input.kind.value_name();
        Some(
            Arg::new(input.key)
                .long(input.flag?)
                .value_name(name)
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
    from_table.chain([skip]).collect()
}
