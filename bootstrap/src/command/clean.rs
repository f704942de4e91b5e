//! `bootstrap clean`: takes back what all runs on this host did, the newest first.
//!
//! It is a rollback of each run that is on record, and nothing else: what no record of this host names is not looked at.
//! Each run is looked at again when those after it are undone, because only then what hung on it is gone, and what they had
//! put in its place.

use std::path::{Path, PathBuf};

use manifest::{History, MachineId, ManifestError, PrivateContext, RunId, RunsDir};
use serde::Serialize;

use super::diagnostic::Diagnostic;
use super::error::{Error, InterruptedAt, Unattended};
use super::inspection;
use super::rollback::{Agreement, note_gone, plan_of_run, steps_ready, undo_run, unseen};
use crate::cli::CleanArgs;
use crate::component::PendingRemoval;
use crate::host::{Host, RunLog};
use crate::input::runs_dir_from_env;
use crate::rollback::{self, Include, RollbackPlan};
use crate::run::error_chain;
use crate::terminal::{Printer, Prompter, Signals, Verbosity};

/// What is typed to agree.
pub(super) const WORD: &str = "CLEAN";

/// The JSON document of a plan.
#[derive(Debug, Serialize)]
struct CleanDocument<'a> {
    format: &'static str,
    runs: &'a [RollbackPlan],
    /// Records of runs that this process may not obey, most often because another user made the run.
    unusable_records: usize,
}

pub(super) fn run(args: &CleanArgs, printer: &mut Printer) -> Result<(), Diagnostic> {
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let clean = Clean::planned(args, printer, &signals)?;
    // Whoever has given the word wants what the records name, and sees the plan of each run when it is undone.
    if args.apply && args.confirm.as_deref() == Some(WORD) {
        return clean.apply(Asked::Beforehand, printer, &signals);
    }
    clean.show(printer);
    if !args.apply {
        return Ok(());
    }
    if clean.has_work() {
        confirm(printer, &signals)?;
    }
    clean.apply(Asked::AfterPlan, printer, &signals)
}

/// When somebody agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Before anything was looked at: to all that can be undone by the time when it is undone.
    Beforehand,
    /// To the plan that was shown, and to no more than that.
    AfterPlan,
}

/// What the records name, and what can be done about it.
pub(super) struct Clean {
    directory: PathBuf,
    runs: Option<RunsDir>,
    plans: Vec<RollbackPlan>,
    /// Records that this process may not obey.
    unusable: Vec<ManifestError>,
    /// Held to the end, so that sudo asks once for all runs.
    host: Host,
}

impl Clean {
    /// Looks at what the runs left. Where it is to be removed, as root: what is asked about must be what is done.
    ///
    /// # Errors
    /// The records cannot be listed, root is out of reach where it is needed, or a signal arrived.
    pub(super) fn planned(
        args: &CleanArgs,
        printer: &mut Printer,
        signals: &Signals,
    ) -> Result<Self, Diagnostic> {
        let directory = args.runs_dir.clone().unwrap_or_else(runs_dir_from_env);
        let (runs, History { contexts, unusable, .. }) = records(&directory, args.apply)?;
        if let Some(first) = unusable.first() {
            let (count, records) = (unusable.len(), if unusable.len() == 1 { "record" } else { "records" });
            printer.warn(&format!("{count} {records} cannot be used: {}", error_chain(first)));
        }
        let (host, got_root) = match contexts.as_slice() {
            [] => (Host::this_machine(RunLog::discard()), Ok(())),
            _ => inspection::with_root(signals),
        };
        inspection::check_uninterrupted(signals, InterruptedAt::NothingChanged)?;
        if args.apply {
            got_root.map_err(Error::NeedsSudo)?;
        }
        let plans = plans(&host, &contexts, printer);
        inspection::check_uninterrupted(signals, InterruptedAt::NothingChanged)?;
        Ok(Self { directory, runs, plans, unusable, host })
    }

    /// Whether there is anything to agree to.
    pub(super) fn has_work(&self) -> bool {
        self.plans.iter().any(|plan| !steps_ready(plan).is_empty())
    }

    pub(super) fn show(&self, printer: &mut Printer) {
        if printer.is_json() {
            let (runs, unusable_records) = (self.plans.as_slice(), self.unusable.len());
            printer.document(&CleanDocument { format: "clean/v1", runs, unusable_records });
            return;
        }
        if self.plans.is_empty() {
            let place = self.directory.display();
            printer.data(&if self.unusable.is_empty() {
                format!("No run is on record in {place} (dry runs do not count); there is nothing to remove.")
            } else {
                format!("No record in {place} can be used; nothing is removed.")
            });
            return;
        }
        for plan in &self.plans {
            show_plan(plan, printer);
        }
        if let Some(unseen) = unseen(&self.plans) {
            printer.warn(&unseen);
        }
        let ready: usize = self.plans.iter().map(|plan| steps_ready(plan).len()).sum();
        printer.data(&format!("Runs on record: {}. Items to remove: {ready}.", self.plans.len()));
    }

    /// Undoes each run, the newest first.
    ///
    /// # Errors
    /// Something was left, a run could not be undone at all, or a signal arrived.
    pub(super) fn apply(
        self,
        asked: Asked,
        printer: &mut Printer,
        signals: &Signals,
    ) -> Result<(), Diagnostic> {
        if self.plans.is_empty() && asked == Asked::Beforehand {
            self.show(printer);
        }
        let (mut missed, mut is_changed) = (0, false);
        for (done, plan) in self.plans.iter().enumerate() {
            let (shown, Some(runs)) = (steps_ready(plan), &self.runs) else { break };
            let run = RunId::new(plan.run_id.clone());
            // Undoing the runs after it may have brought back what this one did.
            let look = || plan_of_run(runs, run.clone(), &self.host, printer);
            let again = (shown.is_empty() && is_changed).then(look).transpose()?;
            let plan = again.as_ref().unwrap_or(plan);
            let so_far = InterruptedAt::Clean { done, of: self.plans.len() };
            // One that came after the last item of a run is none of that run's, and the next is not begun.
            inspection::check_uninterrupted(signals, so_far)?;
            if steps_ready(plan).is_empty() {
                leave(runs, plan, asked, printer)?;
                continue;
            }
            let agreement = match asked {
                Asked::Beforehand => Agreement::ToPlan,
                Asked::AfterPlan => Agreement::To(shown),
            };
            missed += left_of_run(undo_run(runs, run, &agreement, printer, signals), so_far)?;
            is_changed = true;
        }
        let records = self.unusable.len();
        match (missed, self.unusable.into_iter().next()) {
            (0, None) => Ok(()),
            (0, Some(why)) => Err(Error::RecordsLeft { records, why: Box::new(why) }.into()),
            (missed, _) => Err(Error::NotUndone { missed }.into()),
        }
    }
}

/// Nothing of a run can be undone: what was gone is written down.
///
/// # Errors
/// The record cannot be used or written.
fn leave(runs: &RunsDir, plan: &RollbackPlan, asked: Asked, printer: &mut Printer) -> Result<(), Diagnostic> {
    if asked == Asked::Beforehand {
        // Nobody has told what is left.
        show_plan(plan, printer);
    }
    note_gone(runs, RunId::new(plan.run_id.clone()), plan)
}

/// How many items were left of a run, given how its rollback ended. That does not keep the other runs: each item is told with
/// its reason.
///
/// # Errors
/// The rollback ended otherwise. A signal before its first change says what was done of the whole, which is not nothing.
fn left_of_run(ended: Result<(), Diagnostic>, so_far: InterruptedAt) -> Result<usize, Diagnostic> {
    let Err(diagnostic) = ended else { return Ok(0) };
    match *diagnostic.error() {
        Error::NotUndone { missed } => Ok(missed),
        Error::Interrupted { signal, when: InterruptedAt::NothingChanged } => {
            Err(Error::Interrupted { signal, when: so_far }.into())
        }
        _ => Err(diagnostic),
    }
}

/// Each item, whatever the verbosity: nobody types the word for what was not named. A run that has left nothing has nothing
/// to say.
fn show_plan(plan: &RollbackPlan, printer: &mut Printer) {
    if !plan.items.is_empty() {
        printer.result(&rollback::rollback_lines(plan, printer.verbosity().max(Verbosity::Verbose)));
        printer.data("");
    }
}

/// The records of the runs that changed this host, the newest first. A directory that is not there has none.
fn records(directory: &Path, to_change: bool) -> Result<(Option<RunsDir>, History), Error> {
    use privacy::disk::DiskError;
    let runs = match RunsDir::open(directory) {
        Err(ManifestError::Disk(DiskError::Missing { .. })) => return Ok((None, History::default())),
        opened => opened.map_err(Error::UnusableRecord)?,
    };
    let found = history(&runs)?;
    if !to_change || found.contexts.is_empty() {
        return Ok((Some(runs), found));
    }
    // What is obeyed is read where no other user could have put it. Not at once: a directory of another user is refused as a
    // whole, and whoever has made no run in it is to be told who has.
    let runs = RunsDir::open_for_change(directory).map_err(Error::UnusableRecord)?;
    let found = history(&runs)?;
    Ok((Some(runs), found))
}

fn history(runs: &RunsDir) -> Result<History, Error> {
    let history = runs.history(&MachineId::read(Path::new("/"))).map_err(Error::UnusableRecord)?;
    if history.unread > 0 {
        // Some of them may be of runs that changed this host: "nothing to remove" would be no answer.
        let (path, unread) = (runs.path().to_owned(), history.unread);
        return Err(Error::UnusableRecord(ManifestError::TooManyRecords { path, unread }));
    }
    Ok(history)
}

/// What would be undone of each run once those after it are undone.
fn plans(host: &Host, contexts: &[PrivateContext], printer: &mut Printer) -> Vec<RollbackPlan> {
    if !contexts.is_empty() {
        printer.note("Inspecting what the runs left on this host ...");
    }
    let mut pending = PendingRemoval::default();
    let mut plan = |context| {
        let live_states = rollback::observe_all(host, context);
        let (plan, removed) = rollback::plan_after(context, &live_states, Include::Moderate, pending.clone());
        pending = removed;
        plan
    };
    contexts.iter().map(&mut plan).collect()
}

/// The word, and not a `y`: it deletes data of every run at once.
fn confirm(printer: &mut Printer, signals: &Signals) -> Result<(), Error> {
    let Some(mut prompter) = Prompter::interactive(printer, signals) else {
        return Err(Error::NeedsYes(Unattended::Clean));
    };
    let typed = prompter.line(&format!("Type {WORD} to remove all of this:"))?;
    if typed.trim() == WORD { Ok(()) } else { Err(Error::Declined) }
}
