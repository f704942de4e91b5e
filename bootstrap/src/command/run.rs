//! `bootstrap run`: one run, from the command line to its last record.
//!
//! The order is the point. What was typed wrong is told before anything is asked; the host is checked before anything is
//! asked but for the consent to telemetry; everything is asked before the first record is written, and the first record
//! before anything is detected: so a fault ends the run as early as it can be known, and whatever happens later is on record.

mod apply;
mod context;
mod for_layer;
mod requirements;
mod run_error;

use schema::{Execution, Finish};

use super::diagnostic::Diagnostic;
use super::error::{Error, InterruptedAt, Unattended};
use super::inputs;
use crate::cli::RunArgs;
use crate::input::{Flags, collect, refuse_unknown_variables};
use crate::platform::described;
use crate::preflight::{PreflightReport, Severity};
use crate::run::{Interrupted, PlannedChange, PlannedComponent, RunReport, plan_counts, plan_lines};
use crate::terminal::{Line, Printer, Signals, Tone, Verbosity, is_interactive};
use context::{RunContext, RunRequest};
pub(super) use for_layer::{LayerDecision, LayerRun, run_for_layer};

pub(super) fn run(args: &RunArgs, flags: &Flags, printer: &mut Printer) -> Result<(), Diagnostic> {
    if !args.dry_run && !args.yes && !is_interactive() {
        return Err(Error::NeedsYes(Unattended::Run).into());
    }
    // Files that were named are read before signals are taken over: one that never ends must not keep Ctrl-C from
    // ending the program.
    let mut warnings = Vec::new();
    refuse_unknown_variables(std::env::vars_os().map(|(name, _)| name))?;
    let inputs = collect(flags, |name| std::env::var_os(name), args.config.as_deref(), &mut warnings)?;
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let request = RunRequest::complete(inputs, warnings, args, printer, &signals)?;
    inputs::warn_all(&request.warnings, printer);
    if args.dry_run {
        dry_run(request, args, printer, &signals)
    } else {
        apply::run(request, args, printer, &signals)
    }
}

/// A run that changes nothing: it shows what a run would do.
fn dry_run(
    request: RunRequest,
    args: &RunArgs,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), Diagnostic> {
    let mut run = RunContext::new(request, Execution::DryRun, printer, signals)?;
    let report = run.report.clone();
    // A preflight that fails does not end a dry run: the plan is what was asked for, and shows what else is in the way.
    let (planned, error) = match run.plan(signals) {
        Ok(planned) => (planned, None),
        Err(Interrupted(signal)) => {
            (Vec::new(), Some(Error::Interrupted { signal, when: InterruptedAt::NothingChanged }))
        }
    };
    let finish = if error.is_some() { Finish::Interrupted } else { Finish::Success };
    run.finish(finish, error.as_ref().map_or(0, Error::process_exit_code), printer);
    let error = error.or_else(|| detailed(args, &planned));
    if printer.is_json() {
        let public = run.session.record.public();
        let planned = (planned.as_slice(), &run.settings);
        let report = RunReport::new(public, &report, planned, &run.paths, &run.consent, &run.warnings);
        printer.document(&report.exit_code(error.as_ref().map_or(0, Error::process_exit_code)));
    } else if !matches!(error, Some(Error::Interrupted { .. })) {
        show_dry_run(&run, &report, &planned, printer);
    }
    error.map_or(Ok(()), |error| {
        Err(match error {
            // Nothing went wrong: the plan says it all.
            Error::ChangesPlanned => Diagnostic::from(error).after_result(),
            error => Diagnostic::from(error).after_document(),
        })
    })
}

/// What `--detailed-exitcode` says of a plan.
fn detailed(args: &RunArgs, planned: &[PlannedComponent]) -> Option<Error> {
    if !args.detailed_exitcode {
        return None;
    }
    let blocked = planned.iter().find_map(|planned| Some((planned.component, planned.plan.blocked.clone()?)));
    if let Some((component, reason)) = blocked {
        return Some(Error::Blocked { component, reason });
    }
    let changes = |planned: &PlannedComponent| {
        matches!(planned.change(), Some(PlannedChange::Create | PlannedChange::Change))
    };
    planned.iter().any(changes).then_some(Error::ChangesPlanned)
}

fn show_dry_run(
    run: &RunContext,
    report: &PreflightReport,
    planned: &[PlannedComponent],
    printer: &mut Printer,
) {
    let verbosity = printer.verbosity();
    let host = format!("{}, {}", run.settings.mode, described(&run.platform));
    let mut lines = vec![
        Line::new(". The host is not changed.").lead(Tone::Heading, format!("Dry run: {host}")),
        Line::blank(),
    ];
    lines.extend(report.summary(verbosity));
    lines.push(Line::blank());
    lines.extend(plan_lines(planned, &run.settings, &run.host, verbosity));
    let counts = plan_counts(planned);
    lines
        .push(Line::new(would_stop(report, planned).map_or(counts.clone(), |why| format!("{counts} {why}"))));
    let more = match verbosity {
        Verbosity::Quiet | Verbosity::Normal => "Steps: -v   Exact commands: -vv   ",
        Verbosity::Verbose => "Exact commands: -vv   ",
        Verbosity::Exact => "",
    };
    lines.push(Line::new(format!("{more}Record: {}", run.paths.public().display())));
    printer.result(&lines);
}

/// What a run would stop at, if it would not go through.
fn would_stop(report: &PreflightReport, planned: &[PlannedComponent]) -> Option<String> {
    let blocked = planned.iter().find(|planned| planned.plan.blocked.is_some());
    match (report.worst(), blocked) {
        (Severity::Failed, _) => {
            Some(format!("A run would stop: preflight failed: {}.", report.names(Severity::Failed)))
        }
        (_, Some(blocked)) => Some(format!("A run would stop: {} cannot be planned.", blocked.component)),
        (Severity::Warning, None) => {
            Some("A run would ask about the warnings, or need --accept-warnings.".to_owned())
        }
        (Severity::Ok, None) => None,
    }
}
