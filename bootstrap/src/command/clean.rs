//! `bootstrap clean`: takes back what all runs on this host did, the newest first.
//!
//! It is a rollback of each run that is on record, and nothing else: what no record of this host names is not looked at.
//! Each run is looked at again when those after it are undone, because only then what hung on it is gone.

use std::path::Path;

use manifest::{MachineId, PrivateContext, RunId, RunsDir};
use schema::Execution;
use serde::Serialize;

use super::diagnostic::Diagnostic;
use super::error::{Error, Unattended};
use super::rollback as one_run;
use crate::cli::{CleanArgs, RollbackArgs};
use crate::component::PendingRemoval;
use crate::host::{Host, RunLog};
use crate::input::runs_dir_from_env;
use crate::rollback::{self, Include, ItemState, RollbackPlan};
use crate::terminal::{Printer, Prompter, Signals, Verbosity};

/// What is typed to agree.
pub(super) const WORD: &str = "CLEAN";

/// The JSON document of a plan.
#[derive(Debug, Serialize)]
struct CleanDocument {
    format: &'static str,
    runs: Vec<RollbackPlan>,
}

pub(super) fn run(args: &CleanArgs, printer: &mut Printer) -> Result<(), Diagnostic> {
    let directory = args.runs_dir.clone().unwrap_or_else(runs_dir_from_env);
    let (runs, contexts) = records(&directory)?;
    if contexts.is_empty() && !printer.is_json() {
        let place = directory.display();
        printer.data(&format!(
            "No run is on record in {place} (dry runs do not count); there is nothing to remove."
        ));
        return Ok(());
    }
    let plans = plans(&contexts, printer);
    // Whoever has given the word has seen the plan, and sees that of each run again when it is undone.
    if args.confirm.as_deref() != Some(WORD) {
        show(&plans, printer);
        if args.apply {
            confirm(&plans, printer)?;
        }
    }
    if !args.apply {
        if printer.is_json() {
            printer.document(&CleanDocument { format: "clean/v1", runs: plans });
        }
        return Ok(());
    }
    let private_path =
        |run: &RollbackPlan| runs.as_ref().map(|runs| runs.private_path(&RunId::new(run.run_id.clone())));
    let mut missed = 0;
    for to in plans.iter().filter(|plan| ready(plan) > 0).filter_map(private_path) {
        let undo = RollbackArgs { to, apply: true, include: Some(Include::Moderate), yes: true, json: false };
        match one_run::run(&undo, printer) {
            Ok(()) => {}
            // What is left of one run does not keep the others: each is told with its reason.
            Err(diagnostic) => match diagnostic.error() {
                Error::NotUndone { missed: left } => missed += left,
                _ => return Err(diagnostic),
            },
        }
    }
    if missed == 0 { Ok(()) } else { Err(Error::NotUndone { missed }.into()) }
}

/// The records of the runs that changed this host, the newest first. A directory that is not there has none.
fn records(directory: &Path) -> Result<(Option<RunsDir>, Vec<PrivateContext>), Error> {
    use privacy::disk::DiskError;
    let runs = match RunsDir::open(directory) {
        Err(manifest::ManifestError::Disk(DiskError::Missing { .. })) => return Ok((None, Vec::new())),
        opened => opened.map_err(Error::UnusableRecord)?,
    };
    let mut contexts = runs.contexts(&MachineId::read(Path::new("/"))).map_err(Error::UnusableRecord)?;
    contexts.retain(|context| context.execution == Execution::Apply);
    Ok((Some(runs), contexts))
}

/// What would be undone of each run once those after it are undone.
fn plans(contexts: &[PrivateContext], printer: &mut Printer) -> Vec<RollbackPlan> {
    printer.note("Inspecting what the runs left on this host ...");
    let host = Host::this_machine(RunLog::discard());
    let mut pending = PendingRemoval::default();
    let mut plan = |context| {
        let live_states = rollback::observe_all(&host, context);
        let (plan, removed) = rollback::plan_after(context, &live_states, Include::Moderate, pending.clone());
        pending = removed;
        plan
    };
    contexts.iter().map(&mut plan).collect()
}

fn show(plans: &[RollbackPlan], printer: &mut Printer) {
    if printer.is_json() {
        return;
    }
    // A run that has left nothing has nothing to say.
    for plan in plans.iter().filter(|plan| !plan.items.is_empty()) {
        // Each item, whatever the verbosity: nobody types the word for what was not named.
        printer.result(&rollback::rollback_lines(plan, printer.verbosity().max(Verbosity::Verbose)));
        printer.data("");
    }
    let ready: usize = plans.iter().map(ready).sum();
    printer.data(&format!("Runs on record: {}. Items to remove: {ready}.", plans.len()));
}

fn ready(plan: &RollbackPlan) -> usize {
    plan.in_state(ItemState::Ready).count()
}

/// The word, and not a `y`: it deletes data of every run at once.
fn confirm(plans: &[RollbackPlan], printer: &mut Printer) -> Result<(), Error> {
    if plans.iter().all(|plan| ready(plan) == 0) {
        return Ok(());
    }
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let Some(mut prompter) = Prompter::interactive(printer, &signals) else {
        return Err(Error::NeedsYes(Unattended::Clean));
    };
    let typed = prompter.line(&format!("Type {WORD} to remove all of this:"))?;
    if typed.trim() == WORD { Ok(()) } else { Err(Error::Declined) }
}
