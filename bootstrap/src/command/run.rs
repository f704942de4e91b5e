//! `bootstrap run`: one run, from the command line to its last record.
//!
//! The order is the point. What was typed wrong is told before anything is asked, everything is asked before the first
//! record is written, and the first record is written before the host is looked at: so a fault ends the run as early as it
//! can be known, and whatever happens later is on record.

mod apply;
mod context;

use schema::{Execution, Finish, Mode};
use telemetry::Consent;

use super::diagnostic::Diagnostic;
use super::error::{Error, InterruptedAt, Unattended};
use super::inputs;
use crate::cli::RunArgs;
use crate::input::{Flags, Inputs, collect};
use crate::layers::RunOrigin;
use crate::preflight::{PreflightReport, Severity};
use crate::run::{Interrupted, PlannedComponent, RunReport, show_plan};
use crate::settings::Settings;
use crate::terminal::{Printer, Signals, is_interactive};
use context::{RunContext, RunRequest};

pub(super) fn run(args: &RunArgs, flags: &Flags, printer: &mut Printer) -> Result<(), Diagnostic> {
    if !args.dry_run && !args.yes && !is_interactive() {
        return Err(Error::NeedsYes(Unattended::Run).into());
    }
    // Files that were named are read before signals are taken over: one that never ends must not keep Ctrl-C from
    // ending the program.
    let mut warnings = Vec::new();
    let inputs = collect(flags, |name| std::env::var_os(name), args.config.as_deref(), &mut warnings)?;
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let request = RunRequest::complete(inputs, warnings, args, printer, &signals)?;
    inputs::warn_all(&request.warnings, printer);
    if args.dry_run {
        dry_run_of(request, printer, &signals)
    } else {
        apply::run(request, args, printer, &signals)
    }
}

/// A run for a layer above: what an operator is asked here was settled by the caller.
pub(super) struct LayerRun {
    pub(super) inputs: Inputs,
    pub(super) settings: Settings,
    pub(super) consent: Consent,
    pub(super) warnings: Vec<String>,
    pub(super) origin: RunOrigin,
}

/// What becomes of a run for a layer above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayerDecision {
    /// It changes the host.
    Apply,
    /// It prints its plan.
    DryRun,
    /// It is put on record that it was declined.
    Cancel,
}

/// Carries out a run for a layer above. Warnings of the preflight are shown and do not stop it.
pub(super) fn run_for_layer(
    run: LayerRun,
    decision: LayerDecision,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), Diagnostic> {
    let LayerRun { inputs, settings, consent, warnings, origin } = run;
    inputs::warn_all(&warnings, printer);
    let request = RunRequest { inputs, settings, consent, warnings, origin };
    let dry_run = decision == LayerDecision::DryRun;
    let args = RunArgs { dry_run, yes: true, accept_warnings: true, json: false, config: None };
    match decision {
        LayerDecision::Apply => apply::run(request, &args, printer, signals),
        LayerDecision::DryRun => dry_run_of(request, printer, signals),
        LayerDecision::Cancel => {
            let mut run = RunContext::new(request, Execution::Apply, printer)?;
            run.finish(Finish::Cancelled, Error::Declined.process_exit_code(), printer);
            Err(Error::Declined.into())
        }
    }
}

/// A run that changes nothing: it prints the exact steps that a run would take.
fn dry_run_of(request: RunRequest, printer: &mut Printer, signals: &Signals) -> Result<(), Diagnostic> {
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
        show_dry_run(run.settings.mode, &report, &planned, printer);
        run.paths.show(printer);
    }
    error.map_or(Ok(()), |error| Err(Diagnostic::from(error).after_document()))
}

fn show_dry_run(mode: Mode, report: &PreflightReport, planned: &[PlannedComponent], printer: &mut Printer) {
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
