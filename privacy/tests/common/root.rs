//! Tests that give files away, which only root can.

use std::io::Write;

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether the rest of the test has to be left out because this process is not root. Says so past the test harness, and
/// fails where nothing may be left out.
pub(crate) fn skips(test: &str) -> bool {
    if is_root() {
        return false;
    }
    let _ = writeln!(std::io::stderr(), "SKIP {test}: only root can give files away");
    assert!(std::env::var_os("CI").is_none(), "CI leaves no test out");
    true
}
