//! `bootstrap verify`: whether what a run installed works now.

use serde::Serialize;

use super::diagnostic::Diagnostic;
use super::error::Error;
use super::{inputs, next};
use crate::cli::VerifyArgs;
use crate::component::RunHistory;
use crate::host::{Host, RunLog};
use crate::input::Flags;
use crate::platform::described;
use crate::terminal::{Line, Printer, is_interactive};
use crate::verify::{VerifyOutcome, VerifyReport, verify};

/// The JSON document of the command, described in `docs/verify.md`. A reader goes by its format: a field that is
/// added keeps it, anything else gets the next number.
#[derive(Debug, Serialize)]
struct VerifyDocument<'a> {
    format: &'static str,
    mode: schema::Mode,
    checks: &'a VerifyReport,
    problems: usize,
    exit_code: u8,
}

pub(super) fn run(args: &VerifyArgs, flags: &Flags, printer: &mut Printer) -> Result<(), Diagnostic> {
    let (inputs, settings) = inputs::for_inspection(flags, args.config.as_deref(), printer)?;
    let mut host = Host::this_machine(RunLog::discard());
    // Nothing is changed, but the credentials of the cluster and its certificates are root's to read. Whoever does not
    // become root is told at each check what could not be seen.
    if host.program("sudo").is_some() {
        let _ = host.acquire_root(is_interactive());
    }
    let report = verify(&host, &settings, RunHistory::below(&inputs::runs_dir(&inputs)));
    let (problems, checks) = (report.problems(), report.checks.len());
    let error = (problems > 0).then_some(Error::NotVerified { problems, checks });
    if printer.is_json() {
        printer.document(&VerifyDocument {
            format: "verify/v1",
            mode: settings.mode,
            checks: &report,
            problems,
            exit_code: error.as_ref().map_or(0, Error::process_exit_code),
        });
    } else {
        let platform = described(&inputs::platform(&host));
        printer.result(&[Line::heading(format!("Verify: {}, {platform}", settings.mode))]);
        printer.result(&report.lines());
        printer.result(&[Line::blank()]);
        printer.result(&ending(&report));
    }
    // The checks are the result that was asked for: a message on standard error would say it twice.
    error.map_or(Ok(()), |error| Err(Diagnostic::from(error).after_result()))
}

/// How many checks came to what, what that means, and what to do next.
fn ending(report: &VerifyReport) -> Vec<Line> {
    let counts = report.counts();
    match (report.count(VerifyOutcome::Failed), report.count(VerifyOutcome::Unknown)) {
        (0, 0) => vec![Line::new(format!("{counts}. The installation works."))],
        (0, _) => vec![
            Line::new(format!("{counts}. Whether the installation works is not known.")),
            next::then_again("inspect the unknown checks"),
        ],
        _ => vec![
            Line::new(format!("{counts}. The installation does not work.")),
            next::then_again("fix the failed checks"),
        ],
    }
}
