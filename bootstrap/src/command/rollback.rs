//! `bootstrap rollback`: takes back what a run did, from its private context.

mod apply;
mod target;

use schema::Execution;

use super::diagnostic::Diagnostic;
use super::error::{Error, Unattended};
use super::inputs;
use crate::cli::RollbackArgs;
use crate::host::{Host, RunLog};
use crate::rollback::{self, ItemState, RollbackPlan, RollbackReport};
use crate::terminal::{Printer, Signals, Verbosity, is_interactive};
use target::{RollbackTarget, observe_and_plan};

pub(super) fn run(args: &RollbackArgs, printer: &mut Printer) -> Result<(), Diagnostic> {
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    if args.apply && !args.yes && !is_interactive() {
        return Err(Error::NeedsYes(Unattended::Rollback).into());
    }
    if !args.apply {
        plan_only(args, &RollbackTarget::open(&args.to)?, printer);
        return Ok(());
    }
    let target = RollbackTarget::open_for_change(&args.to)?;
    // Only for --apply: the plan of a dry run is empty, and showing that answers the question.
    if target.context.execution == Execution::DryRun {
        return Err(Error::DryRunRecord.into());
    }
    apply::run(args, &target, printer, &signals)
}

fn plan_only(args: &RollbackArgs, target: &RollbackTarget, printer: &mut Printer) {
    let host = Host::this_machine(RunLog::discard());
    let plan = observe_and_plan(&target.context, &host, args.include, printer);
    let warnings: Vec<String> = unseen(&plan).into_iter().collect();
    inputs::warn_all(&warnings, printer);
    if printer.is_json() {
        printer.document(&RollbackReport::of_plan(&plan, &warnings));
    } else {
        printer.result(&rollback::rollback_lines(&plan, printer.verbosity()));
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
}

/// A plan that was made without root may say of much that it cannot be told.
fn unseen(plan: &RollbackPlan) -> Option<String> {
    let unseen = plan.in_state(ItemState::Manual).filter(|item| item.reason.needs_root()).count();
    let items = if unseen == 1 { "item is" } else { "items are" };
    (unseen > 0)
        .then(|| format!("{unseen} {items} visible to root only; run this with sudo for a complete plan"))
}
