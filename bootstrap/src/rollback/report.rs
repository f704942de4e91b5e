//! What the operator gets to see of a rollback: as text, or as one JSON document.

use serde::Serialize;

use super::executor::{UndoResult, UndoResults};
use super::item::{ItemState, Reason, RollbackItem, RollbackPlan};
use crate::component::RollbackClass;
use crate::terminal::Printer;

/// The JSON document of a rollback. For the operator of this host: it holds paths and names, but no secret.
#[derive(Debug, Serialize)]
pub struct RollbackReport<'a> {
    #[serde(flatten)]
    plan: &'a RollbackPlan,
    applied: bool,
    results: Vec<Entry>,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    warnings: &'a [String],
}

/// What became of one item.
#[derive(Debug, Serialize)]
struct Entry {
    step: u32,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
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
        let entry = |(step, result): (&u32, &UndoResult)| Entry {
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
            Self::Failed { .. } => "failed",
            Self::Left(_) => "left",
        }
    }

    /// Why it did not come to what was planned.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Undone | Self::Gone => None,
            Self::Manual(leftover) => Some(leftover.to_string()),
            Self::Failed { message, tail } => {
                let tail = tail.iter().map(|line| format!("  | {line}"));
                Some(std::iter::once(message.clone()).chain(tail).collect::<Vec<_>>().join("\n"))
            }
            Self::Left(untried) => Some(untried.to_string()),
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
            items.for_each(|item| show_item(item, &item.reason.to_string(), printer));
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

fn show_item(item: &RollbackItem, reason: &str, printer: &mut Printer) {
    printer.data(&format!("  {:>3}  {:<21}  {}", item.step, item.component.as_str(), item.class.as_str()));
    printer.wrapped("       ", &item.change);
    let label = match (item.state, &item.reason) {
        (ItemState::Manual, _) => "       not done: ",
        (_, Reason::NeededBy(_)) => "       kept: ",
        _ => "       safe: ",
    };
    printer.wrapped(label, reason);
    if let Some(data) = item.deletes.as_ref().filter(|_| item.state != ItemState::Manual) {
        printer.wrapped("       DELETES: ", data);
    }
    if item.state != ItemState::Manual {
        show_remains(item, printer);
    }
    if item.state == ItemState::Manual || item.class == RollbackClass::Moderate {
        printer.wrapped("       look at: ", &item.look);
    }
}

/// What stays when the item is undone. A command is not wrapped: it is to be pasted.
fn show_remains(item: &RollbackItem, printer: &mut Printer) {
    for remainder in item.remains {
        printer.wrapped("       stays: ", remainder.what);
        printer.data(&format!("         {}", remainder.command));
    }
}

/// Prints what became of the plan, with everything that is left to the operator.
pub fn show_results(plan: &RollbackPlan, results: &UndoResults, printer: &mut Printer) {
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
        let failed = results.get(&item.step).and_then(UndoResult::reason);
        let reason = failed.unwrap_or_else(|| item.reason.to_string());
        show_item(&RollbackItem { state: ItemState::Manual, ..item.clone() }, &reason, printer);
    }
    let undone = |item: &&RollbackItem| results.get(&item.step) == Some(&UndoResult::Undone);
    for item in plan.items.iter().filter(undone).filter(|item| !item.remains.is_empty()) {
        printer.data("");
        printer.heading(&format!("What {} leaves behind, and what removes it", item.component));
        show_remains(item, printer);
    }
    let out = plan.in_state(ItemState::LeftOut).count();
    if out > 0 {
        printer.data("");
        printer.wrapped("", &format!("{out} more are undone with --include moderate."));
    }
}
