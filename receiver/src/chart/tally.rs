//! Counting: which sessions each cell of each chart has in one week.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::catalogue::CHARTS;
use super::suppression::{CountedCells, WeeklyCell, fold};
use crate::arrival::PackedId;

/// What a session did, over all its runs of the week.
#[derive(Debug, Default)]
struct SessionSummary {
    layers: BTreeSet<String>,
    runs: u32,
    /// For each mode, whether there was a dry run, and whether there was an installation.
    modes: BTreeMap<String, (bool, bool)>,
}

/// The counts of one week. It holds four bytes for each session of each cell: a week of a hundred thousand hosts with
/// seven runs each takes some hundred megabytes while it is closed.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Sessions by number, which take less room in the cells than ids.
    numbers: HashMap<PackedId, u32>,
    summaries: Vec<SessionSummary>,
    charts: BTreeMap<&'static str, CountedCells>,
}

impl Tally {
    /// The number of a session.
    pub(super) fn session(&mut self, id: PackedId) -> u32 {
        let next = u32::try_from(self.summaries.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(id).or_insert(next);
        if number == next {
            self.summaries.push(SessionSummary::default());
        }
        number
    }

    /// Counts a session in a cell, however many of its runs or documents say so.
    pub(super) fn add(
        &mut self,
        chart: &'static str,
        session: u32,
        k1: impl Into<String>,
        k2: impl Into<String>,
    ) {
        self.charts.entry(chart).or_default().entry((k1.into(), k2.into())).or_default().insert(session);
    }

    /// Records a run for the charts about whole sessions.
    pub(super) fn note_run(
        &mut self,
        session: u32,
        layer: &str,
        mode: Option<&str>,
        is_dry_run: Option<bool>,
    ) {
        let Some(summary) = self.summaries.get_mut(session as usize) else { return };
        summary.layers.insert(layer.to_owned());
        summary.runs += 1;
        if let (Some(mode), Some(is_dry_run)) = (mode, is_dry_run) {
            let (tried, applied) = summary.modes.entry(mode.to_owned()).or_default();
            *if is_dry_run { tried } else { applied } = true;
        }
    }

    /// What may be shown, chart by chart.
    pub(crate) fn shown(mut self, suppress_below: u32) -> Vec<(&'static str, WeeklyCell)> {
        self.count_sessions();
        let below = usize::try_from(suppress_below).unwrap_or(usize::MAX);
        let mut shown = Vec::new();
        for chart in CHARTS {
            let cells = self.charts.remove(chart.name).unwrap_or_default();
            shown.extend(fold(cells, below).into_iter().map(|cell| (chart.name, cell)));
        }
        debug_assert!(self.charts.is_empty(), "every chart that is counted is in the catalogue");
        shown
    }

    fn count_sessions(&mut self) {
        for (number, summary) in std::mem::take(&mut self.summaries).into_iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            if summary.runs == 0 {
                continue;
            }
            let layers: Vec<String> = summary.layers.into_iter().collect();
            let runs = match summary.runs {
                1 => "1",
                2 => "2",
                3..=5 => "3 to 5",
                _ => "6 or more",
            };
            self.add("chains", number, layers.join(" + "), runs);
            for (mode, done) in summary.modes {
                let did = match done {
                    (true, true) => "dry run and installation",
                    (true, false) => "dry run only",
                    _ => "installation only",
                };
                self.add("trials", number, mode, did);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::chart_named;
    use super::super::table::{ChartTable, ChartWeek};
    use super::*;
    use crate::week::Week;

    /// One chart shows how many sessions have a word, and another one all of them but one.
    #[test]
    fn what_one_chart_shows_more_than_another_one_is_no_small_group() {
        let mut tally = Tally::default();
        for number in 0..112_u64 {
            let session = tally.session(PackedId::from_bytes(&number.to_be_bytes()).expect("an id"));
            let (mode, result) = match number {
                0 => ("agent", "failed"),
                1..12 => ("agent", "success"),
                12..21 => ("server", "failed"),
                _ => ("server", "success"),
            };
            tally.add("words", session, "Mode", mode);
            tally.add("results", session, mode, result);
        }
        let shown = tally.shown(10);
        let sum = |chart: &str, is_agent: fn(&WeeklyCell) -> bool| -> u32 {
            let cells = shown.iter().filter(|(name, cell)| *name == chart && is_agent(cell));
            cells.map(|(_, cell)| cell.sessions).sum()
        };
        let (all, told) =
            (sum("words", |cell| cell.k2 == "agent"), sum("results", |cell| cell.k1 == "agent"));
        assert!(all >= 10 && told >= 10, "{shown:?}");
        assert!(!(1..10).contains(&all.abs_diff(told)), "{all} agents, {told} of which the result is told");
    }
    /// Half of forty sessions end within ten minutes, and one session with as many runs as it likes within an hour.
    #[test]
    fn one_session_of_many_runs_moves_no_quantile() {
        let quantiles = |many_runs: usize| {
            let mut tally = Tally::default();
            for number in 0..41_u64 {
                let session = tally.session(PackedId::from_bytes(&number.to_be_bytes()).expect("an id"));
                let (range, runs) = match number {
                    0 => ("40 to 60 min", many_runs),
                    1..31 => ("05 to 10 min", 1),
                    _ => ("40 to 60 min", 1),
                };
                for _ in 0..runs {
                    tally.add("durations", session, "server", range);
                }
            }
            let mut cells: Vec<WeeklyCell> = tally.shown(10).into_iter().map(|(_, cell)| cell).collect();
            cells.sort_by(|one, other| one.k2.cmp(&other.k2));
            let week = ChartWeek { week: Week::from_number(0), suppress_below: 10, cells };
            let table = ChartTable { chart: chart_named("durations").expect("a chart"), weeks: vec![week] };
            let told = |(mode, half, most): (&str, &str, &str)| [mode, half, most].map(str::to_owned);
            table.quantiles().into_iter().map(told).collect::<Vec<_>>()
        };
        assert_eq!(quantiles(0), [["server", "05 to 10 min", "40 to 60 min"]]);
        assert_eq!(quantiles(300), quantiles(0));
    }
}
