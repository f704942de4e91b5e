//! Runs below the runs that started them.
//!
//! The ids are the sender's: parents may never have reported, may form a circle, or a chain that is ten thousand deep. So
//! nothing here recurses: a tree is a list with a depth for each run.

use std::collections::{BTreeMap, BTreeSet};

use crate::arrival::PackedId;
use crate::run_row::{RunRow, StoredDocument};

/// A run of a session, with its events.
#[derive(Debug)]
pub(super) struct TreeRun<'a> {
    pub(super) run_id: PackedId,
    pub(super) parent_run_id: Option<PackedId>,
    pub(super) component: &'a str,
    pub(super) events: Vec<&'a StoredDocument>,
    /// How many runs of this session are above it.
    pub(super) depth: usize,
}

/// The runs in the order in which they are shown: each below its parent. A run whose parent has not reported is at the top,
/// and of a circle, which only a faulty sender makes, the first one is.
pub(super) fn tree(documents: &[StoredDocument]) -> Vec<TreeRun<'_>> {
    let mut runs: BTreeMap<PackedId, TreeRun<'_>> = BTreeMap::new();
    let mut order = Vec::new();
    for document in documents {
        let run = runs.entry(document.run_id).or_insert_with(|| {
            order.push(document.run_id);
            TreeRun {
                run_id: document.run_id,
                parent_run_id: document.parent_run_id,
                component: &document.component,
                events: Vec::new(),
                depth: 0,
            }
        });
        run.events.push(document);
    }
    let mut children: BTreeMap<PackedId, Vec<PackedId>> = BTreeMap::new();
    let mut tops = Vec::new();
    for id in &order {
        match runs[id].parent_run_id.filter(|parent| parent != id && runs.contains_key(parent)) {
            Some(parent) => children.entry(parent).or_default().push(*id),
            None => tops.push(*id),
        }
    }
    let mut shown = Vec::new();
    let mut seen = BTreeSet::new();
    // A run that is below no top is in a circle.
    for start in tops.iter().chain(&order) {
        let mut open = vec![(*start, 0)];
        while let Some((id, depth)) = open.pop() {
            if seen.insert(id) {
                shown.push((id, depth));
                let below = children.get(&id).into_iter().flatten().rev();
                open.extend(below.map(|child| (*child, depth + 1)));
            }
        }
    }
    for run in runs.values_mut() {
        run.events.sort_by_key(|event| (event.occurred_at, rank(&event.event)));
    }
    let placed = shown.into_iter().filter_map(|(id, depth)| Some(TreeRun { depth, ..runs.remove(&id)? }));
    placed.collect()
}

/// The order of events within one second, as the contract defines it.
fn rank(event: &str) -> u8 {
    match event {
        RunRow::MANIFEST_EVENT => 3,
        event if event.ends_with(".completed") => 2,
        event if event.ends_with(".started") => 0,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> PackedId {
        PackedId::from_bytes(&u64::from(number).to_be_bytes()).expect("an id")
    }

    fn document(run: u32, parent: Option<u32>) -> StoredDocument {
        StoredDocument {
            session_id: id(0),
            run_id: id(run),
            parent_run_id: parent.map(id),
            occurred_at: 0,
            received_at: 0,
            sent_at: 0,
            event: String::new(),
            component: String::new(),
            client: String::new(),
            contract: String::new(),
            attempt: 1,
            event_id: [0; 16],
            detail: serde_json::Value::Null,
        }
    }

    #[track_caller]
    fn check(documents: &[(u32, Option<u32>)], expected: &[(u32, usize)]) {
        let documents: Vec<_> = documents.iter().map(|(run, parent)| document(*run, *parent)).collect();
        let found: Vec<_> = tree(&documents).iter().map(|run| (run.run_id, run.depth)).collect();
        let expected: Vec<_> = expected.iter().map(|(run, depth)| (id(*run), *depth)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn runs_hang_below_their_parents_whatever_arrives_first() {
        check(&[(3, Some(2)), (1, None), (2, Some(1)), (4, Some(1))], &[(1, 0), (2, 1), (3, 2), (4, 1)]);
    }

    #[test]
    fn orphans_and_circles_are_shown_once() {
        check(&[(1, Some(9)), (2, Some(2))], &[(1, 0), (2, 0)]);
        check(&[(1, Some(3)), (2, Some(1)), (3, Some(2))], &[(1, 0), (2, 1), (3, 2)]);
    }

    #[test]
    fn within_a_second_a_start_comes_before_an_end() {
        let names = [
            "core.command.completed",
            "bootstrap.completed",
            "core.component.enabled",
            "core.command.started",
        ];
        let documents: Vec<_> = names
            .iter()
            .map(|name| StoredDocument { event: (*name).to_owned(), ..document(1, None) })
            .collect();
        let runs = tree(&documents);
        let order: Vec<&str> = runs[0].events.iter().map(|event| event.event.as_str()).collect();
        let [completed, delivered, enabled, started] = names;
        assert_eq!(order, [started, enabled, completed, delivered]);
    }

    #[test]
    fn a_chain_of_ten_thousand_ends() {
        let documents: Vec<_> = (1..=10_000).map(|run| document(run, (run > 1).then(|| run - 1))).collect();
        let runs = tree(&documents);
        assert_eq!((runs.len(), runs.last().map(|run| run.depth)), (10_000, Some(9_999)));
    }
}
