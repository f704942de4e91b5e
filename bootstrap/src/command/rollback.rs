//! `bootstrap rollback`: takes back what a run did, from its private context.

mod apply;
mod target;

use std::collections::BTreeSet;

use manifest::{RunId, RunsDir};
use schema::Execution;

use super::diagnostic::Diagnostic;
use super::error::{Error, InterruptedAt, Unattended};
use super::{inputs, inspection};
use crate::cli::RollbackArgs;
use crate::host::{Host, RunLog};
use crate::rollback::{self, Include, ItemState, RollbackPlan, RollbackReport};
use crate::terminal::{Printer, Signals, Verbosity, is_interactive};
pub(super) use target::Agreement;
use target::{RollbackTarget, observe_and_plan};

/// A plan that was shown.
pub(super) struct ShownPlan {
    /// The steps that it would undo.
    pub(super) ready: BTreeSet<u32>,
    /// Held so that sudo, which may have asked for a password, need not ask again for the work.
    _host: Host,
}

pub(super) fn run(args: &RollbackArgs, printer: &mut Printer) -> Result<(), Diagnostic> {
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    if args.apply {
        apply_agreed(args, &Agreement::ToPlan, printer, &signals)
    } else {
        show_plan(args, printer, &signals).map(drop)
    }
}

/// Carries out as much of the plan as was agreed to.
pub(super) fn apply_agreed(
    args: &RollbackArgs,
    agreement: &Agreement,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), Diagnostic> {
    if !args.yes && !is_interactive() {
        return Err(Error::NeedsYes(Unattended::Rollback).into());
    }
    let target = RollbackTarget::open_for_change(&args.to)?;
    // Only for --apply: the plan of a dry run is empty, and showing that answers the question.
    if target.context.execution == Execution::DryRun {
        return Err(Error::DryRunRecord.into());
    }
    apply::run(args, &target, agreement, printer, signals)
}

/// Undoes what can be of a run in an open directory, where somebody has said yes already. By its path, the directory might be
/// another one by now.
pub(super) fn undo_run(
    runs: &RunsDir,
    run: RunId,
    agreement: &Agreement,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), Diagnostic> {
    let to = runs.private_path(&run);
    let args = RollbackArgs { to, apply: true, include: Some(Include::Moderate), yes: true, json: false };
    let target = RollbackTarget::of_run(runs.clone(), run)?;
    apply::run(&args, &target, agreement, printer, signals)
}

/// What could be undone by now of a run in an open directory.
pub(super) fn plan_of_run(
    runs: &RunsDir,
    run: RunId,
    host: &Host,
    printer: &mut Printer,
) -> Result<RollbackPlan, Diagnostic> {
    let target = RollbackTarget::of_run(runs.clone(), run)?;
    Ok(observe_and_plan(&target.context, host, Some(Include::Moderate), &Agreement::ToPlan, printer))
}

/// Writes into the record of a run what was gone when its plan was made, where nothing else is done about that run.
pub(super) fn note_gone(runs: &RunsDir, run: RunId, plan: &RollbackPlan) -> Result<(), Diagnostic> {
    Ok(apply::note_gone(&RollbackTarget::of_run(runs.clone(), run)?, plan)?)
}

/// Shows the plan and changes nothing.
pub(super) fn show_plan(
    args: &RollbackArgs,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<ShownPlan, Diagnostic> {
    let target = RollbackTarget::open(&args.to)?;
    let host = match target.context.execution {
        // It left nothing that anybody would have to look at.
        Execution::DryRun => Host::this_machine(RunLog::discard()),
        Execution::Apply => inspection::host(signals),
    };
    let plan = observe_and_plan(&target.context, &host, args.include, &Agreement::ToPlan, printer);
    inspection::check_uninterrupted(signals, InterruptedAt::NothingChanged)?;
    let warnings: Vec<String> = unseen(std::slice::from_ref(&plan)).into_iter().collect();
    inputs::warn_all(&warnings, printer);
    if printer.is_json() {
        printer.document(&RollbackReport::of_plan(&plan, &warnings));
    } else {
        show_lines(&plan, printer);
    }
    Ok(ShownPlan { ready: steps_ready(&plan), _host: host })
}

fn show_lines(plan: &RollbackPlan, printer: &mut Printer) {
    printer.result(&rollback::rollback_lines(plan, printer.verbosity()));
    let more = if printer.verbosity() >= Verbosity::Verbose {
        ""
    } else {
        "Each item, and how to inspect it: -v   "
    };
    if plan.in_state(ItemState::Ready).next().is_some() {
        printer.data(&format!("{more}Nothing was changed. To undo this: add --apply"));
    } else if !plan.items.is_empty() {
        printer.data(format!("{more}Nothing was changed.").trim_start());
    }
}

/// The numbers of the steps that a plan would undo.
pub(super) fn steps_ready(plan: &RollbackPlan) -> BTreeSet<u32> {
    plan.in_state(ItemState::Ready).map(|item| item.step).collect()
}

/// Plans that were made without root may say of much that it cannot be told. Root itself would not help: it refuses the
/// record of another user.
pub(super) fn unseen(plans: &[RollbackPlan]) -> Option<String> {
    let manual = plans.iter().flat_map(|plan| plan.in_state(ItemState::Manual));
    let unseen = manual.filter(|item| item.reason.needs_root()).count();
    let items = if unseen == 1 { "item is" } else { "items are" };
    (unseen > 0).then(|| {
        format!("{unseen} {items} visible to root only; for a complete plan run `sudo -v` first, then the same command")
    })
}
