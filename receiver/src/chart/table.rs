//! A chart as it is shown: one value with three forms, page, JSON and CSV.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use schema::VOCABULARIES;
use serde_json::{Value, json};

use super::catalogue::ChartSpec;
use super::suppression::WeeklyCell;
use crate::week::Week;

/// The name of folded cells.
pub(crate) const FOLDED: &str = "(small groups)";

/// A chart over several closed weeks, newest first.
#[derive(Debug)]
pub(crate) struct ChartTable {
    pub(crate) chart: &'static ChartSpec,
    pub(crate) weeks: Vec<ChartWeek>,
}

/// A chart in one closed week.
#[derive(Debug)]
pub(crate) struct ChartWeek {
    pub(crate) week: Week,
    /// The threshold when it was closed. All numbers are multiples of it.
    pub(crate) suppress_below: u32,
    /// There is no total: a session may be in several cells, and a sum would count it several times.
    pub(crate) cells: Vec<WeeklyCell>,
}

impl WeeklyCell {
    /// Whether it stands for cells that were too small.
    pub(crate) fn is_folded(&self) -> bool {
        self.k1.is_empty()
    }

    /// Its two names, as they are shown.
    pub(crate) fn names(&self) -> [&str; 2] {
        if self.is_folded() { [FOLDED, FOLDED] } else { [&self.k1, &self.k2] }
    }
}

impl ChartTable {
    /// Weeks without a word after which it counts as unseen: 90 days.
    const UNSEEN_WEEKS: usize = 13;

    /// The chart as JSON.
    pub(crate) fn json(&self) -> Value {
        let ChartSpec { name, title, keys, .. } = self.chart;
        let cell = |cell: &WeeklyCell| {
            let [k1, k2] = cell.names();
            json!({ "k1": k1, "k2": k2, "folded": cell.is_folded(), "sessions": cell.sessions })
        };
        let week = |week: &ChartWeek| {
            let cells: Vec<Value> = week.cells.iter().map(cell).collect();
            json!({ "week": week.week.to_string(), "suppress_below": week.suppress_below, "cells": cells })
        };
        let weeks: Vec<Value> = self.weeks.iter().map(week).collect();
        let unseen = self.unseen().map(|words| words.into_iter().collect::<Vec<_>>());
        let mut told = json!({ "chart": name, "title": title, "k1": keys[0], "k2": keys[1], "weeks": weeks });
        if let Some(unseen) = unseen {
            told["unseen"] = json!(unseen);
        }
        told
    }

    /// The chart as CSV (RFC 4180). No name holds a comma, a quote or a line break: all are words of the contract or ours.
    pub(crate) fn csv(&self) -> String {
        let mut text = format!("week,{},{},sessions\r\n", self.chart.keys[0], self.chart.keys[1]);
        for week in &self.weeks {
            for cell in &week.cells {
                let [k1, k2] = cell.names();
                // Writing to a String cannot fail.
                let _ = write!(text, "{},{k1},{k2},{}\r\n", week.week, cell.sessions);
            }
        }
        text
    }

    /// Words of the contract that no week of the last 90 days shows; nothing on other charts, or while there are fewer
    /// weeks. A word that fewer than the threshold use in a week is not seen in it.
    pub(crate) fn unseen(&self) -> Option<BTreeSet<(&'static str, &'static str)>> {
        if self.chart.name != "words" || self.weeks.len() < Self::UNSEEN_WEEKS {
            return None;
        }
        let recent = self.weeks.iter().take(Self::UNSEEN_WEEKS).flat_map(|week| &week.cells);
        let seen: BTreeSet<(&str, &str)> = recent.map(|cell| (cell.k1.as_str(), cell.k2.as_str())).collect();
        // A list of one word is in every document.
        let lists = VOCABULARIES.iter().filter(|list| list.words.len() > 1);
        let words = lists.flat_map(|list| list.words.iter().map(|word| (list.name, word.word)));
        Some(words.filter(|word| !seen.contains(word)).collect())
    }

    /// For a chart of durations: the range within which half of what is shown of the newest week ends, and nine of ten, by
    /// mode. Made of the numbers that are shown, in which a session counts once a range: no session has more weight than that.
    pub(crate) fn quantiles(&self) -> Vec<(&str, &str, &str)> {
        let newest = self.weeks.first().filter(|_| self.chart.name == "durations");
        let mut modes: BTreeMap<&str, Vec<&WeeklyCell>> = BTreeMap::new();
        for cell in newest.into_iter().flat_map(|week| &week.cells).filter(|cell| !cell.is_folded()) {
            modes.entry(&cell.k1).or_default().push(cell);
        }
        modes
            .into_iter()
            .filter_map(|(mode, cells)| Some((mode, quantile(&cells, 50)?, quantile(&cells, 90)?)))
            .collect()
    }
}

/// The range that the given percentage does not exceed. The ranges are in the order of their names.
fn quantile<'a>(cells: &[&'a WeeklyCell], percent: u64) -> Option<&'a str> {
    let total: u64 = cells.iter().map(|cell| u64::from(cell.sessions)).sum();
    let mut below = 0;
    cells.iter().find_map(|cell| {
        below += u64::from(cell.sessions);
        (below * 100 >= total * percent).then_some(cell.k2.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::chart_named;
    use super::*;

    fn cell(k1: &str, k2: &str, sessions: u32) -> WeeklyCell {
        WeeklyCell { k1: k1.to_owned(), k2: k2.to_owned(), sessions }
    }

    fn table(name: &str, weeks: usize, cells: &[WeeklyCell]) -> ChartTable {
        let week =
            |number| ChartWeek { week: Week::from_number(number), suppress_below: 10, cells: cells.to_vec() };
        let weeks = (0..i64::try_from(weeks).expect("small")).rev().map(week).collect();
        ChartTable { chart: chart_named(name).expect("a chart"), weeks }
    }

    #[test]
    fn the_forms_tell_the_same() {
        let table = table("results", 1, &[cell("server", "success", 12), cell("", "", 11)]);
        assert_eq!(
            table.csv(),
            "week,mode,result,sessions\r\n1969-12-29,server,success,12\r\n\
             1969-12-29,(small groups),(small groups),11\r\n"
        );
        let json = table.json();
        assert_eq!(
            (&json["weeks"][0]["suppress_below"], &json["weeks"][0]["cells"][1]["folded"]),
            (&10.into(), &true.into())
        );
        assert!(json.get("unseen").is_none());
    }

    #[test]
    fn words_are_unseen_after_ninety_days_only() {
        let seen = [cell("Mode", "server", 12)];
        assert_eq!(table("words", 12, &seen).unseen(), None);
        let unseen = table("words", 13, &seen).unseen().expect("long enough");
        assert!(unseen.contains(&("Mode", "agent")) && !unseen.contains(&("Mode", "server")));
        assert!(!unseen.iter().any(|(list, _)| *list == "SchemaVersion"));
    }

    #[test]
    fn quantiles_are_ranges() {
        let cells = [
            cell("server", "00 to 01 min", 4),
            cell("server", "01 to 02 min", 4),
            cell("server", "05 to 10 min", 2),
        ];
        assert_eq!(table("durations", 1, &cells).quantiles(), [("server", "01 to 02 min", "05 to 10 min")]);
        assert_eq!(table("results", 1, &cells).quantiles(), []);
    }
}
