//! Something on the host that is set otherwise than a run would set it.

use std::fmt;

/// Something that is set otherwise than a run would set it: its name, and where it is set. Never its value, which may be a
/// token or a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    name: String,
    place: String,
}

impl Deviation {
    /// `name` differs in `place`.
    pub fn new(name: impl Into<String>, place: impl Into<String>) -> Self {
        Self { name: name.into(), place: place.into() }
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.place)
    }
}
