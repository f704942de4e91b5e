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

/// Keeps the memory of this process, in which secrets stand, out of core files and away from debuggers of the same user.
/// Programs that it starts are not affected: the kernel forgets this at each `execve`, see `PR_SET_DUMPABLE` in prctl(2).
pub fn forbid_core_dumps() {
    // Refused only by kernels without prctl. The program is of use there all the same.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
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

#[cfg(test)]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    #[test]
    fn a_core_file_would_hold_no_secret() {
        super::forbid_core_dumps();
        assert_eq!(dumpable_behavior().ok(), Some(DumpableBehavior::NotDumpable));
    }
}
