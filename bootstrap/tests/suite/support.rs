//! Stand-ins: a machine made of a directory, settings for every mode, and what releases publish.

pub(crate) mod join_server;
pub(crate) mod kernel;
pub(crate) mod settings;
pub(crate) mod stub_host;

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use bootstrap::component::{self, ComponentPlan, Detection, Probe, RunHistory, components};
use bootstrap::host::Host;
use bootstrap::settings::Settings;
use bootstrap::step::{Action, Timing};
use schema::{Component, UtcSeconds};

/// Reports that a test, or a part of it, cannot run here. The test harness hides what the print macros write, so this goes
/// past it. CI has all that tests need, so that it fails there.
pub(crate) fn skip(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIP {what}: {why}");
    assert!(std::env::var_os("CI").is_none(), "CI leaves no test out: {what}: {why}");
}

/// Whether `what` must be left out because only root can do it, which is reported then.
pub(crate) fn skips_without_root(what: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        skip(what, "only root can give files away");
    }
    !is_root
}

/// Looks at every component of the mode, in the order in which they are worked on.
pub(crate) fn detect_all(host: &Host, settings: &Settings) -> Vec<(Component, Detection)> {
    detect_all_after(host, settings, RunHistory::default())
}

/// As [`detect_all`], after the runs of `history`.
pub(crate) fn detect_all_after(
    host: &Host,
    settings: &Settings,
    history: RunHistory,
) -> Vec<(Component, Detection)> {
    let probe = Probe::new(host, settings).with_history(history);
    components(settings.mode).map(|component| (component, component::detect(component, &probe))).collect()
}

/// Id of the run that journals of tests are about.
pub(crate) const RUN: &str = "9f86d081884c7d65";

/// What is waited for comes, however busy the machine is.
pub(crate) const PATIENT: Timing = Timing {
    poll: Duration::from_millis(5),
    removal: Duration::from_mins(2),
    hopeless: Duration::from_hours(1),
    retry: Duration::from_mins(2),
    package_lock: Duration::from_mins(2),
};

/// What is waited for never comes, and that is what the test is about.
pub(crate) const IMPATIENT: Timing = Timing {
    removal: Duration::from_millis(60),
    retry: Duration::from_secs(3),
    package_lock: Duration::from_secs(2),
    ..PATIENT
};

/// Makes a FIFO, which holds whoever opens it as a file.
pub(crate) fn make_fifo(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a FIFO");
}

/// The current time as records state it.
pub(crate) fn now() -> UtcSeconds {
    bootstrap::run::now()
}

/// The plan, whose checks have as long as requests that are repeated.
pub(crate) fn with_timeouts(mut plan: ComponentPlan, timing: Timing) -> ComponentPlan {
    for check in &mut plan.verify {
        check.timeout = timing.retry;
    }
    for step in &mut plan.steps {
        if let Action::Wait(check) = &mut step.action {
            check.timeout = timing.retry;
        }
    }
    plan
}
