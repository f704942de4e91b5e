//! A rollback that changes the host.

use manifest::{FileLock, ManifestError, PrivateContext, RunFiles};
use privacy::{Gate, LocalIdentifiers};
use schema::{CommandName, CommandResult, Envelope, Execution, Id};
use telemetry::{envelope_from_env, ignored_run_id};

use super::target::{Agreement, RollbackTarget, load, observe_and_plan};
use crate::cli::RollbackArgs;
use crate::command::diagnostic::Diagnostic;
use crate::command::error::{Error, InterruptedAt};
use crate::command::{inputs, inspection, next};
use crate::host::{Host, HostLock, RunLog};
use crate::rollback::{
    self, ItemState, RollbackEvent, RollbackExecutor, RollbackItem, RollbackPlan, RollbackReport, UndoResult,
    UndoResults,
};
use crate::run::{TelemetryReporter, lock_holder, now, resolve_consent};
use crate::step::{Journal, Update};
use crate::terminal::{DefaultAnswer, Interruption, Printer, Prompter, Signals, is_interactive};

/// The record of the run, in which each undo is written down.
struct UndoJournal {
    files: RunFiles,
    context: PrivateContext,
}

impl Journal for UndoJournal {
    fn context(&self) -> &PrivateContext {
        &self.context
    }

    fn update(&mut self, change: Update<'_>) -> Result<(), ManifestError> {
        change(&mut self.context, now());
        self.files.write_private(&self.context)
    }
}

/// What is needed to change the host, held to the end.
struct RollbackContext {
    journal: UndoJournal,
    host: Host,
    gate: Gate,
    envelope: Envelope,
    warnings: Vec<String>,
    interruption: Interruption,
    _locks: (FileLock, HostLock),
}

pub(super) fn run(
    args: &RollbackArgs,
    target: &RollbackTarget,
    agreement: &Agreement,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), Diagnostic> {
    let mut run = RollbackContext::new(target, signals)?;
    let plan = observe_and_plan(&run.journal.context, &run.host, args.include, agreement, printer);
    // What a signal has cut off would be shown as what cannot be inspected.
    inspection::check_uninterrupted(signals, InterruptedAt::NothingChanged)?;
    if !printer.is_json() {
        printer.result(&rollback::rollback_lines(&plan, printer.verbosity()));
    }
    confirm(args, &plan, printer, signals)?;
    let mut reporter = run.reporter(target, &plan, printer, signals)?;
    reporter.started();
    let results = undo(&mut run, &plan, printer);
    let (result, error) = outcome(left_of(&plan, agreement), &results, signals);
    reporter.completed(result, None);
    let late: Vec<String> = reporter.take_warning().into_iter().collect();
    inputs::warn_all(&late, printer);
    run.warnings.extend(late);
    if printer.is_json() {
        let exit_code = error.as_ref().map_or(0, Error::process_exit_code);
        let message = error.as_ref().map(Error::message);
        let document = RollbackReport::of_work(&plan, &results, exit_code, message.as_deref(), &run.warnings);
        printer.document(&document);
    } else {
        rollback::show_results(&plan, &results, printer);
    }
    let log = target.runs.log_path(&target.run);
    error.map_or(Ok(()), |error| {
        let resumes = matches!(error, Error::Interrupted { .. });
        let diagnostic = Diagnostic::from(error).with_log(Some(log)).after_document();
        Err(if resumes { diagnostic.with_next("resume", next::same_command()) } else { diagnostic })
    })
}

/// Writes down what was gone when the plan was made. Nothing on the host changes.
///
/// # Errors
/// The record cannot be used or written, or another run uses the directory.
pub(super) fn note_gone(target: &RollbackTarget, plan: &RollbackPlan) -> Result<(), Error> {
    if plan.in_state(ItemState::Gone).next().is_none() {
        return Ok(());
    }
    let _lock = target.runs.lock(&lock_holder(&Id::random())).map_err(Error::UnusableRecord)?;
    let files = target.runs.reopen(&target.run).map_err(Error::UnusableRecord)?;
    let context = load(&target.runs, &target.run)?;
    rollback::note_gone(&mut UndoJournal { files, context }, plan).map_err(Error::UnusableRecord)
}

impl RollbackContext {
    /// Takes the locks, the files of the run and root. The record is read anew, now that nobody else can change it.
    ///
    /// # Errors
    /// The record cannot be used any more, another run changes the host, or root is out of reach. Nothing was changed.
    fn new(target: &RollbackTarget, signals: &Signals) -> Result<Self, Error> {
        let gate =
            Gate::new(LocalIdentifiers::of_machine().with_private(target.context.local.private_values()));
        let (mut envelope, problems) = envelope_from_env(&|name| std::env::var_os(name), &gate);
        if envelope.run_id == target.context.run_id {
            // A rollback is a run of its own.
            envelope.run_id = Id::random();
        }
        let holder = lock_holder(&envelope.run_id);
        let runs_lock = target.runs.lock(&holder).map_err(Error::UnusableRecord)?;
        // What a rollback that was killed has left on its way to the disk.
        target.runs.sweep().map_err(Error::UnusableRecord)?;
        let files = target.runs.reopen(&target.run).map_err(Error::UnusableRecord)?;
        // Read again under the lock: between the first look and now another rollback may have undone something.
        let context = load(&target.runs, &target.run)?;
        let log = files.log().map_or_else(|_| RunLog::discard(), RunLog::to);
        // Whoever wants the documents of this rollback deleted by a receiver must be able to name it.
        log.line(&format!("rollback of this run, with the run id {}", envelope.run_id));
        if let Some(note) = ignored_run_id(&|name| std::env::var_os(name)) {
            log.line(&note.to_string());
        }
        let interruption = Interruption::new(signals);
        let heard = interruption.clone();
        let mut host = Host::this_machine(log).with_stop(move || heard.requests());
        host.acquire_root(is_interactive()).map_err(|error| match signals.pending() {
            Some(signal) => Error::Interrupted { signal, when: InterruptedAt::NothingChanged },
            None => Error::NeedsSudo(error),
        })?;
        let host_lock = host.lock(&holder).map_err(Error::HostLocked)?;
        let warnings = problems.iter().map(ToString::to_string).collect();
        Ok(Self {
            journal: UndoJournal { files, context },
            host,
            gate,
            envelope,
            warnings,
            interruption,
            _locks: (runs_lock, host_lock),
        })
    }

    /// Settles consent, now that it is certain that something will be undone.
    fn reporter(
        &mut self,
        target: &RollbackTarget,
        plan: &RollbackPlan,
        printer: &mut Printer,
        signals: &Signals,
    ) -> Result<TelemetryReporter, Error> {
        let consent = resolve_consent(&mut self.warnings, printer, signals);
        if let Some(signal) = signals.pending() {
            return Err(Error::Interrupted { signal, when: InterruptedAt::NothingChanged });
        }
        let subject = (CommandName::Rollback, plan.mode, Execution::Apply);
        let (envelope, gate, runs) = (&self.envelope, &self.gate, &target.runs);
        let reporter = TelemetryReporter::new(&consent, envelope, gate, runs, subject, &mut self.warnings);
        inputs::warn_all(&self.warnings, printer);
        Ok(reporter)
    }
}

fn confirm(
    args: &RollbackArgs,
    plan: &RollbackPlan,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), Error> {
    let ready = plan.in_state(ItemState::Ready).count();
    // Where nothing is ready there is nothing to agree to; the plan above says what is left.
    if args.yes || ready == 0 {
        return Ok(());
    }
    let items = format!("{ready} {}", if ready == 1 { "item" } else { "items" });
    let data: Vec<&str> =
        plan.in_state(ItemState::Ready).filter_map(|item| item.deletes.as_deref()).collect();
    let question = if data.is_empty() {
        format!("Undo {items}?")
    } else {
        format!("Undo {items}, and delete {}?", data.join("; "))
    };
    let agreed = Prompter::interactive(printer, signals)
        .is_some_and(|mut prompter| prompter.confirm(&question, DefaultAnswer::No));
    match signals.pending() {
        Some(signal) => Err(Error::Interrupted { signal, when: InterruptedAt::NothingChanged }),
        None if agreed => Ok(()),
        None => Err(Error::Declined),
    }
}

fn undo(run: &mut RollbackContext, plan: &RollbackPlan, printer: &mut Printer) -> UndoResults {
    let interruption = run.interruption.clone();
    let mut report = |event: RollbackEvent<'_>| match event {
        RollbackEvent::Started(item) => {
            interruption.set_subject(&format!("{}: {}", item.component, item.change), None);
            printer.note(&format!("start {}: {}", item.component, item.change));
        }
        RollbackEvent::Waiting(what) => printer.note(&format!("wait  {what}")),
        RollbackEvent::Done(item, result) => {
            interruption.set_subject("", None);
            let line = format!("{:<6} {}: {}", result.word(), item.component, item.change);
            // What was not undone is a warning even with -q: the operator has to act.
            match result.reason() {
                None => printer.note(&line),
                Some(reason) => printer.warn(&format!("{line}: {reason}")),
            }
        }
    };
    let stop = || run.interruption.requests() > 0 || run.interruption.pending().is_some();
    RollbackExecutor::new(&run.host, &mut run.journal, &mut report, &stop).all(plan)
}

/// How many items nothing is done about, though somebody agreed to them, or might have if they had been in the plan.
fn left_of(plan: &RollbackPlan, agreement: &Agreement) -> usize {
    let Agreement::To(agreed) = agreement else { return 0 };
    let is_left = |item: &&RollbackItem| match item.state {
        ItemState::Manual | ItemState::Excluded => item.reason.is_not_agreed() || agreed.contains(&item.step),
        ItemState::Ready | ItemState::Gone | ItemState::Undone => false,
    };
    plan.items.iter().filter(is_left).count()
}

/// How the rollback ended: well only if everything that was to be undone is. `left` was not even tried.
fn outcome(left: usize, results: &UndoResults, signals: &Signals) -> (CommandResult, Option<Error>) {
    let failed =
        results.values().filter(|result| !matches!(result, UndoResult::Undone | UndoResult::Gone)).count();
    match (failed, failed + left, signals.pending()) {
        // A signal that came after the last item changed nothing.
        (0, 0, _) => (CommandResult::Success, None),
        (1.., _, Some(signal)) => {
            let when = InterruptedAt::Rollback { done: results.len() - failed, of: results.len() };
            let error = Error::Interrupted { signal, when };
            (CommandResult::Interrupted, Some(error))
        }
        (_, missed, _) => (CommandResult::Failed, Some(Error::NotUndone { missed })),
    }
}
