//! What the operator is told, on standard error.
//!
//! Lines are about the service, never about a request: a line a request would be the place where values leak.

use std::io::Write;

/// Writes one line. That nobody reads it is no fault of the service.
pub(crate) fn say(message: &str) {
    let _ = writeln!(std::io::stderr(), "{message}");
}
