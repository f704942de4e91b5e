//! Standard output: what a command was asked for, and nothing else.

use std::io::Write;

/// Writes one line. A reader that has closed the pipe is no fault.
pub(super) fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
