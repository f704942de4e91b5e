//! What the operator gets to see of a rollback: as text, or as one JSON document.

use std::collections::BTreeMap;

use serde::Serialize;

use super::executor::UndoResult;
use super::item::{ItemState, RollbackItem, RollbackPlan};
use crate::component::RollbackClass;
use crate::terminal::Printer;

/// What became of the items of a plan, by step; empty where nothing was carried out.
pub type UndoResults = BTreeMap<u32, UndoResult>;

/// The JSON document of a rollback. For the operator of this host: it holds paths and names, but no secret.
#[derive(Debug, Serialize)]
pub struct RollbackReport<'a> {
    #[serde(flatten)]
    plan: &'a RollbackPlan,
    applied: bool,
    results: Vec<Entry<'a>>,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    warnings: &'a [String],
}

/// What became of one item.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    step: u32,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> RollbackReport<'a> {
    /// The document of a plan that was not carried out.
    pub fn of_plan(plan: &'a RollbackPlan, warnings: &'a [String]) -> Self {
        Self { plan, applied: false, results: Vec::new(), exit_code: 0, error: None, warnings }
    }

    /// The document of a plan that was carried out.
    pub fn of_work(
        plan: &'a RollbackPlan,
        results: &'a UndoResults,
        exit_code: u8,
        error: Option<&'a str>,
        warnings: &'a [String],
    ) -> Self {
        let entry = |(step, result): (&u32, &'a UndoResult)| Entry {
            step: *step,
            result: result.word(),
            reason: result.reason(),
        };
        Self {
            plan,
            applied: true,
            results: results.iter().rev().map(entry).collect(),
            exit_code,
            error,
            warnings,
        }
    }
}

impl UndoResult {
    /// The word of the document.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Undone => "undone",
            Self::Gone => "gone",
            Self::Manual(_) => "manual",
            Self::Failed(_) => "failed",
            Self::Left(_) => "left",
        }
    }

    /// Why it did not come to what was planned.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Undone | Self::Gone => None,
            Self::Manual(reason) | Self::Failed(reason) => Some(reason),
            Self::Left(reason) => Some(reason),
        }
    }
}

/// Prints the plan: what is undone, what needs `--include moderate`, what is for the operator, what is gone already.
pub fn show(plan: &RollbackPlan, printer: &mut Printer) {
    printer.heading(&format!("Rollback of run {}, mode {}", plan.run_id, plan.mode));
    if plan.items.is_empty() {
        printer.wrapped("", "The run changed nothing that could be undone.");
        return;
    }
    let groups = [
        (ItemState::Ready, "To be undone, in this order"),
        (ItemState::LeftOut, "Left out; --include moderate undoes these too"),
        (ItemState::Manual, "Left to you"),
    ];
    for (state, title) in groups {
        let mut items = plan.in_state(state).peekable();
        if items.peek().is_some() {
            printer.data("");
            printer.heading(title);
            items.for_each(|item| show_item(item, printer));
        }
    }
    let rest = [
        (ItemState::Gone, "as before the run already"),
        (ItemState::Undone, "undone by an earlier rollback"),
    ];
    let rest = rest.map(|(state, text)| (plan.in_state(state).count(), text));
    if rest.iter().any(|(count, _)| *count > 0) {
        printer.data("");
    }
    for (count, text) in rest.into_iter().filter(|(count, _)| *count > 0) {
        printer.wrapped("", &format!("{count} {} {text}.", if count == 1 { "item is" } else { "items are" }));
    }
}

fn show_item(item: &RollbackItem, printer: &mut Printer) {
    printer.data(&format!("  {:>3}  {:<21}  {}", item.step, item.component.as_str(), item.class.as_str()));
    printer.wrapped("       ", &item.change);
    if !item.reason.is_empty() {
        let label = if item.state == ItemState::Manual { "       not done: " } else { "       safe: " };
        printer.wrapped(label, &item.reason);
    }
    if item.state == ItemState::Manual || item.class == RollbackClass::Moderate {
        printer.wrapped("       look at: ", &item.look);
    }
}

/// Prints what became of the plan, with everything that is left to the operator.
pub fn show_fates(plan: &RollbackPlan, results: &UndoResults, printer: &mut Printer) {
    let count = |wanted: fn(&UndoResult) -> bool| results.values().filter(|result| wanted(result)).count();
    let undone = count(|result| *result == UndoResult::Undone);
    printer.heading(&format!("Rollback of run {}: {undone} of {} undone", plan.run_id, results.len()));
    let left = |item: &&RollbackItem| {
        item.state == ItemState::Manual
            || results.get(&item.step).is_some_and(|result| result.reason().is_some())
    };
    let mut left = plan.items.iter().filter(left).peekable();
    if left.peek().is_some() {
        printer.data("");
        printer.heading("Left to you");
    }
    for item in left {
        let reason = results.get(&item.step).and_then(UndoResult::reason).unwrap_or(&item.reason);
        let state = ItemState::Manual;
        show_item(&RollbackItem { reason: reason.to_owned(), state, ..item.clone() }, printer);
    }
    let out = plan.in_state(ItemState::LeftOut).count();
    if out > 0 {
        printer.data("");
        printer.wrapped("", &format!("{out} more are undone with --include moderate."));
    }
}
