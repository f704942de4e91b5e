//! A run that changes nothing: it prints the very steps that a run would take.

use schema::{CommandResult, Execution, Finish, Mode};

use super::{Request, RunContext};
use crate::command::preflight as preflight_command;
use crate::exit::{Exit, Failure};
use crate::preflight::{self, PreflightReport, Severity};
use crate::run::{PlannedComponent, RunReport, Stopped, detect_and_plan, show_plan};
use crate::terminal::{Printer, Signals};

pub(super) fn run(request: Request, printer: &mut Printer, signals: &Signals) -> Result<Exit, Failure> {
    let mut run = RunContext::new(request, Execution::DryRun, printer)?;
    let report = preflight::check(&run.host, &run.platform, &run.settings);
    let context = crate::component::PlanContext {
        settings: &run.settings,
        arch: run.host.arch(),
        staging: &run.staging,
    };
    let planned = detect_and_plan(&run.host, &context, &mut run.session.record, signals);
    let (finish, exit) = match &planned {
        Ok(_) => (Finish::Success, Exit::Done),
        Err(Stopped(signal)) => (Finish::Interrupted, Exit::Interrupted(*signal)),
    };
    run.session.record.finish(finish, exit.code());
    run.reporter.completed(CommandResult::from(finish), Some(run.session.record.public()));
    run.tell_warnings(printer);

    let planned = planned.unwrap_or_default();
    if printer.is_json() {
        let public = run.session.record.public();
        printer.document(&RunReport::new(public, &report, &planned, &run.files, &run.consent, &run.warnings));
    } else if exit == Exit::Done {
        show(run.settings.mode, &report, &planned, printer);
        run.files.show(printer);
    }
    match exit {
        Exit::Done => Ok(exit),
        _ => Err(Failure::new(exit, "interrupted; nothing on this host was changed").documented()),
    }
}

fn show(mode: Mode, report: &PreflightReport, planned: &[PlannedComponent], printer: &mut Printer) {
    printer.heading(&format!("Dry run, mode {mode}: nothing on this host is changed"));
    printer.data("");
    printer.heading("Preflight");
    preflight_command::show(report, printer);
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
