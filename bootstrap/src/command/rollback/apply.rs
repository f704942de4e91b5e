//! A rollback that changes the host.

use std::path::Path;

use manifest::{Holder, ManifestError, PrivateContext, RunFiles, RunLock, RunsDir};
use privacy::{Gate, LocalIdentifiers};
use schema::{CommandName, CommandResult, Envelope, Execution, Id, UtcSeconds};
use telemetry::{Consent, ConsentDecision, envelope_from_env};
use uuid::Uuid;

use super::record::{Record, load, refused};
use super::{inputs, planned};
use crate::cli;
use crate::exit::{Exit, Failure};
use crate::host::{Host, RunLog};
use crate::rollback::{self, Event, Fate, Fates, Journal, Plan, Report, State, Work};
use crate::run::{Reporter, ask_consent, decided_consent, now};
use crate::terminal::{Printer, Prompter, Signals};

/// The files of the run, in which each undo is written down.
struct Files(RunFiles);

impl Journal for Files {
    fn now(&self) -> UtcSeconds {
        now()
    }

    fn store(&mut self, context: &PrivateContext) -> Result<(), ManifestError> {
        self.0.write_private(context)
    }
}

/// What is needed to change the host, held to the end.
struct Begun {
    files: Files,
    context: PrivateContext,
    host: Host,
    gate: Gate,
    envelope: Envelope,
    warnings: Vec<String>,
    _lock: RunLock,
}

pub(super) fn run(
    options: &cli::Rollback,
    record: &Record,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<Exit, Failure> {
    let mut begun = Begun::new(record, printer, signals)?;
    let plan = planned(options, &begun.context, &begun.host, printer);
    if !printer.is_json() {
        rollback::show(&plan, printer);
        printer.data("");
    }
    confirm(options, &plan, printer, signals)?;
    let consent = consent(&mut begun.warnings, printer, signals);
    if let Some(signal) = signals.pending() {
        return Err(Failure::new(Exit::Interrupted(signal), "interrupted; nothing was changed"));
    }
    let subject = (CommandName::Rollback, plan.mode, Execution::Apply);
    let folder = record.runs.path();
    let mut reporter =
        Reporter::new(&consent, &begun.envelope, &begun.gate, folder, subject, &mut begun.warnings);
    inputs::warn_all(&begun.warnings, printer);
    reporter.started();
    let fates = work(&mut begun, &plan, printer, signals);
    let (result, failure) = ended(&fates, signals);
    reporter.completed(result, None);
    let late: Vec<String> = reporter.take_warning().into_iter().collect();
    inputs::warn_all(&late, printer);
    begun.warnings.extend(late);
    let failure = failure.map(|failure| failure.log(record.runs.log_path(&record.run)));
    if printer.is_json() {
        let exit = failure.as_ref().map_or(Exit::Done, |failure| failure.exit);
        let error = failure.as_ref().map(|failure| failure.message.as_str());
        printer.document(&Report::of_work(&plan, &fates, exit.code(), error, &begun.warnings));
    } else {
        rollback::show_fates(&plan, &fates, printer);
    }
    failure.map_or(Ok(Exit::Done), |failure| Err(failure.documented()))
}

impl Begun {
    /// Takes the locks, the files of the run and root. The record is read anew, now that nobody else can change it.
    fn new(record: &Record, printer: &mut Printer, signals: &Signals) -> Result<Self, Failure> {
        let gate = Gate::new(LocalIdentifiers::of_machine().with_private(private_values(&record.context)));
        let (mut envelope, told) = envelope_from_env(&|name| std::env::var_os(name), &gate);
        if envelope.run_id == record.context.run_id {
            // A rollback is a run of its own.
            envelope.run_id = Id::from(Uuid::new_v4());
        }
        let holder = Holder::this_process(envelope.run_id.clone(), now());
        let lock = RunLock::acquire(&record.runs, Path::new(RunLock::HOST), &holder)
            .map_err(|error| refused(&error))?;
        // Opening for a change sweeps what a rollback that was killed has left on its way to the disk.
        RunsDir::open_or_create(record.runs.path()).map_err(|error| refused(&error))?;
        let files = record.runs.reopen(&record.run).map_err(|error| refused(&error))?;
        let context = load(&record.runs, &record.run)?;
        let log = files.log().map_or_else(|_| RunLog::discard(), RunLog::to);
        let mut host = Host::this_machine(log);
        let may_prompt = Prompter::on_terminal(printer, signals, false).is_some();
        host.acquire_root(may_prompt).map_err(|error| {
            Failure::failed(format!("cannot become root: {error}"))
                .hint("run as root, or as a user who may use sudo")
        })?;
        let warnings = told.iter().map(ToString::to_string).collect();
        Ok(Self { files: Files(files), context, host, gate, envelope, warnings, _lock: lock })
    }
}

/// What the record knows of this machine must not get into a public document.
fn private_values(context: &PrivateContext) -> Vec<String> {
    let local = &context.local;
    let texts = [
        &local.domain,
        &local.rancher_host,
        &local.registry_host,
        &local.registry_storage_class,
        &local.nfs_allowed_network,
    ];
    let paths = [&local.docker_trust_path, &local.longhorn_data_path, &local.nfs_export_path];
    let paths = paths.into_iter().flatten().map(|path| path.to_string_lossy().into_owned());
    texts.into_iter().flatten().cloned().chain(paths).collect()
}

fn confirm(
    options: &cli::Rollback,
    plan: &Plan,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), Failure> {
    let ready = plan.in_state(State::Ready).count();
    if options.yes || ready == 0 {
        return Ok(());
    }
    let question = format!("Undo {ready} {}?", if ready == 1 { "item" } else { "items" });
    let answer = Prompter::on_terminal(printer, signals, false)
        .and_then(|mut prompter| prompter.confirm(&question, false));
    match (answer, signals.pending()) {
        (Some(true), None) => Ok(()),
        (_, Some(signal)) => Err(Failure::new(Exit::Interrupted(signal), "interrupted; nothing was changed")),
        (_, None) => Err(Failure::new(Exit::Declined, "declined; nothing was changed")),
    }
}

fn consent(warnings: &mut Vec<String>, printer: &mut Printer, signals: &Signals) -> Consent {
    match decided_consent(warnings) {
        ConsentDecision::Decided(consent) => consent,
        ConsentDecision::Ask(question) => ask_consent(question, printer, signals),
    }
}

fn work(begun: &mut Begun, plan: &Plan, printer: &mut Printer, signals: &Signals) -> Fates {
    let mut report = |event: Event<'_>| match event {
        Event::Started(item) => printer.detail(&format!("{}: {} ...", item.component, item.change)),
        Event::Waiting(what) => printer.note(&format!("waiting for {what}")),
        Event::Done(item, fate) => {
            let line = format!("{:<6}  {}: {}", fate.word(), item.component, item.change);
            match fate.reason() {
                None => printer.note(&line),
                Some(reason) => printer.warn(&format!("{line}: {reason}")),
            }
        }
    };
    let stop = || signals.pending().is_some();
    Work::new(&begun.host, &mut begun.context, &mut begun.files, &mut report, &stop).all(plan)
}

/// How the rollback ended: well only if everything that was to be undone is.
fn ended(fates: &Fates, signals: &Signals) -> (CommandResult, Option<Failure>) {
    let missed = fates.values().filter(|fate| !matches!(fate, Fate::Undone | Fate::Gone)).count();
    match (missed, signals.pending()) {
        (0, _) => (CommandResult::Success, None),
        (_, Some(signal)) => {
            let failure = Failure::new(Exit::Interrupted(signal), "interrupted; what is undone stays undone");
            (CommandResult::Interrupted, Some(failure.hint("run the same command again to go on")))
        }
        (missed, None) => {
            let what = if missed == 1 { "item" } else { "items" };
            let failure = Failure::failed(format!("{missed} {what} could not be undone"));
            let hint = "look at what is left to you above, mend it, and run the same command again";
            (CommandResult::Failed, Some(failure.hint(hint)))
        }
    }
}
