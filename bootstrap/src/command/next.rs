//! What the operator can do next, as commands that can be pasted.

use std::path::Path;

use crate::host::Command;

/// The command that was called, with the arguments that it was called with.
pub(super) fn same_command() -> String {
    let arguments = std::env::args_os().skip(1);
    bootstrap(arguments.map(|argument| argument.to_string_lossy().into_owned()))
}

/// What undoes the run with this record.
pub(super) fn undo(record: &Path) -> String {
    bootstrap(["rollback".to_owned(), "--to".to_owned(), record.display().to_string()])
}

/// What shows every check of the host for a run like the one that was called.
pub(super) fn preflight(mode: schema::Mode) -> String {
    bootstrap(["preflight", "--mode", mode.as_str()].map(str::to_owned))
}

fn bootstrap(arguments: impl IntoIterator<Item = String>) -> String {
    Command::new("bootstrap").args(arguments).to_string()
}
