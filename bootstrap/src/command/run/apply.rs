//! A run that changes the host.

use std::time::Instant;

use schema::{
    CommandResult, Component, ComponentResult, Execution, FailureReason, Finish, PlannedAction, Step,
};

use super::{Request, RunContext};
use crate::cli;
use crate::command::preflight as preflight_command;
use crate::exit::{Exit, Failure, Signal};
use crate::preflight::{self, PreflightReport, Severity};
use crate::run::{PlannedComponent, RunReport, Stopped, Summary, detect_and_plan};
use crate::step::{ExecutionError, Executor, StepEvent, StepFailure};
use crate::terminal::{Printer, Progress, Prompter, Signals};

/// Why a run ended before its last step.
enum RunError {
    /// The operator declined.
    Declined(&'static str),
    /// A signal arrived.
    Stopped(Signal),
    /// Something failed.
    Failed(schema::Failure, Failure),
}

impl From<Stopped> for RunError {
    fn from(Stopped(signal): Stopped) -> Self {
        Self::Stopped(signal)
    }
}

impl RunError {
    fn failed(step: Step, reason: FailureReason, failure: Failure) -> Self {
        Self::Failed(schema::Failure { step, reason }, failure)
    }

    fn split(self) -> (Finish, Failure) {
        match self {
            Self::Declined(what) => (Finish::Cancelled, Failure::new(Exit::Declined, what)),
            Self::Stopped(signal) => {
                let failure =
                    Failure::new(Exit::Interrupted(signal), "interrupted; what was done so far stays");
                (
                    Finish::Interrupted,
                    failure.hint("run again to go on, or roll back with the private record"),
                )
            }
            Self::Failed(recorded, failure) => (Finish::Failed(recorded), failure),
        }
    }
}

pub(super) fn run(
    request: Request,
    options: &cli::Run,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<Exit, Failure> {
    let mut run = RunContext::new(request, Execution::Apply, printer)?;
    let report = preflight::check(&run.host, &run.platform, &run.settings);
    let mut work = Work { planned: Vec::new(), summary: Summary::default() };
    let ended = work.all(&mut run, &report, options, printer, signals);
    clear_staging(&run);
    let (finish, failure) = match ended {
        Ok(()) => (Finish::Success, None),
        Err(ending) => {
            let (finish, failure) = ending.split();
            (finish, Some(with_log(failure, &run)))
        }
    };
    let exit = failure.as_ref().map_or(Exit::Done, |failure| failure.exit);
    run.session.record.finish(finish, exit.code());
    run.reporter.completed(CommandResult::from(finish), Some(run.session.record.public()));
    run.tell_warnings(printer);
    let public = run.session.record.public();
    if printer.is_json() {
        let document =
            RunReport::new(public, &report, &work.planned, &run.files, &run.consent, &run.warnings)
                .error(failure.as_ref().map(|failure| failure.message.as_str()))
                .generated(&work.summary);
        printer.document(&document);
    } else {
        work.summary.show(public, &run.settings, printer);
        run.files.show(printer);
    }
    failure.map_or(Ok(Exit::Done), |failure| Err(failure.documented()))
}

/// A log that nothing was written to yet says nothing.
fn with_log(failure: Failure, run: &RunContext) -> Failure {
    let log = run.files.log();
    if log.metadata().is_ok_and(|log| log.len() > 0) { failure.log(log) } else { failure }
}

/// What was fetched is in its place, or of no use any more. That it cannot be removed is no failure of the run: nothing
/// ever uses it, and the next run removes it.
fn clear_staging(run: &RunContext) {
    if let Err(error) = run.host.clear_staging() {
        run.host.log().line(&format!("the staging directory stays: {error}"));
    }
}

/// What was planned and what came of it.
struct Work {
    planned: Vec<PlannedComponent>,
    summary: Summary,
}

impl Work {
    fn all(
        &mut self,
        run: &mut RunContext,
        report: &PreflightReport,
        options: &cli::Run,
        printer: &mut Printer,
        signals: &Signals,
    ) -> Result<(), RunError> {
        pass_preflight(report, options, printer, signals)?;
        self.plan(run, signals)?;
        accept_plan(&self.planned, options, printer, signals)?;
        let changes = self.planned.iter().any(|planned| !planned.plan.steps.is_empty());
        if changes {
            become_root(run, printer, signals)?;
        }
        for planned in &self.planned {
            self.summary.extend(component(run, planned, printer, signals)?);
        }
        Ok(())
    }

    fn plan(&mut self, run: &mut RunContext, signals: &Signals) -> Result<(), RunError> {
        let context = crate::component::PlanContext {
            settings: &run.settings,
            arch: run.host.arch(),
            staging: &run.staging,
        };
        self.planned = detect_and_plan(&run.host, &context, &mut run.session.record, signals)?;
        let blocked = self.planned.iter().find_map(|planned| Some((planned, planned.plan.blocked.as_ref()?)));
        let Some((planned, reason)) = blocked else { return Ok(()) };
        let failure = Failure::failed(format!("{} cannot be planned: {reason}", planned.component))
            .hint("mend that and run again; nothing was changed");
        Err(RunError::failed(planned.component.into(), FailureReason::CommandFailed, failure))
    }
}

fn pass_preflight(
    report: &PreflightReport,
    options: &cli::Run,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), RunError> {
    let failed = |message: &str, hint: &str| {
        let failure = Failure::new(Exit::Preflight, message).hint(hint);
        Err(RunError::failed(Step::Preflight, FailureReason::PreflightFailed, failure))
    };
    if report.worst() > Severity::Pass {
        preflight_command::show_problems(report, printer);
    }
    match report.worst() {
        Severity::Pass => return Ok(()),
        Severity::Failure => {
            return failed("this host is not fit for the run", "mend what FAIL names and run again");
        }
        Severity::Warning if options.accept_warnings => return Ok(()),
        Severity::Warning => {}
    }
    match Prompter::on_terminal(printer, signals, false) {
        Some(mut prompter) => consent(prompter.confirm("Go on in spite of the warnings?", false), signals),
        None => failed("the preflight warns, and nobody can be asked", "add --accept-warnings to go on"),
    }
}

fn accept_plan(
    planned: &[PlannedComponent],
    options: &cli::Run,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), RunError> {
    for PlannedComponent { component, detection, plan } in planned {
        printer.note(&format!("{component:<21}  {:<22}  {}", detection.word(), plan.action));
    }
    if options.yes {
        return Ok(());
    }
    let answer = Prompter::on_terminal(printer, signals, false)
        .and_then(|mut prompter| prompter.confirm("Carry this plan out?", false));
    consent(answer, signals)
}

fn consent(answer: Option<bool>, signals: &Signals) -> Result<(), RunError> {
    match (answer, signals.pending()) {
        (Some(true), None) => Ok(()),
        (_, Some(signal)) => Err(RunError::Stopped(signal)),
        (_, None) => Err(RunError::Declined("declined; nothing was changed")),
    }
}

fn become_root(run: &mut RunContext, printer: &mut Printer, signals: &Signals) -> Result<(), RunError> {
    let may_prompt = Prompter::on_terminal(printer, signals, false).is_some();
    run.host.acquire_root(may_prompt).map_err(|error| {
        let failure = Failure::failed(format!("cannot become root: {error}"))
            .hint("run as root, or as a user who may use sudo");
        RunError::failed(Step::Plan, FailureReason::PermissionDenied, failure)
    })
}

fn component(
    run: &mut RunContext,
    planned: &PlannedComponent,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<Summary, RunError> {
    let component = planned.component;
    if planned.plan.action == PlannedAction::Skip {
        return Ok(Summary::default());
    }
    run.session.record.enter(component.into());
    let began = Instant::now();
    let mut progress = Progress::new(printer, component);
    let mut show = |event: StepEvent<'_>| progress.show(event);
    let stop = || signals.pending().is_some();
    let mut apply = Executor::new(&run.host, &mut run.session.record, &mut show, &stop);
    let result = apply.component(component, &planned.plan.steps, &planned.plan.verify);
    let made = apply.into_passwords();
    drop(progress);
    match result {
        Ok(()) => {
            let result = planned.plan.result();
            run.session.record.result(component, result);
            run.reporter.component(component, result);
            Ok(Summary::of(component, began.elapsed(), &made))
        }
        Err(error) => Err(ended(run, component, error, signals)),
    }
}

fn ended(run: &mut RunContext, component: Component, error: ExecutionError, signals: &Signals) -> RunError {
    match (error, signals.pending()) {
        (ExecutionError::Interrupted, signal) => RunError::Stopped(signal.unwrap_or(Signal::Terminate)),
        (ExecutionError::Failed(failure), _) => {
            run.session.record.result(component, ComponentResult::Failed);
            let reason = failure.reason;
            RunError::failed(component.into(), reason, told(component, *failure))
        }
    }
}

/// The failure of a step with the last lines of its command's output.
fn told(component: Component, failure: StepFailure) -> Failure {
    let StepFailure { step, message, tail, hint, .. } = failure;
    let first = format!("{component}: {step}: {message}");
    let lines = tail.iter().map(|line| format!("  | {line}"));
    let failure = Failure::failed(std::iter::once(first).chain(lines).collect::<Vec<_>>().join("\n"));
    failure.hint(hint.unwrap_or_else(|| "mend what failed and run again; what is done is kept".to_owned()))
}
