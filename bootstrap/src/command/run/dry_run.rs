//! A run that changes nothing: it prints the exact steps that a run would take.

use schema::{Execution, Finish, Mode};

use super::context::RunContext;
use super::request::Request;
use crate::command::diagnostic::Diagnostic;
use crate::command::error::{Error, InterruptedAt};
use crate::preflight::{PreflightReport, Severity};
use crate::run::{Interrupted, PlannedComponent, RunReport, show_plan};
use crate::terminal::{Printer, Signals};

pub(super) fn run(request: Request, printer: &mut Printer, signals: &Signals) -> Result<(), Diagnostic> {
    let mut run = RunContext::new(request, Execution::DryRun, printer)?;
    let report = run.preflight();
    // A preflight that fails does not end a dry run: the plan is what was asked for, and shows what else is in the way.
    let (planned, error) = match run.plan(signals) {
        Ok(planned) => (planned, None),
        Err(Interrupted(signal)) => {
            (Vec::new(), Some(Error::Interrupted { signal, when: InterruptedAt::DryRun }))
        }
    };
    let finish = if error.is_some() { Finish::Interrupted } else { Finish::Success };
    run.finish(finish, error.as_ref().map_or(0, Error::process_exit_code), printer);
    if printer.is_json() {
        let public = run.session.record.public();
        printer.document(&RunReport::new(public, &report, &planned, &run.paths, &run.consent, &run.warnings));
    } else if error.is_none() {
        show(run.settings.mode, &report, &planned, printer);
        run.paths.show(printer);
    }
    error.map_or(Ok(()), |error| Err(Diagnostic::from(error).after_document()))
}

fn show(mode: Mode, report: &PreflightReport, planned: &[PlannedComponent], printer: &mut Printer) {
    printer.heading(&format!("Dry run, mode {mode}: nothing on this host is changed"));
    printer.data("");
    printer.heading("Preflight");
    report.show(printer);
    printer.data("");
    show_plan(planned, printer);
    printer.data("");
    let named = |severity| report.of(severity).map(|finding| finding.check).collect::<Vec<_>>().join(", ");
    match report.worst() {
        Severity::Failure => {
            printer.wrapped("", &format!("A run would stop at the preflight: {}.", named(Severity::Failure)));
        }
        Severity::Warning => {
            printer.wrapped("", "A run would ask about the warnings, or need --accept-warnings.");
        }
        Severity::Pass => {}
    }
    for blocked in planned.iter().filter(|planned| planned.plan.blocked.is_some()) {
        printer.wrapped("", &format!("A run would stop before {}: it cannot be planned.", blocked.component));
    }
}
