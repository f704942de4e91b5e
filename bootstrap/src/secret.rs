//! Values that must never be shown.

use std::fmt;

/// A password or a token. `Debug` and `Display` show a mask; only [`Secret::expose`] gives the value away, so that
/// every place that needs it can be found by that name.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What stands for a secret wherever something is shown.
pub const MASK: &str = "********";

impl Secret {
    /// Takes over a secret value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself: for the standard input of a child process or a file of mode 0600, never for an argument.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// A password that was given, or is to be made when it is first needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// Given by the operator.
    Given(Secret),
    /// Made by the run and shown once at its end. A dry run makes none.
    Generate,
}
