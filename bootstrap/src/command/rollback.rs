//! `bootstrap rollback`: takes back what a run did, from its private context.

mod apply;
mod record;

use manifest::PrivateContext;
use schema::Execution;

use super::inputs;
use crate::cli;
use crate::exit::{Exit, Failure};
use crate::host::{Host, RunLog};
use crate::rollback::{self, ItemState, RollbackPlan, RollbackReport};
use crate::terminal::{Printer, Prompter, Signals};
use record::Record;

pub(super) fn run(options: &cli::Rollback, printer: &mut Printer) -> Result<Exit, Failure> {
    let signals =
        Signals::install().map_err(|error| Failure::failed(format!("cannot take over signals: {error}")))?;
    if options.apply && !options.yes && Prompter::on_terminal(printer, &signals, false).is_none() {
        return Err(Failure::usage("undoing without a terminal needs --yes")
            .hint("look at the plan without --apply first, then add --yes"));
    }
    let record = Record::open(&options.to)?;
    if !options.apply {
        return Ok(plan_only(options, &record, printer));
    }
    if record.context.execution == Execution::DryRun {
        return Err(Failure::usage(
            "the record is that of a dry run, which changed nothing; there is nothing to undo",
        ));
    }
    apply::run(options, &record, printer, &signals)
}

fn plan_only(options: &cli::Rollback, record: &Record, printer: &mut Printer) -> Exit {
    let host = Host::this_machine(RunLog::discard());
    let plan = planned(options, &record.context, &host, printer);
    let warnings: Vec<String> = unseen(&plan).into_iter().collect();
    inputs::warn_all(&warnings, printer);
    if printer.is_json() {
        printer.document(&RollbackReport::of_plan(&plan, &warnings));
    } else {
        rollback::show(&plan, printer);
        if plan.in_state(ItemState::Ready).next().is_some() {
            printer.data("");
            printer.wrapped("", "Nothing was changed. --apply carries this out.");
        }
    }
    Exit::Done
}

fn planned(
    options: &cli::Rollback,
    context: &PrivateContext,
    host: &Host,
    printer: &mut Printer,
) -> RollbackPlan {
    if context.steps.len() > 10 {
        printer.note("Looking at what the run left on this host ...");
    }
    let live_states = match context.execution {
        Execution::DryRun => rollback::LiveStates::new(),
        Execution::Apply => rollback::observe_all(host, context),
    };
    let include = match options.include {
        Some(cli::Include::Moderate) => rollback::Include::Moderate,
        None => rollback::Include::Safe,
    };
    rollback::plan(context, &live_states, include)
}

/// A plan that was made without root may say of much that it cannot be told.
fn unseen(plan: &RollbackPlan) -> Option<String> {
    let unseen = plan.in_state(ItemState::Manual).filter(|item| item.reason.needs_root()).count();
    (unseen > 0).then(|| format!("{unseen} items can only be seen by root; with sudo the plan tells more"))
}
