//! A run that changes the host: root, plan, consent of the operator, and then one component after the other. Its preflight
//! has passed before, see `requirements`.
//!
//! Root comes before detection: a plan made without it would not know what only root can see, and a second run would
//! install again, or wait in vain for, what is there.

use std::path::Path;
use std::time::{Duration, Instant};

use manifest::MachineId;

use schema::{Component, ComponentResult, Execution, FailureReason, Finish, PlannedAction, Step};

use super::context::{RunContext, RunRequest};
use super::run_error::{RunError, confirm};
use crate::cli::RunArgs;
use crate::command::diagnostic::Diagnostic;
use crate::command::error::{Error, InterruptedAt};
use crate::command::{inputs, next};
use crate::component::spec_of;
use crate::layers::EventStatus;
use crate::run::{PlannedComponent, RunPaths, RunReport, RunSummary, lock_holder, plan_counts, plan_lines};
use crate::step::{Effect, ExecutionError, Executor, StepEvent};
use crate::terminal::{Line, Printer, Signal, Signals, StepProgress, is_interactive};

/// What was planned and what came of it; kept also where the run ends early, because the report shows it.
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
    let mut run = RunContext::new(request, Execution::Apply, printer, signals)?;
    let report = run.report.clone();
    let mut progress = RunProgress { planned: Vec::new(), summary: RunSummary::begin() };
    let ended = match run.refused.take() {
        Some(refused) => Err(refused),
        None => apply(&mut run, &mut progress, args, printer, signals),
    };
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
        .generated(progress.summary.generated());
        printer.document(&document);
    } else {
        let undo = next::undo(run.paths.public());
        let files = (&run.paths, undo.as_str());
        let lines = progress.summary.lines(public, &run.settings, files, printer.verbosity());
        printer.result(&lines);
    }
    settle_passwords(&mut run, error.is_none(), printer);
    error.map_or(Ok(()), |error| Err(diagnostic(error, &run.paths)))
}

/// What the operator is told of an end that is not well, with what to do next.
fn diagnostic(error: Error, paths: &RunPaths) -> Diagnostic {
    // A log that nothing was written to yet says nothing.
    let log = Some(paths.log()).filter(|log| log.metadata().is_ok_and(|log| log.len() > 0));
    let (resumes, changed) = match error {
        Error::Interrupted { when: InterruptedAt::Run { .. }, .. } => (true, true),
        Error::StepFailed { .. } => (false, true),
        _ => (false, false),
    };
    let mut diagnostic = Diagnostic::from(error).with_log(log.map(Path::to_owned)).after_document();
    if resumes {
        diagnostic = diagnostic.with_next("resume", next::same_command());
    }
    if changed {
        diagnostic = diagnostic.with_next("undo", next::undo(paths.public()));
    }
    diagnostic
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
    args: &RunArgs,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), RunError> {
    acquire_root(run, signals)?;
    tell_withheld_proxies(run, printer);
    lock_host(run)?;
    run.session.record.adopt_passwords(&MachineId::read(Path::new("/")));
    progress.planned = run.plan(signals)?;
    check_blocked(&progress.planned)?;
    accept_plan(run, &progress.planned, args, printer, signals)?;
    let of = progress.planned.iter().filter(|planned| planned.plan.action != PlannedAction::Skip).count();
    for planned in &progress.planned {
        let when = InterruptedAt::Run { done: progress.summary.done(), of };
        if let Some(took) = apply_component(run, planned, printer, when)? {
            progress.summary.add(planned.component, took);
        }
    }
    Ok(())
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

fn acquire_root(run: &mut RunContext, signals: &Signals) -> Result<(), RunError> {
    run.host.acquire_root(is_interactive()).map_err(|error| match signals.pending() {
        // Ctrl-C at sudo's question reaches both processes, and is no answer to it.
        Some(signal) => RunError::interrupted(signal),
        None => RunError::failed(Step::Plan, FailureReason::PermissionDenied, Error::NeedsRoot(error)),
    })
}

/// Told before anything fails for it: apt-get that cannot reach its mirror does not say why.
fn tell_withheld_proxies(run: &mut RunContext, printer: &mut Printer) {
    let withheld = run.host.withheld_proxies();
    if withheld.is_empty() {
        return;
    }
    let warning = format!(
        "{}: a proxy with a login is not passed to commands that sudo runs (apt-get, k3s), because every user could read it \
         there; to pass it, run as root with the same variables",
        withheld.join(", ")
    );
    inputs::warn_all(std::slice::from_ref(&warning), printer);
    run.warnings.push(warning);
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
    when: InterruptedAt,
) -> Result<Option<Duration>, RunError> {
    let component = planned.component;
    if planned.plan.action == PlannedAction::Skip {
        return Ok(None);
    }
    run.session.record.enter_step(component.into());
    run.origin.component(component, EventStatus::Running, printer);
    let began = Instant::now();
    let mut progress = StepProgress::new(printer, &run.interruption, component.to_string());
    let mut show = |event: StepEvent<'_>| show_step(&mut progress, event);
    // Asked for the number, because that is what answers the operator.
    let stop = || run.interruption.requests() > 0;
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
            let was_there = matches!(planned.plan.action, PlannedAction::Reuse | PlannedAction::Ensure);
            let ignored = was_there.then(|| run.ignored(component)).flatten();
            let warnings: Vec<String> = run.record_version(component).into_iter().chain(ignored).collect();
            inputs::warn_all(&warnings, printer);
            run.warnings.extend(warnings);
            Ok(Some(began.elapsed()))
        }
        Err(error) => {
            run.origin.component(component, EventStatus::Failed, printer);
            // What is on the host now may be another version than the run was to install. Of a cluster that may not answer
            // it is not asked: the operator waits for the error.
            if spec_of(component).namespace().is_none() {
                run.record_version(component);
            }
            Err(component_error(run, component, error, when))
        }
    }
}

/// Turns what the executor tells into lines: the terminal knows no steps.
fn show_step(progress: &mut StepProgress<'_>, event: StepEvent<'_>) {
    match event {
        StepEvent::Started { title, number, of } => progress.started(title, number, of),
        StepEvent::Waiting(what) => progress.waiting(what),
        StepEvent::Done { effect: Effect::Changed, .. } => progress.done("done"),
        StepEvent::Done { effect: Effect::Unchanged, .. } => progress.done("ok"),
    }
}

fn component_error(
    run: &mut RunContext,
    component: Component,
    error: ExecutionError,
    when: InterruptedAt,
) -> RunError {
    match error {
        // Only a pending signal stops the executor, so the fallback is never taken.
        ExecutionError::Interrupted => {
            RunError::interrupted_at(run.interruption.pending().unwrap_or(Signal::Terminate), when)
        }
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
    let _shield = run.host.shield();
    if let Err(error) = run.host.clear_staging() {
        run.host.log().line(&format!("the staging directory stays: {error}"));
    }
}
