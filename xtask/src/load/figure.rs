//! What a measurement found.

use std::fmt;
use std::time::Duration;

use crate::workspace;

/// How many things were done in how long, and how long single ones took.
pub(super) struct Figure {
    count: u64,
    time: Duration,
    /// In microseconds, sorted; none where things were not timed one by one.
    waits: Vec<u64>,
}

impl Figure {
    /// What was found: single times are in microseconds.
    pub(super) fn new(count: u64, time: Duration, mut waits: Vec<u64>) -> Self {
        waits.sort_unstable();
        Self { count, time, waits }
    }

    /// Prints it as what was measured.
    pub(super) fn print(&self, what: &str) {
        workspace::print_line(&format!("{what}: {self}"));
    }

    /// How many were done.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// How long all took, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.time.as_secs_f64()
    }

    /// How many were done per second.
    pub(super) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let count = self.count as f64;
        count / self.seconds()
    }

    /// What so many percent of the single times do not exceed, in milliseconds.
    pub(super) fn percentile(&self, percent: usize) -> Option<f64> {
        let wait = self.waits.get(self.waits.len().checked_sub(1)? * percent / 100)?;
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let milliseconds = *wait as f64 / 1_000.0;
        Some(milliseconds)
    }

    /// Median and 99th percentile as cells of a table.
    pub(super) fn quantiles(&self) -> [String; 2] {
        [50, 99]
            .map(|percent| self.percentile(percent).map_or("-".to_owned(), |wait| format!("{wait:.1} ms")))
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:.1} s, {:.0} per second", self.count, self.seconds(), self.rate())?;
        if self.waits.is_empty() {
            return Ok(());
        }
        let [half, most] = self.quantiles();
        write!(f, "; p50 {half}, p99 {most}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_percentiles_are_of_what_was_measured() {
        let waits = (1..=100).rev().map(|wait| wait * 1_000).collect();
        let figure = Figure::new(100, Duration::from_secs(4), waits);
        assert_eq!(figure.to_string(), "100 in 4.0 s, 25 per second; p50 50.0 ms, p99 99.0 ms");
        let untimed = Figure::new(3, Duration::from_secs(1), Vec::new());
        assert_eq!(untimed.to_string(), "3 in 1.0 s, 3 per second");
        assert_eq!(untimed.quantiles(), ["-", "-"]);
    }
}
