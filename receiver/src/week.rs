//! Weeks from Monday to Sunday in UTC: the unit of the charts.

use std::fmt;

use chrono::{DateTime, NaiveDate};

/// Seconds of an hour.
pub(crate) const HOUR: i64 = 3_600;
/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// A week, as a number of weeks since the one that has 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Week(i64);

impl Week {
    const SECONDS: i64 = 7 * DAY;
    /// 1970-01-01 was a Thursday.
    const OFFSET: i64 = 3 * DAY;
    /// How long after its end a week is closed, so that runs that began at its end can end.
    const GRACE: i64 = 2 * DAY;

    /// The week of a time in seconds since 1970.
    pub(crate) fn of(seconds: i64) -> Self {
        Self((seconds + Self::OFFSET).div_euclid(Self::SECONDS))
    }

    /// Reads what [`Self::number`] gave.
    pub(crate) fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The number as it is stored.
    pub(crate) fn number(self) -> i64 {
        self.0
    }

    /// Its first second.
    pub(crate) fn start(self) -> i64 {
        self.0 * Self::SECONDS - Self::OFFSET
    }

    /// The first second after it.
    pub(crate) fn end(self) -> i64 {
        self.start() + Self::SECONDS
    }

    /// The week after it.
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Whether nothing more is counted for it at `now`.
    pub(crate) fn is_closed(self, now: i64) -> bool {
        now >= self.end() + Self::GRACE
    }
}

/// The date of its Monday.
impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = DateTime::from_timestamp(self.start(), 0).map_or(NaiveDate::MIN, |time| time.date_naive());
        write!(f, "{date}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday_and_close_after_the_grace() {
        let week = Week::of(1_795_334_402);
        assert_eq!(
            (week.to_string(), week.next().to_string()),
            ("2026-11-16".to_owned(), "2026-11-23".to_owned())
        );
        assert_eq!(
            (Week::of(week.start()), Week::of(week.end() - 1), Week::of(week.end())),
            (week, week, week.next())
        );
        assert!(!week.is_closed(week.end()) && week.is_closed(week.end() + 2 * DAY));
        assert_eq!(Week::of(0).to_string(), "1969-12-29");
    }
}
