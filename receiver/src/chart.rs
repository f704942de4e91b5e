//! Charts: what is counted in a week, which groups are too small to be shown, and the forms of a chart.

mod catalogue;
mod facts;
mod suppression;
mod table;
mod tally;

pub(crate) use catalogue::{CHARTS, ChartSpec, chart_named};
pub(crate) use facts::{of_document, of_run};
pub(crate) use suppression::WeeklyCell;
pub(crate) use table::{ChartTable, ChartWeek};
pub(crate) use tally::Tally;
