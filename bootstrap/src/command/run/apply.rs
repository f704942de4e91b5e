//! A run that changes the host: preflight, root, plan, consent of the operator, and then one component after the other.
//!
//! Root comes before detection: a plan made without it would not know what only root can see, and a second run would
//! install again, or wait in vain for, what is there.

use std::path::Path;
use std::time::{Duration, Instant};

use manifest::MachineId;

use schema::{Component, ComponentResult, Execution, FailureReason, Finish, PlannedAction, Step};

use super::context::{RunContext, RunRequest};
use crate::cli::RunArgs;
use crate::command::diagnostic::Diagnostic;
use crate::command::error::{Error, InterruptedAt};
use crate::command::inputs;
use crate::layers::EventStatus;
use crate::preflight::{PreflightReport, Severity};
use crate::run::{
    Interrupted, PlannedComponent, RunReport, RunSummary, lock_holder, plan_counts, plan_lines,
};
use crate::step::{Effect, ExecutionError, Executor, StepEvent};
use crate::terminal::{
    DefaultAnswer, Line, Printer, Prompter, Signal, Signals, StepProgress, is_interactive,
};

/// Why a run ended before its last step: what the record says, and what the operator is told. The record is public and
/// takes a step and a reason of the contract, so it cannot hold the error itself.
struct RunError {
    finish: Finish,
    error: Error,
}

impl RunError {
    fn interrupted(signal: Signal) -> Self {
        let error = Error::Interrupted { signal, when: InterruptedAt::Run };
        Self { finish: Finish::Interrupted, error }
    }

    fn failed(step: Step, reason: FailureReason, error: Error) -> Self {
        Self { finish: Finish::Failed(schema::Failure { step, reason }), error }
    }
}

impl From<Interrupted> for RunError {
    fn from(Interrupted(signal): Interrupted) -> Self {
        Self::interrupted(signal)
    }
}

/// What was planned and what came of it; kept also where the run ends early, because the report shows it.
#[derive(Default)]
struct RunProgress {
    planned: Vec<PlannedComponent>,
    summary: RunSummary,
}

pub(super) fn run(
    request: RunRequest,
    args: &RunArgs,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), Diagnostic> {
    let mut run = RunContext::new(request, Execution::Apply, printer)?;
    let report = run.preflight();
    let mut progress = RunProgress::default();
    let ended = apply(&mut run, &mut progress, &report, args, printer, signals);
    clear_staging(&run);
    if ended.is_ok() {
        progress.summary.add_passwords(run.session.record.generated_passwords());
    }
    let (finish, error) = match ended {
        Ok(()) => (Finish::Success, None),
        Err(RunError { finish, error }) => (finish, Some(error)),
    };
    run.finish(finish, error.as_ref().map_or(0, Error::process_exit_code), printer);
    let public = run.session.record.public();
    if printer.is_json() {
        let message = error.as_ref().map(Error::message);
        let document = RunReport::new(
            public,
            &report,
            (&progress.planned, &run.settings),
            &run.paths,
            &run.consent,
            &run.warnings,
        )
        .error(message.as_deref())
        .generated(&progress.summary);
        printer.document(&document);
    } else {
        progress.summary.show(public, &run.settings, printer);
        run.paths.show(printer);
    }
    settle_passwords(&mut run, error.is_none(), printer);
    // A log that nothing was written to yet says nothing.
    let log = Some(run.paths.log()).filter(|log| log.metadata().is_ok_and(|log| log.len() > 0));
    let log = log.map(Path::to_owned);
    error.map_or(Ok(()), |error| Err(Diagnostic::from(error).with_log(log).after_document()))
}

/// What the operator has seen is forgotten; what a run that failed has generated is kept for the run that succeeds.
fn settle_passwords(run: &mut RunContext, shown: bool, printer: &mut Printer) {
    let record = &mut run.session.record;
    // A password that went into a pipe that nobody reads, such as that of `head`, was seen by nobody.
    if shown && !printer.has_unread_output() {
        record.forget_passwords();
        inputs::warn_all(&record.take_warnings(), printer);
    } else if !record.generated_passwords().is_empty() {
        printer.note(
            "Generated passwords are kept in the private record. The run that succeeds shows them once.",
        );
    }
}

fn apply(
    run: &mut RunContext,
    progress: &mut RunProgress,
    report: &PreflightReport,
    args: &RunArgs,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), RunError> {
    pass_preflight(report, args, printer, signals)?;
    acquire_root(run, signals)?;
    lock_host(run)?;
    run.session.record.adopt_passwords(&MachineId::read(Path::new("/")));
    progress.planned = run.plan(signals)?;
    check_blocked(&progress.planned)?;
    accept_plan(run, &progress.planned, args, printer, signals)?;
    for planned in &progress.planned {
        if let Some(took) = apply_component(run, planned, printer, signals)? {
            progress.summary.add(planned.component, took);
        }
    }
    Ok(())
}

fn pass_preflight(
    report: &PreflightReport,
    args: &RunArgs,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), RunError> {
    let failed = |error| Err(RunError::failed(Step::Preflight, FailureReason::PreflightFailed, error));
    if report.worst() > Severity::Pass {
        printer.basis(&report.summary(printer.verbosity()));
    }
    match report.worst() {
        Severity::Pass => Ok(()),
        Severity::Failure => failed(Error::PreflightFailed),
        Severity::Warning if args.accept_warnings => Ok(()),
        Severity::Warning if !is_interactive() => failed(Error::PreflightWarnings),
        Severity::Warning => confirm("Continue despite the warnings?", printer, signals),
    }
}

fn check_blocked(planned: &[PlannedComponent]) -> Result<(), RunError> {
    let blocked = planned.iter().find_map(|planned| Some((planned.component, planned.plan.blocked.clone()?)));
    blocked.map_or(Ok(()), |(component, reason)| {
        let error = Error::Blocked { component, reason };
        Err(RunError::failed(component.into(), FailureReason::CommandFailed, error))
    })
}

fn accept_plan(
    run: &RunContext,
    planned: &[PlannedComponent],
    args: &RunArgs,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), RunError> {
    let mut lines = plan_lines(planned, &run.settings, &run.host, printer.verbosity());
    lines.push(Line::new(plan_counts(planned)));
    if args.yes {
        printer.notes(&lines);
        return Ok(());
    }
    printer.basis(&lines);
    confirm("Apply this plan?", printer, signals)
}

/// Goes on only after a yes. A signal that arrived together with the yes came later than what the operator meant by it.
fn confirm(question: &str, printer: &mut Printer, signals: &Signals) -> Result<(), RunError> {
    let agreed = Prompter::interactive(printer, signals)
        .is_some_and(|mut prompter| prompter.confirm(question, DefaultAnswer::No));
    match signals.pending() {
        Some(signal) => Err(RunError::interrupted(signal)),
        None if agreed => Ok(()),
        None => Err(RunError { finish: Finish::Cancelled, error: Error::Declined }),
    }
}

fn acquire_root(run: &mut RunContext, signals: &Signals) -> Result<(), RunError> {
    run.host.acquire_root(is_interactive()).map_err(|error| match signals.pending() {
        // Ctrl-C at sudo's question reaches both processes, and is no answer to it.
        Some(signal) => RunError::interrupted(signal),
        None => RunError::failed(Step::Plan, FailureReason::PermissionDenied, Error::NeedsRoot(error)),
    })
}

/// Before detection: what another process is changing must not be planned for.
fn lock_host(run: &mut RunContext) -> Result<(), RunError> {
    let lock = run.host.lock(&lock_holder(&run.session.record.public().run_id)).map_err(|error| {
        RunError::failed(Step::Preflight, FailureReason::PreflightFailed, Error::HostLocked(error))
    })?;
    run.host_lock = Some(lock);
    Ok(())
}

fn apply_component(
    run: &mut RunContext,
    planned: &PlannedComponent,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<Option<Duration>, RunError> {
    let component = planned.component;
    if planned.plan.action == PlannedAction::Skip {
        return Ok(None);
    }
    run.session.record.enter_step(component.into());
    run.origin.component(component, EventStatus::Running, printer);
    let began = Instant::now();
    let mut progress = StepProgress::new(printer, component.to_string());
    let mut show = |event: StepEvent<'_>| show_step(&mut progress, event);
    let stop = || signals.pending().is_some();
    let mut executor = Executor::new(&run.host, &mut run.session.record, &mut show, &stop);
    let result = executor.component(component, &planned.plan.steps, &planned.plan.verify);
    // The live line goes before anything else is printed, or it would stay on the screen.
    drop(progress);
    match result {
        Ok(()) => {
            let result = planned.plan.result();
            run.session.record.set_result(component, result);
            // After the record: what is reported must be what is recorded.
            run.reporter.component(component, result);
            run.origin.component(component, EventStatus::Success, printer);
            if let Some(warning) = run.record_version(component) {
                inputs::warn_all(std::slice::from_ref(&warning), printer);
                run.warnings.push(warning);
            }
            Ok(Some(began.elapsed()))
        }
        Err(error) => {
            run.origin.component(component, EventStatus::Failed, printer);
            // What is on the host now may be another version than the run was to install.
            run.record_version(component);
            Err(component_error(run, component, error, signals))
        }
    }
}

/// Turns what the executor tells into lines: the terminal knows no steps.
fn show_step(progress: &mut StepProgress<'_>, event: StepEvent<'_>) {
    match event {
        StepEvent::Started { title, number, of } => progress.started(title, number, of),
        StepEvent::Waiting(what) => progress.waiting(what),
        StepEvent::Done { title, effect: Effect::Changed } => progress.done(title, "done"),
        StepEvent::Done { title, effect: Effect::Unchanged } => progress.done(title, "kept"),
    }
}

fn component_error(
    run: &mut RunContext,
    component: Component,
    error: ExecutionError,
    signals: &Signals,
) -> RunError {
    match error {
        // Only a pending signal stops the executor, so the fallback is never taken.
        ExecutionError::Interrupted => RunError::interrupted(signals.pending().unwrap_or(Signal::Terminate)),
        ExecutionError::Failed(failure) => {
            run.session.record.set_result(component, ComponentResult::Failed);
            let reason = failure.reason;
            RunError::failed(component.into(), reason, Error::StepFailed { component, failure })
        }
    }
}

/// What was fetched is in its place, or of no use any more. That it cannot be removed is no failure of the run: nothing
/// ever uses it, and the next run removes it.
fn clear_staging(run: &RunContext) {
    // Without the lock it is that of another run.
    if run.host_lock.is_none() {
        return;
    }
    if let Err(error) = run.host.clear_staging() {
        run.host.log().line(&format!("the staging directory stays: {error}"));
    }
}
