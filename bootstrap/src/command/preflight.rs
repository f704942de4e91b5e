//! `bootstrap preflight`: whether this host meets the requirements of a run.

use serde::Serialize;

use super::diagnostic::Diagnostic;
use super::error::Error;
use super::{inputs, next};
use crate::cli::PreflightArgs;
use crate::host::{Host, RunLog};
use crate::input::Flags;
use crate::platform::described;
use crate::preflight::{PreflightReport, Severity, check};
use crate::terminal::{Line, Printer};

/// The JSON document of the command, described in `docs/reference.md`. A reader goes by its format: a field that is
/// added keeps it, anything else gets the next number.
#[derive(Debug, Serialize)]
struct PreflightDocument<'a> {
    format: &'static str,
    mode: schema::Mode,
    platform: &'a schema::Platform,
    checks: &'a PreflightReport,
    worst: Severity,
    exit_code: u8,
}

pub(super) fn run(args: &PreflightArgs, flags: &Flags, printer: &mut Printer) -> Result<(), Diagnostic> {
    let (_, settings) = inputs::for_inspection(flags, args.config.as_deref(), printer)?;
    let host = Host::this_machine(RunLog::discard());
    let platform = inputs::platform(&host);
    let report = check(&host, &platform, &settings);
    let error = unmet(&report, settings.mode, args.strict);
    if printer.is_json() {
        printer.document(&PreflightDocument {
            format: "preflight/v1",
            mode: settings.mode,
            platform: &platform,
            checks: &report,
            worst: report.worst(),
            exit_code: error.as_ref().map_or(0, Error::process_exit_code),
        });
    } else {
        printer.result(&[Line::heading(format!("Preflight: {}, {}", settings.mode, described(&platform)))]);
        printer.result(&report.lines());
        printer.result(&[Line::blank()]);
        printer.result(&ending(&report, error.is_some()));
    }
    // The checks are the result that was asked for: a message on standard error would say it twice.
    error.map_or(Ok(()), |error| Err(Diagnostic::from(error).after_result()))
}

/// What a run would end with, so that a script can tell the outcome of both by one code. A `strict` preflight takes
/// warnings for failures.
pub(super) fn unmet(report: &PreflightReport, mode: schema::Mode, strict: bool) -> Option<Error> {
    match report.worst() {
        Severity::Failed => Some(Error::PreflightFailed { checks: report.names(Severity::Failed), mode }),
        Severity::Warning if strict => {
            Some(Error::PreflightWarnings { checks: report.names(Severity::Warning) })
        }
        Severity::Warning | Severity::Ok => None,
    }
}

/// How many checks came to what, what that means, and what to do next.
fn ending(report: &PreflightReport, is_refused: bool) -> Vec<Line> {
    let (meaning, first) = match (report.worst(), is_refused) {
        (Severity::Failed, _) => ("The host does not meet the requirements.", Some("fix the failed checks")),
        (Severity::Warning, true) => {
            ("The host does not meet the recommendations.", Some("fix the warnings"))
        }
        (Severity::Warning, false) => {
            ("The host meets the requirements; a run asks about the warnings.", None)
        }
        (Severity::Ok, _) => ("The host meets the requirements.", None),
    };
    let counted = Line::new(format!("{}. {meaning}", report.counts()));
    std::iter::once(counted).chain(first.map(next::then_again)).collect()
}
