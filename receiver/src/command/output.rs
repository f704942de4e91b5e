//! Standard output: what a command was asked for, and nothing else.

use std::io::Write;

/// Writes one line. That nobody reads it is no fault.
pub(super) fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
