//! What a single session changes of what is published: a week is closed with all its sessions, and without each of them in
//! turn. An attacker who knows every other session of the week learns no more of the last one than this.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::arrival::PackedId;
use crate::chart::{CHARTS, ChartSpec, ChartTable, ChartWeek, Tally, WeeklyCell, of_document, of_run};
use crate::run_row::{RunRow, StoredDocument};
use crate::store::Store;
use crate::week::Week;

/// Every number of the JSON of a chart, by its cell and its name. Outside of cells, the cell is empty.
type Numbers = BTreeMap<(String, String), u64>;

/// The cell of what was folded.
const FOLDED: &str = "(small groups), (small groups)";

/// A week as it is read for its charts.
pub(super) struct WeekInMemory {
    week: Week,
    runs: Vec<(RunRow, Option<Value>)>,
    documents: Vec<StoredDocument>,
}

impl WeekInMemory {
    pub(super) fn read(store: &mut dyn Store, week: Week) -> Self {
        let (mut runs, mut documents) = (Vec::new(), Vec::new());
        let each_run = store.each_run(week, &mut |run, manifest| {
            runs.push((run.clone(), manifest.and_then(|text| serde_json::from_str(text).ok())));
        });
        each_run.expect("read");
        store.each_document(week, &mut |document| documents.push(document.clone())).expect("read");
        Self { week, runs, documents }
    }

    /// Its sessions, those with the most runs first, and how many those are.
    pub(super) fn sessions(&self) -> Vec<(usize, PackedId)> {
        let mut runs: HashMap<PackedId, usize> = HashMap::new();
        for (run, _) in &self.runs {
            *runs.entry(run.session_id).or_default() += 1;
        }
        let mut sessions: Vec<_> = runs.into_iter().map(|(session, runs)| (runs, session)).collect();
        sessions.sort_unstable_by_key(|session| std::cmp::Reverse(*session));
        sessions
    }

    /// What is published of the week, chart by chart, if this session had not been there.
    pub(super) fn published_without(
        &self,
        left_out: Option<PackedId>,
        below: u32,
    ) -> BTreeMap<&'static str, Numbers> {
        let mut tally = Tally::default();
        for (run, manifest) in self.runs.iter().filter(|(run, _)| Some(run.session_id) != left_out) {
            of_run(run, manifest.as_ref(), &mut tally);
        }
        for document in self.documents.iter().filter(|document| Some(document.session_id) != left_out) {
            of_document(document, &mut tally);
        }
        let mut cells: BTreeMap<&str, Vec<WeeklyCell>> = BTreeMap::new();
        for (chart, cell) in tally.shown(below) {
            cells.entry(chart).or_default().push(cell);
        }
        let of_chart = |chart: &'static ChartSpec| {
            let cells = cells.remove(chart.name).unwrap_or_default();
            let table = ChartTable {
                chart,
                weeks: vec![ChartWeek { week: self.week, suppress_below: below, cells }],
            };
            let mut found = Numbers::new();
            numbers(&table.json(), "", "", &mut found);
            (chart.name, found)
        };
        CHARTS.iter().map(of_chart).collect()
    }
}

/// Finds every number, so that a new one is looked at as well.
fn numbers(value: &Value, cell: &str, name: &str, found: &mut Numbers) {
    match value {
        Value::Number(number) => {
            found.insert((cell.to_owned(), name.to_owned()), number.as_u64().expect("a count"));
        }
        Value::Object(members) => {
            let word = |name: &str| members[name].as_str().unwrap_or_default();
            let of_cell = members.contains_key("folded").then(|| format!("{}, {}", word("k1"), word("k2")));
            let cell = of_cell.as_deref().unwrap_or(cell);
            members.iter().for_each(|(name, value)| numbers(value, cell, name, found));
        }
        Value::Array(items) => items.iter().for_each(|item| numbers(item, cell, name, found)),
        _ => {}
    }
}

/// What differs by more than one session may account for: the threshold, which is the step of all numbers. A cell that is
/// shown in one of the two only had the threshold exactly, or has joined the folded ones.
pub(super) fn excess(all: &Numbers, less: &Numbers, below: u32) -> Vec<String> {
    let step = u64::from(below);
    let number = |numbers: &Numbers, place: &(String, String)| numbers.get(place).copied().unwrap_or(0);
    let places: BTreeSet<&(String, String)> = all.keys().chain(less.keys()).collect();
    let is_in_one = |place: &(String, String)| all.contains_key(place) != less.contains_key(place);
    let is_too_much = |place: &(String, String)| {
        let (one, other) = (number(all, place), number(less, place));
        let (difference, folded) = (one.abs_diff(other), (FOLDED.to_owned(), place.1.clone()));
        if place.0 == FOLDED {
            let joined = places.iter().filter(|other| other.1 == place.1 && is_in_one(other));
            let joined: u64 = joined.map(|other| number(all, other).max(number(less, other)) + step).sum();
            difference > step + joined
        } else if is_in_one(place) {
            let folded = if one == 0 { number(all, &folded) } else { number(less, &folded) };
            difference > step && difference > folded + step
        } else {
            difference > step
        }
    };
    let tell = |place: &&(String, String)| {
        format!("{} {}: {} and {}", place.0, place.1, number(all, place), number(less, place))
    };
    places.iter().copied().filter(|place| is_too_much(place)).map(|place| tell(&place)).collect()
}

#[test]
fn a_number_that_one_session_moves_is_seen() {
    let numbers = |cells: &[(&str, u64)]| -> Numbers {
        cells.iter().map(|(cell, number)| ((String::from(*cell), "runs".to_owned()), *number)).collect()
    };
    let excess = |all: &[(&str, u64)], less: &[(&str, u64)]| excess(&numbers(all), &numbers(less), 10).len();
    assert_eq!(excess(&[("a", 310), ("b", 20)], &[("a", 10), ("b", 10)]), 1);
    assert_eq!(excess(&[("a", 310)], &[]), 1);
    assert_eq!(excess(&[(FOLDED, 310)], &[(FOLDED, 10)]), 1);
    // The last of ten, the next smallest that joins, and the only small one.
    assert_eq!(excess(&[("a", 10), ("b", 50)], &[("b", 50)]), 0);
    assert_eq!(excess(&[("a", 10), ("b", 50)], &[(FOLDED, 50)]), 0);
    assert_eq!(excess(&[(FOLDED, 50)], &[("b", 50)]), 0);
}
