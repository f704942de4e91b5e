//! `bootstrap preflight`: whether this host is fit for a run.

use serde::Serialize;

use crate::cli::Preflight;
use crate::command::inputs;
use crate::exit::{Exit, Failure};
use crate::host::{Host, RunLog};
use crate::input::Flags;
use crate::preflight::{Finding, PreflightReport, Severity, check};
use crate::terminal::Printer;

#[derive(Debug, Serialize)]
struct Document<'a> {
    mode: schema::Mode,
    platform: &'a schema::Platform,
    checks: &'a PreflightReport,
    worst: Severity,
    exit_code: u8,
}

pub(super) fn run(options: &Preflight, flags: &Flags, printer: &mut Printer) -> Result<Exit, Failure> {
    let settings = inputs::for_inspection(flags, options.config.as_deref(), printer)?;
    let host = Host::this_machine(RunLog::discard());
    let platform = inputs::platform(&host);
    let report = check(&host, &platform, &settings);
    let exit = match report.worst() {
        Severity::Failure => Exit::Preflight,
        Severity::Warning if options.strict => Exit::Preflight,
        _ => Exit::Done,
    };
    if printer.is_json() {
        let document = Document {
            mode: settings.mode,
            platform: &platform,
            checks: &report,
            worst: report.worst(),
            exit_code: exit.code(),
        };
        printer.document(&document);
        return Ok(exit);
    }
    printer.heading(&format!("Preflight, mode {}", settings.mode));
    show(&report, printer);
    printer.data(match (exit, report.worst()) {
        (Exit::Done, Severity::Pass) => "This host is fit for the run.",
        (Exit::Done, _) => "A run needs --accept-warnings, or your consent at its prompt.",
        _ => "This host is not fit for the run.",
    });
    Ok(exit)
}

/// Prints a line for each finding.
pub fn show(report: &PreflightReport, printer: &mut Printer) {
    for finding in &report.findings {
        printer.wrapped(&label(finding), &finding.message);
    }
}

/// Tells what a run should not go on over.
pub fn show_problems(report: &PreflightReport, printer: &mut Printer) {
    for finding in report.findings.iter().filter(|finding| finding.severity > Severity::Pass) {
        printer.item(&label(finding), &finding.message);
    }
}

fn label(finding: &Finding) -> String {
    let mark = match finding.severity {
        Severity::Pass => "ok  ",
        Severity::Warning => "warn",
        Severity::Failure => "FAIL",
    };
    format!("  {mark}  {:<13}  ", finding.check)
}
