//! Inputs of a run: one table, and how values come from flags, environment, config file, prompts and defaults.

mod config;
mod flags;
mod gather;
mod kind;
mod nearest;
mod resolve;
mod secrets;
mod table;

pub use config::json_schema;
pub use flags::{Flags, arguments};
pub use gather::{Inputs, gather};
pub use resolve::{Asker, Demand, resolve};
pub use table::Input;

/// Reads a mode; the error names the nearest known one.
pub fn parse_mode(text: &str) -> Result<schema::Mode, String> {
    schema::Mode::from_word(text).ok_or_else(|| {
        let words: Vec<&str> = schema::Mode::ALL.iter().map(|mode| mode.as_str()).collect();
        format!("not one of {}{}", words.join(", "), nearest::suggestion(text, words.iter().copied()))
    })
}

/// The environment variables of private inputs and secrets.
pub fn private_variables() -> impl Iterator<Item = String> {
    let private = table::INPUTS.iter().filter(|input| input.privacy == table::Privacy::Private);
    private.map(Input::variable).chain(secrets::SOURCES.iter().map(|source| source.variable.to_owned()))
}

/// The folder of runs for commands that take no inputs but this one.
pub fn runs_dir_from_env() -> std::path::PathBuf {
    let given = Input::find("runs_dir").and_then(|input| std::env::var_os(input.variable()));
    given.filter(|given| !given.is_empty()).map_or_else(|| "runs".into(), Into::into)
}
