//! What the operator gets to see of a rollback: as text, or as one JSON document.

use std::collections::BTreeMap;

use serde::Serialize;

use super::item::{Class, Item, Plan, State};
use super::work::Fate;
use crate::terminal::Printer;

/// What became of the items of a plan, by step; empty where nothing was carried out.
pub type Fates = BTreeMap<u32, Fate>;

/// The JSON document of a rollback. For the operator of this host: it holds paths and names, but no secret.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
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

impl<'a> Report<'a> {
    /// The document of a plan that was not carried out.
    pub fn of_plan(plan: &'a Plan, warnings: &'a [String]) -> Self {
        Self { plan, applied: false, results: Vec::new(), exit_code: 0, error: None, warnings }
    }

    /// The document of a plan that was carried out.
    pub fn of_work(
        plan: &'a Plan,
        fates: &'a Fates,
        exit_code: u8,
        error: Option<&'a str>,
        warnings: &'a [String],
    ) -> Self {
        let entry = |(step, fate): (&u32, &'a Fate)| Entry {
            step: *step,
            result: fate.word(),
            reason: fate.reason(),
        };
        Self {
            plan,
            applied: true,
            results: fates.iter().rev().map(entry).collect(),
            exit_code,
            error,
            warnings,
        }
    }
}

impl Fate {
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
pub fn show(plan: &Plan, printer: &mut Printer) {
    printer.heading(&format!("Rollback of run {}, mode {}", plan.run_id, plan.mode));
    if plan.items.is_empty() {
        printer.wrapped("", "The run changed nothing that could be undone.");
        return;
    }
    let groups = [
        (State::Ready, "To be undone, in this order"),
        (State::LeftOut, "Left out; --include moderate undoes these too"),
        (State::Manual, "Left to you"),
    ];
    for (state, title) in groups {
        let mut items = plan.in_state(state).peekable();
        if items.peek().is_some() {
            printer.data("");
            printer.heading(title);
            items.for_each(|item| show_item(item, printer));
        }
    }
    let rest = [(State::Gone, "as before the run already"), (State::Undone, "undone by an earlier rollback")];
    let rest = rest.map(|(state, text)| (plan.in_state(state).count(), text));
    if rest.iter().any(|(count, _)| *count > 0) {
        printer.data("");
    }
    for (count, text) in rest.into_iter().filter(|(count, _)| *count > 0) {
        printer.wrapped("", &format!("{count} {} {text}.", if count == 1 { "item is" } else { "items are" }));
    }
}

fn show_item(item: &Item, printer: &mut Printer) {
    printer.data(&format!("  {:>3}  {:<21}  {}", item.step, item.component.as_str(), item.class.as_str()));
    printer.wrapped("       ", &item.change);
    if !item.reason.is_empty() {
        let label = if item.state == State::Manual { "       not done: " } else { "       safe: " };
        printer.wrapped(label, &item.reason);
    }
    if item.state == State::Manual || item.class == Class::Moderate {
        printer.wrapped("       look at: ", &item.look);
    }
}

/// Prints what became of the plan, with everything that is left to the operator.
pub fn show_fates(plan: &Plan, fates: &Fates, printer: &mut Printer) {
    let count = |wanted: fn(&Fate) -> bool| fates.values().filter(|fate| wanted(fate)).count();
    let undone = count(|fate| *fate == Fate::Undone);
    printer.heading(&format!("Rollback of run {}: {undone} of {} undone", plan.run_id, fates.len()));
    let left = |item: &&Item| {
        item.state == State::Manual || fates.get(&item.step).is_some_and(|fate| fate.reason().is_some())
    };
    let mut left = plan.items.iter().filter(left).peekable();
    if left.peek().is_some() {
        printer.data("");
        printer.heading("Left to you");
    }
    for item in left {
        let reason = fates.get(&item.step).and_then(Fate::reason).unwrap_or(&item.reason);
        let state = State::Manual;
        show_item(&Item { reason: reason.to_owned(), state, ..item.clone() }, printer);
    }
    let out = plan.in_state(State::LeftOut).count();
    if out > 0 {
        printer.data("");
        printer.wrapped("", &format!("{out} more are undone with --include moderate."));
    }
}
