//! Messages for the operator, on standard error.
//!
//! Lines are about the service, never about a request: a line per request would be a place where values leak.

use std::io::Write;

/// Writes one line. If it cannot be written, that is no fault of the service.
pub(crate) fn say(message: &str) {
    let _ = writeln!(std::io::stderr(), "{message}");
}
