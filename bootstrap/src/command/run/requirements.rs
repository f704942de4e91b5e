//! The preflight of a run that changes the host: before anything is asked that its outcome could make useless.
//!
//! What is not given yet is checked as if it were empty; what the answers change is checked once more. A refusal does not
//! end the run here, because it is to be on record: it is kept until there is one.

use schema::{FailureReason, Mode, Platform, Step};

use super::run_error::{RunError, confirm};
use crate::cli::RunArgs;
use crate::command::error::Error;
use crate::command::inspection;
use crate::preflight::{self, PreflightReport, Severity};
use crate::settings::{Agent, Settings};
use crate::terminal::{Printer, Signals, is_interactive};

/// Checks the host, shows what stands in the way, and asks whether to continue despite warnings.
pub(super) fn check(
    platform: &Platform,
    settings: &Settings,
    args: &RunArgs,
    printer: &mut Printer,
    signals: &Signals,
) -> (PreflightReport, Option<RunError>) {
    let mut report = preflight::check(&inspection::without_root(signals), platform, settings);
    // An agent's server and token are asked for next, and checked then.
    let is_asked_for = |agent: &Agent| agent.server_url.is_empty() || agent.token.expose().is_empty();
    if settings.agent.as_ref().is_some_and(is_asked_for) {
        report.findings.retain(|finding| finding.check != preflight::SERVER_CHECK);
    }
    let refused = pass(&report, settings.mode, args, printer, signals).err();
    (report, refused)
}

/// As [`check`], after answers have changed the settings: only what was not found `before` is shown and asked about.
pub(super) fn check_again(
    before: &PreflightReport,
    platform: &Platform,
    settings: &Settings,
    args: &RunArgs,
    printer: &mut Printer,
    signals: &Signals,
) -> (PreflightReport, Option<RunError>) {
    let report = preflight::check(&inspection::without_root(signals), platform, settings);
    let mut new = report.clone();
    new.findings.retain(|finding| !before.findings.contains(finding));
    let refused = pass(&new, settings.mode, args, printer, signals).err();
    (report, refused)
}

fn pass(
    report: &PreflightReport,
    mode: Mode,
    args: &RunArgs,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), RunError> {
    let failed = |error| Err(RunError::failed(Step::Preflight, FailureReason::PreflightFailed, error));
    if let Some(signal) = signals.pending() {
        return Err(RunError::interrupted(signal));
    }
    if report.worst() > Severity::Ok {
        printer.basis(&report.summary(printer.verbosity()));
    }
    match report.worst() {
        Severity::Ok => Ok(()),
        Severity::Failed => failed(Error::PreflightFailed { checks: report.names(Severity::Failed), mode }),
        Severity::Warning if args.accept_warnings => Ok(()),
        Severity::Warning if !is_interactive() => {
            failed(Error::PreflightWarnings { checks: report.names(Severity::Warning) })
        }
        Severity::Warning => confirm("Continue despite the warnings?", printer, signals),
    }
}
