//! `bootstrap verify`: whether what a run installed works now.

use std::path::Path;

use manifest::RunsDir;
use serde::Serialize;

use super::diagnostic::Diagnostic;
use super::error::Error;
use super::inputs;
use crate::cli::VerifyArgs;
use crate::component::RunHistory;
use crate::host::{Host, RunLog};
use crate::input::Flags;
use crate::terminal::{Printer, is_interactive};
use crate::verify::{VerifyReport, verify};

/// The JSON document of the command, described in `README.md`. A reader goes by its format: a field that is added keeps
/// it, anything else gets the next number.
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
    let report = verify(&host, &settings, history(&inputs::runs_dir(&inputs)));
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
        printer.heading(&format!("Verify, mode {}", settings.mode));
        report.show(printer);
        printer.data(
            &error.as_ref().map_or_else(|| format!("All {checks} checks are ok or skipped."), Error::message),
        );
    }
    // The checks are the result that was asked for: a message on standard error would say it twice.
    error.map_or(Ok(()), |error| Err(Diagnostic::from(error).after_result()))
}

/// What former runs did. A directory that is not there, or that cannot be read, tells nothing of them.
fn history(runs_dir: &Path) -> RunHistory {
    RunsDir::open(runs_dir).map(|runs| RunHistory::of(&runs)).unwrap_or_default()
}
