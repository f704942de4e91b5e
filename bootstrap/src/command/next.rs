//! What the operator can do next, as commands that can be pasted.

use std::path::Path;

use crate::host::Command;
use crate::terminal::{Line, Tone};

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

/// What to do first, and then the command that was called, as the last line of a result.
pub(super) fn then_again(what: &str) -> Line {
    Line::new(format!("{what}, then: {}", same_command())).lead(Tone::Dim, "help: ")
}

fn bootstrap(arguments: impl IntoIterator<Item = String>) -> String {
    Command::new(program()).args(arguments).to_string()
}

/// The program of a bundle is on nobody's PATH.
fn program() -> String {
    let is_of_bundle = std::env::args_os().nth(1).is_some_and(|first| first == "as-bundle");
    let path = std::env::current_exe().ok().filter(|_| is_of_bundle);
    path.map_or_else(|| "bootstrap".to_owned(), |path| path.display().to_string())
}
