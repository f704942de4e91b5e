//! The plan of a rollback as text: by default one line a component, so that a plan fits a screen; with `-v` each item.

use schema::Component;

use super::item::{ItemState, Reason, RollbackItem, RollbackPlan};
use super::report::item_lines;
use crate::terminal::{Line, Tone, Verbosity};

/// What is named of a component is cut behind so many characters: `-v` shows the whole of it.
const LONGEST: usize = 48;

/// What becomes of the components of one kind, and the sign and words for it.
struct Part {
    kind: Kind,
    sign: char,
    tone: Tone,
    title: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Undone,
    Excluded,
    Needed,
    Manual,
}

const PARTS: [Part; 4] = [
    Part { kind: Kind::Undone, sign: '-', tone: Tone::Bad, title: "To undo, in this order:" },
    Part {
        kind: Kind::Excluded,
        sign: 'x',
        tone: Tone::Plain,
        title: "Excluded; --include moderate undoes these too:",
    },
    Part { kind: Kind::Needed, sign: '=', tone: Tone::Plain, title: "Kept, because others depend on it:" },
    Part { kind: Kind::Manual, sign: '!', tone: Tone::Caution, title: "Manual steps:" },
];

/// The plan as lines.
pub fn rollback_lines(plan: &RollbackPlan, verbosity: Verbosity) -> Vec<Line> {
    let mut lines = vec![Line::heading(format!("Rollback of run {}: {}", plan.run_id, plan.mode))];
    if plan.items.is_empty() {
        lines.push(Line::new("The run changed nothing that could be undone."));
        return lines;
    }
    let width = plan.items.iter().map(|item| item.component.as_str().len()).max().unwrap_or_default();
    for part in &PARTS {
        let groups = groups(plan, part.kind);
        if groups.is_empty() {
            continue;
        }
        lines.extend([Line::blank(), Line::heading(part.title)]);
        for (component, items) in groups {
            if verbosity >= Verbosity::Verbose {
                lines.extend(items.iter().flat_map(|item| item_lines(item, &item.reason.to_string())));
            } else {
                lines.extend(part.group(component, &items, width));
            }
        }
    }
    lines.extend([Line::blank(), Line::new(counts(plan))]);
    lines
}

fn kind(item: &RollbackItem) -> Option<Kind> {
    match (item.state, &item.reason) {
        (ItemState::Ready, _) => Some(Kind::Undone),
        (_, Reason::NeededBy(_)) => Some(Kind::Needed),
        (ItemState::Excluded, _) => Some(Kind::Excluded),
        (ItemState::Manual, _) => Some(Kind::Manual),
        (ItemState::Gone | ItemState::Undone, _) => None,
    }
}

/// The items of one kind by component, in the order of the plan.
fn groups(plan: &RollbackPlan, of: Kind) -> Vec<(Component, Vec<&RollbackItem>)> {
    let mut groups: Vec<(Component, Vec<&RollbackItem>)> = Vec::new();
    for item in plan.items.iter().filter(|item| kind(item) == Some(of)) {
        match groups.iter_mut().find(|(component, _)| *component == item.component) {
            Some((_, items)) => items.push(item),
            None => groups.push((item.component, vec![item])),
        }
    }
    groups
}

impl Part {
    fn group(&self, component: Component, items: &[&RollbackItem], width: usize) -> Vec<Line> {
        let text = match self.kind {
            Kind::Undone | Kind::Excluded => listed(items.iter().map(|item| cut(&item.change))),
            // Why it stays says it for all of its items.
            Kind::Needed => listed(items.iter().take(1).map(|item| item.reason.to_string())),
            // Whole, because it says what to do by hand.
            Kind::Manual => listed(items.iter().map(|item| item.reason.to_string())),
        };
        let name = format!("{:<width$}  ", component.as_str());
        let first = Line::new(text).lead(self.tone, format!("  {} ", self.sign)).lead(Tone::Plain, name);
        let below = |label: &str, text: &str| {
            Line::new(text).lead(Tone::Plain, " ".repeat(width + 6)).lead(Tone::Bad, label.to_owned())
        };
        let deletes =
            items.iter().filter(|_| self.kind != Kind::Manual).filter_map(|item| item.deletes.as_deref());
        std::iter::once(first).chain(deletes.map(|data| below("deletes: ", data))).collect()
    }
}

/// The first one, and how many others there are. Those that say the same count once.
fn listed<T: AsRef<str>>(all: impl IntoIterator<Item = T>) -> String {
    let mut named: Vec<T> = Vec::new();
    for text in all {
        if named.iter().all(|known| known.as_ref() != text.as_ref()) {
            named.push(text);
        }
    }
    let first = named.first().map(|text| text.as_ref().to_owned()).unwrap_or_default();
    match named.len().saturating_sub(1) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// As much of `text` as fits, up to a whole word.
fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
    // Of a single long path a part would say nothing.
    let Some(end) = text[..end].rfind(' ').filter(|at| *at > LONGEST / 2) else { return text.to_owned() };
    format!("{} ...", text[..end].trim_end_matches([',', ';']))
}

fn counts(plan: &RollbackPlan) -> String {
    let of = |wanted| plan.items.iter().filter(|item| kind(item) == Some(wanted)).count();
    let counts = [
        (of(Kind::Undone), "to undo"),
        (of(Kind::Excluded), "excluded"),
        (of(Kind::Needed), "kept"),
        (of(Kind::Manual), "manual"),
        (plan.in_state(ItemState::Gone).count(), "as before the run"),
        (plan.in_state(ItemState::Undone).count(), "undone by an earlier rollback"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    format!("{}.", told.collect::<Vec<_>>().join(", "))
}
