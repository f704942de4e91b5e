//! Tests that change the owner of files, which only root can.

use std::io::Write;

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether the rest of the test must be skipped because this process is not root. Reports it past the test harness, and
/// fails where nothing may be skipped.
pub(crate) fn skips(test: &str) -> bool {
    if is_root() {
        return false;
    }
    let _ = writeln!(std::io::stderr(), "SKIP {test}: only root can give files away");
    assert!(std::env::var_os("CI").is_none(), "CI leaves no test out");
    true
}
