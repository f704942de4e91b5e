//! A receiver as a separate process on a store of either kind, and a client that sends exactly what the test gives.

mod client;
mod postgres;
mod process;
mod site;

pub(crate) use client::Client;
pub(crate) use postgres::Postgres;
pub(crate) use process::{Receiver, as_owner_of, output_as_owner_of, program};
pub(crate) use site::{Site, on_both_stores};

use std::io::Write;

/// Reports, past the harness, that a test cannot run here. In CI, where everything is installed, that is a failure.
pub(crate) fn skip(what: &str, why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what}: {why}");
    let _ = writeln!(std::io::stderr(), "SKIP {what}: {why}");
}

/// Runs a program of the system; whether it succeeded.
#[expect(clippy::disallowed_methods, reason = "a test sets up what its subject works with")]
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    std::process::Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// A number that a test can be given by a variable, for runs by hand that take longer.
pub(crate) fn number_from(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

/// Waits until something holds. A test that waits endlessly shows nothing, so after two minutes it fails.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !holds() {
        assert!(started.elapsed().as_secs() < 120, "{what}: not within two minutes");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
