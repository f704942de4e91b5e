//! What the operator gets to see of a rollback: as text, or as one JSON document.

use serde::Serialize;

use super::executor::{UndoResult, UndoResults};
use super::item::{ItemState, Reason, RollbackItem, RollbackPlan};
use crate::component::RollbackClass;
use crate::terminal::{Line, Printer, Tone};

/// A reader goes by it: a field that is added keeps it, anything else gets the next number.
const FORMAT: &str = "rollback/v1";

/// The JSON document of a rollback, described in `docs/reference.md`. For the operator of this host: it holds paths and names, but no secret.
#[derive(Debug, Serialize)]
pub struct RollbackReport<'a> {
    format: &'static str,
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
        Self {
            format: FORMAT,
            plan,
            applied: false,
            results: Vec::new(),
            exit_code: 0,
            error: None,
            warnings,
        }
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
            format: FORMAT,
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

/// One item, with what speaks for it or against it.
pub(super) fn item_lines(item: &RollbackItem, reason: &str) -> Vec<Line> {
    const INDENT: &str = "       ";
    let below = |label: &str, text: &str| Line::new(text).lead(Tone::Plain, format!("{INDENT}{label}"));
    let label = match (item.state, &item.reason) {
        (ItemState::Manual, _) => "not done: ",
        (_, Reason::NeededBy(_)) => "kept: ",
        _ => "because: ",
    };
    let mut lines = vec![
        Line::new(format!("  {:>3}  {:<21}  {}", item.step, item.component.as_str(), item.class.as_str())),
        below("", &item.change),
        below(label, reason),
    ];
    let is_manual = item.state == ItemState::Manual;
    lines.extend(item.deletes.iter().filter(|_| !is_manual).map(|data| below("deletes: ", data)));
    if !is_manual {
        lines.extend(remains_lines(item));
    }
    if is_manual || item.class == RollbackClass::Moderate {
        lines.push(below("inspect: ", &item.inspect).whole());
    }
    lines
}

/// What stays when the item is undone.
fn remains_lines(item: &RollbackItem) -> impl Iterator<Item = Line> {
    item.remains.iter().flat_map(|remainder| {
        [
            Line::new(remainder.what).lead(Tone::Plain, "       remains: "),
            Line::new(remainder.command).lead(Tone::Plain, "         ").whole(),
        ]
    })
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
        printer.heading("Manual steps:");
    }
    for item in left {
        let failed = results.get(&item.step).and_then(UndoResult::reason);
        let reason = failed.unwrap_or_else(|| item.reason.to_string());
        printer.result(&item_lines(&RollbackItem { state: ItemState::Manual, ..item.clone() }, &reason));
    }
    let undone = |item: &&RollbackItem| results.get(&item.step) == Some(&UndoResult::Undone);
    for item in plan.items.iter().filter(undone).filter(|item| !item.remains.is_empty()) {
        printer.data("");
        printer.heading(&format!("What remains of {}, and the commands that remove it", item.component));
        printer.result(&remains_lines(item).collect::<Vec<_>>());
    }
    let out = plan.in_state(ItemState::Excluded).count();
    if out > 0 {
        printer.data("");
        printer.wrapped("", &format!("{out} excluded; --include moderate undoes these too."));
    }
}
