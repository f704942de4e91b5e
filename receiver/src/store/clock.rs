//! The clock by which weeks are closed and data is deleted, and whether it is believed.
//!
//! A clock that is ahead would close weeks that have not ended, and delete documents that are young, both for good. So
//! the store remembers the clock of the last round. One that differs from that by a day at most is believed: such an error
//! closes no week before its end, because they are closed two days after it, and deletes nothing that arrived in the last
//! thirty days. Any other clock is believed when it has gone on for a day, or when the operator says that it is right.
//!
//! What this gives up: a clock that is wrong for a day, while nobody reads the warnings, is believed. A host that was off
//! for a month looks just the same, and the arrivals that could tell them apart have the time of the same clock.

use std::fmt;

use chrono::DateTime;

use crate::week::DAY;

/// Who decides whether the clock is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockTrust {
    /// The rule, by what former rounds have read.
    ByRule,
    /// The operator, who has compared it.
    Given,
}

/// What a clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockReading {
    /// This time, in seconds since 1970.
    Believed(i64),
    /// A time by which nothing may be closed or deleted.
    Doubted(DoubtedClock),
}

/// A clock that is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DoubtedClock {
    /// What it says, in seconds since 1970.
    now: i64,
    /// What it said in the last round that was done.
    last: i64,
}

impl fmt::Display for DoubtedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or_default().format("%F %T UTC");
        let (now, last) = (time(self.now), time(self.last));
        write!(
            f,
            "the clock says {now}, and it said {last} at the last rollup or deletion; neither is done until it has said so for a day"
        )
    }
}

/// What the store remembers of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClockRecord {
    /// The clock at the last round that was done.
    pub(super) believed_at: i64,
    /// The first reading of a clock that is not believed yet.
    pub(super) doubted_since: Option<i64>,
}

impl ClockRecord {
    /// How far a believed clock may be from the last one.
    const TOLERANCE: i64 = DAY;
    /// How long another clock must go on.
    const PROBATION: i64 = DAY;
    /// How long after its first reading it still counts as the same one.
    const MEMORY: i64 = 7 * DAY;

    /// Judges a clock by the record of the last round, and returns what to remember of it.
    pub(super) fn judge(former: Option<Self>, now: i64, trust: ClockTrust) -> (ClockReading, Self) {
        let believed = (ClockReading::Believed(now), Self { believed_at: now, doubted_since: None });
        let Some(former) = former.filter(|_| trust == ClockTrust::ByRule) else { return believed };
        let last = former.believed_at;
        let gone_on = former.doubted_since.map(|since| now - since);
        if (now - last).abs() <= Self::TOLERANCE
            || gone_on.is_some_and(|seconds| (Self::PROBATION..=Self::MEMORY).contains(&seconds))
        {
            return believed;
        }
        let is_same = gone_on.is_some_and(|seconds| (0..Self::PROBATION).contains(&seconds));
        let doubted_since = former.doubted_since.filter(|_| is_same).or(Some(now));
        (ClockReading::Doubted(DoubtedClock { now, last }), Self { believed_at: last, doubted_since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    /// Reads these times one after the other; which were believed.
    fn believed(times: &[i64]) -> Vec<bool> {
        let mut record = None;
        let read = |now: &i64| {
            let (reading, next) = ClockRecord::judge(record, *now, ClockTrust::ByRule);
            record = Some(next);
            reading == ClockReading::Believed(*now)
        };
        times.iter().map(read).collect()
    }

    #[test]
    fn a_clock_that_is_ahead_for_a_while_is_not_believed() {
        let (now, ahead) = (1_000 * DAY, 1_060 * DAY);
        let times = [now, ahead + HOUR, ahead + 20 * HOUR, now + 21 * HOUR, ahead + 26 * HOUR, now + DAY];
        assert_eq!(believed(&times), [true, false, false, true, false, true]);
    }

    #[test]
    fn a_clock_that_starts_at_1970_is_not_believed_and_changes_nothing() {
        let now = 20_000 * DAY;
        assert_eq!(believed(&[now, 60, now + HOUR, 60, now + 60 * DAY]), [true, false, true, false, false]);
    }

    #[test]
    fn a_host_that_was_off_is_believed_after_a_day_and_a_quiet_one_always() {
        let (now, later) = (1_000 * DAY, 1_090 * DAY);
        let times = [now, later, later + HOUR, later + 23 * HOUR, later + DAY, later + DAY + HOUR];
        assert_eq!(believed(&times), [true, false, false, false, true, true]);
        // One that runs for an hour every third day.
        assert_eq!(believed(&[now, now + 3 * DAY, now + 6 * DAY]), [true, false, true]);
        let hourly: Vec<i64> = (0..5_000).map(|hour| now + hour * HOUR).collect();
        assert!(believed(&hourly).iter().all(|believed| *believed));
    }

    #[test]
    fn an_operator_is_believed() {
        let record = ClockRecord { believed_at: 0, doubted_since: None };
        let (reading, next) = ClockRecord::judge(Some(record), 90 * DAY, ClockTrust::Given);
        assert_eq!(reading, ClockReading::Believed(90 * DAY));
        assert_eq!(next, ClockRecord { believed_at: 90 * DAY, doubted_since: None });
    }
}
