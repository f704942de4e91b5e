//! What the world sees of a chart: page, JSON and CSV, read back as a reader would.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::recount::RawCells;
use crate::chart::ChartTable;
use crate::page;

/// A cell as it is published: week, both dimensions, and sessions.
pub(super) type PublishedCell = (String, String, String, u64);

/// How folded cells are called.
const FOLDED: &str = "(small groups)";

/// The cells of a chart, which all three forms tell alike.
#[track_caller]
pub(super) fn cells_of(table: &ChartTable) -> Vec<PublishedCell> {
    let name = table.chart.name;
    let told = of_json(&table.json());
    assert_eq!(of_csv(&table.csv()), told, "{name}: CSV");
    // The page has the newest weeks alone.
    let page = of_page(&page::chart(table));
    assert!(told.starts_with(&page) && page.is_empty() == told.is_empty(), "{name}: page");
    told
}

fn of_json(told: &Value) -> Vec<PublishedCell> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let number = |value: &Value| value.as_u64().expect("a number");
    let mut cells = Vec::new();
    for week in told["weeks"].as_array().expect("weeks") {
        for cell in week["cells"].as_array().expect("cells") {
            let sessions = number(&cell["sessions"]);
            cells.push((text(&week["week"]), text(&cell["k1"]), text(&cell["k2"]), sessions));
        }
    }
    cells
}

fn of_csv(text: &str) -> Vec<PublishedCell> {
    let cell = |line: &str| {
        let [week, k1, k2, sessions] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line:?}");
        };
        for field in [week, k1, k2] {
            // What a spreadsheet would take for a formula, or for more than one field.
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" ._-+()".contains(&byte);
            assert!(field.bytes().all(is_plain) && !field.starts_with(['=', '+', '-', '@']), "{line:?}");
        }
        (week.to_owned(), k1.to_owned(), k2.to_owned(), sessions.parse().expect("a number"))
    };
    text.split_terminator("\r\n").skip(1).map(cell).collect()
}

fn of_page(page: &str) -> Vec<PublishedCell> {
    let (mut cells, mut week) = (Vec::new(), "");
    for row in page.split("<tr>").skip(2) {
        let ends = row.split('>').filter_map(|part| part.split_once("</t"));
        let fields: Vec<&str> = ends.map(|(text, _)| text).filter(|text| !text.is_empty()).collect();
        if let Some(told) = fields.first().and_then(|field| field.strip_prefix("Week of ")) {
            week = told.split(':').next().expect("a week");
        } else if let [k1, k2, sessions, ..] = fields[..] {
            let sessions = sessions.parse().expect("a number");
            cells.push((week.to_owned(), k1.to_owned(), k2.to_owned(), sessions));
        }
    }
    cells
}

/// Compares what is published of a week with what was recounted: exact but for rounding, and silent about small groups.
#[track_caller]
pub(super) fn compare(chart: &str, told: &[PublishedCell], counted: &RawCells, below: u32) {
    let rounded = |count: usize| u64::try_from(count).expect("few") / u64::from(below) * u64::from(below);
    let least = usize::try_from(below).expect("small");
    let mut hidden: BTreeMap<_, _> = counted.iter().collect();
    let mut folded = None;
    for (_, k1, k2, sessions) in told {
        if k1 == FOLDED {
            assert!(folded.replace(*sessions).is_none(), "{chart}: folded once");
            continue;
        }
        let cell = hidden.remove(&(k1.clone(), k2.clone()));
        let cell = cell.unwrap_or_else(|| panic!("{chart}: {k1}, {k2} is not in the documents"));
        assert!(cell.len() >= least, "{chart}: {k1}, {k2} is small and shown");
        assert_eq!(*sessions, rounded(cell.len()), "{chart}: {k1}, {k2}");
    }
    let together = |cells: &[&HashSet<u32>]| cells.iter().copied().flatten().collect::<BTreeSet<_>>().len();
    let mut cells: Vec<&HashSet<u32>> = hidden.into_values().collect();
    cells.sort_by_key(|cell| cell.len());
    let all = together(&cells);
    let expected = (all >= least).then(|| rounded(all));
    assert_eq!(folded, expected, "{chart}: what is folded");
    assert!(expected.is_none() || cells.len() > 1, "{chart}: one group alone would only be renamed");
    // Nothing is hidden in vain: without the largest, the others would be too few.
    if let Some((largest, others)) = cells.split_last()
        && largest.len() >= least
    {
        assert!(together(others) < least, "{chart}: more is folded than must be");
    }
    assert!(
        all >= least || told.is_empty() || cells.is_empty(),
        "{chart}: what is missing is missing with all"
    );
}
