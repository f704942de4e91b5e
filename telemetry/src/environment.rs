//! Reading environment variables, and saying what could not be used.
//!
//! A value that cannot be used never fails a run: telemetry is best-effort. It never appears in a warning either,
//! because the terminal and the log of a run are copied into issues, and a token can be typed into the wrong variable.

use std::ffi::OsString;
use std::fmt;

use serde::Serialize;

/// Looks a variable up. A parameter, so that tests need not change the environment of their process.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// A variable could not be used. It says which and what happens instead, and never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct VariableWarning {
    /// Name of the variable.
    pub variable: &'static str,
    /// What is wrong, and what applies instead, as the rest of a sentence that begins with the name.
    pub message: &'static str,
}

impl fmt::Display for VariableWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.variable, self.message)
    }
}

/// Reads variables and collects the warnings.
pub(crate) struct EnvReader<'a> {
    environment: Environment<'a>,
    pub(crate) warnings: Vec<VariableWarning>,
}

impl<'a> EnvReader<'a> {
    pub(crate) fn new(environment: Environment<'a>) -> Self {
        Self { environment, warnings: Vec::new() }
    }

    /// The value of a variable that is set and not empty. Empty counts as unset: a shell wrapper and a unit file can
    /// only blank a variable that they inherit.
    pub(crate) fn raw(&self, variable: &str) -> Option<OsString> {
        (self.environment)(variable).filter(|value| !value.is_empty())
    }

    pub(crate) fn is_set_but_empty(&self, variable: &str) -> bool {
        // Only the endpoint asks: there, and only there, empty has a meaning of its own.
        (self.environment)(variable).is_some_and(|value| value.is_empty())
    }

    pub(crate) fn warn(&mut self, variable: &'static str, message: &'static str) {
        self.warnings.push(VariableWarning { variable, message });
    }

    /// The result of `parse` for a variable that is set and not empty; where `parse` gives none, `message` becomes a
    /// warning.
    pub(crate) fn parsed<T>(
        &mut self,
        variable: &'static str,
        message: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.raw(variable)?;
        // What is not UTF-8 is a value like any other that cannot be used.
        let parsed = value.to_str().and_then(parse);
        if parsed.is_none() {
            self.warn(variable, message);
        }
        parsed
    }
}

/// A boolean as people write it: `None` for anything else. Many spellings count, because YAML, systemd and shells each have
/// their own.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "y" | "on" => Some(true),
        "false" | "0" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

/// An environment for tests.
#[cfg(test)]
pub(crate) fn fake_environment<'a>(
    variables: &'a [(&'a str, &'a str)],
) -> impl Fn(&str) -> Option<OsString> + 'a {
    |name| variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| OsString::from(value))
}
