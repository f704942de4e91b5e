//! Charts as pages. A chart is bars with their numbers, and the same as a table for readers who cannot see bars.

use maud::{Markup, html};

use super::layout::page;
use crate::chart::{CHARTS, ChartTable, ChartWeek, WeeklyCell};

/// Most bars that the overview shows of a chart.
const OVERVIEW_BARS: usize = 6;
/// Weeks of the table below a chart.
const TABLE_WEEKS: usize = 12;
/// Rows of that table, unless a single week has more.
const TABLE_ROWS: usize = 250;

/// The last closed week at a glance.
pub(crate) fn overview(tables: &[ChartTable]) -> String {
    let week = tables.iter().find_map(|table| table.weeks.first());
    let content = html! {
        @match week {
            Some(week) => { p { "The week of " (week.week) ", the last closed week." } (meaning(week)) },
            None => p { "No week is closed yet: a week is shown two days after its Sunday." },
        }
        div.grid {
            @for table in tables {
                section {
                    h2 { a href={ "/charts/" (table.chart.name) } { (table.chart.title) } }
                    p.dim { (table.chart.question) }
                    @if let Some(week) = table.weeks.first() { (bars(table, week, OVERVIEW_BARS)) }
                }
            }
        }
    };
    page("Telemetry at a glance", &content)
}

/// One chart.
pub(crate) fn chart(table: &ChartTable) -> String {
    let name = table.chart.name;
    let content = html! {
        p { (table.chart.question) }
        @if let Some(week) = table.weeks.first() { (meaning(week)) }
        p { "The same as " a href={ "/charts/" (name) ".json" } { "JSON" } " and " a href={ "/charts/" (name) ".csv" } { "CSV" } "." }
        @match table.weeks.first() {
            None => p { "No week is closed yet." },
            Some(week) => {
                h2 { "Week of " (week.week) }
                (bars(table, week, usize::MAX))
                (quantiles(table))
                h2 { "The last weeks" }
                (weeks(table))
            }
        }
        @if let Some(unseen) = table.unseen() {
            h2 { "Not seen for 90 days" }
            p {
                "A word is seen in a week if the group of sessions that use it is large enough to be shown. Smaller groups may
                use a word of this list each week. Before you remove a word, ask its users."
            }
            ul { @for (list, word) in unseen { li { (list) ": " code { (word) } } } }
        }
        nav aria-label="Charts" {
            ul { @for chart in CHARTS { li { a href={ "/charts/" (chart.name) } { (chart.title) } } } }
        }
    };
    page(table.chart.title, &content)
}

/// How the numbers of a week are to be read.
fn meaning(week: &ChartWeek) -> Markup {
    let below = week.suppress_below;
    html! {
        p.dim {
            "Numbers are sessions, rounded down to a multiple of " (below) ". A session counts once in a group, however many runs
            it had, and may be in several groups. Groups of fewer than " (below) " sessions are shown together, or not at all."
        }
    }
}

fn label(cell: &WeeklyCell) -> String {
    let [k1, k2] = cell.names();
    if cell.is_folded() || k2.is_empty() { k1.to_owned() } else { format!("{k1}, {k2}") }
}

/// Bars below their labels, with widths in percent. Label and number are text of the page: they wrap on a telephone, and who
/// hears the page hears them, while the bars say nothing more.
fn bars(table: &ChartTable, week: &ChartWeek, most: usize) -> Markup {
    let mut cells: Vec<&WeeklyCell> = week.cells.iter().collect();
    cells.sort_by_key(|cell| (cell.is_folded(), std::cmp::Reverse(cell.sessions)));
    cells.truncate(most);
    let highest = cells.iter().map(|cell| cell.sessions).max().unwrap_or(1).max(1);
    let name = format!(
        "{}, week of {}: sessions by {} and {}",
        table.chart.title, week.week, table.chart.keys[0], table.chart.keys[1]
    );
    html! {
        @if cells.is_empty() {
            p { "Too few sessions to show any." }
        } @else {
            ul.bars role="list" aria-label=(name) {
                @for cell in cells {
                    li {
                        (label(cell)) ": " (cell.sessions)
                        svg aria-hidden="true" height="12" {
                            rect height="12" width={ (percent(cell.sessions, highest)) "%" } {}
                        }
                    }
                }
            }
        }
    }
}

fn percent(part: u32, whole: u32) -> u64 {
    (u64::from(part) * 100).div_ceil(u64::from(whole)).max(1)
}

fn quantiles(table: &ChartTable) -> Markup {
    let quantiles = table.quantiles();
    html! {
        @if !quantiles.is_empty() {
            h2 { "Half of the sessions, and nine of ten" }
            p.dim { "A session with runs of several durations counts once in each of their ranges." }
            ul {
                @for (mode, half, most) in quantiles {
                    li { (mode) ": half end within " (half) ", nine of ten within " (most) }
                }
            }
        }
    }
}

/// The newest weeks, as many as a reader can look through; the other forms have all.
fn weeks(table: &ChartTable) -> Markup {
    let mut rows = 0;
    let fits = |week: &&ChartWeek| {
        rows += week.cells.len();
        rows <= TABLE_ROWS
    };
    let shown = table.weeks.iter().take(TABLE_WEEKS).take_while(fits).count().max(1);
    html! {
        @if shown < table.weeks.len() { p.dim { "JSON and CSV have all weeks." } }
        div.scroll tabindex="0" role="region" aria-label="Table of the last weeks" {
            table {
                caption { (table.chart.title) ", by week" }
                thead {
                    tr {
                        th scope="col" { (table.chart.keys[0]) }
                        th scope="col" { (table.chart.keys[1]) }
                        th.n scope="col" { "sessions" }
                    }
                }
                @for week in &table.weeks[..shown.min(table.weeks.len())] {
                    tbody {
                        tr { th.week colspan="3" scope="rowgroup" { "Week of " (week.week) ": multiples of " (week.suppress_below) } }
                        @for cell in &week.cells {
                            tr {
                                @for name in cell.names() { td { (name) } }
                                td.n { (cell.sessions) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::chart_named;
    use crate::week::Week;

    /// A word is in the list too if nine sessions use it every week.
    #[test]
    fn the_list_of_unseen_words_says_that_small_groups_may_use_them() {
        let week =
            |number| ChartWeek { week: Week::from_number(number), suppress_below: 10, cells: Vec::new() };
        let page = |weeks| {
            let weeks = (0..weeks).rev().map(week).collect();
            chart(&ChartTable { chart: chart_named("words").expect("a chart"), weeks })
        };
        let told = page(13);
        assert!(told.contains("<code>agent</code>") && told.contains("Smaller groups may"), "{told}");
        assert!(!page(12).contains("Smaller groups may"), "too few weeks for a list");
    }
}
