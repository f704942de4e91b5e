//! The clock by which weeks are closed and data is deleted, and whether it is believed.
//!
//! A clock that is ahead would close weeks that have not ended, and delete documents that are young, both for good. So
//! the store remembers the clock of the last round. One that differs from that by a day and an hour at most is believed:
//! such an error closes no week before its end, because they are closed two days after it, and deletes nothing that arrived
//! in the last 29 days. One that is further ahead is believed when it has gone on for a day, or when the operator says that
//! it is right.
//!
//! One that is further behind is believed only if the operator says so. Time does not go back, so one of the two is wrong,
//! and a host that starts in 1970 is more frequent than one that was ahead for a day. Were it believed, all arrivals would lie
//! in its future, and be corrected to times that the right clock then finds too old to keep.
//!
//! Only the doubted clock itself can tell how long it has gone on. So the time between two rounds counts as twelve hours at
//! most: a second leap is not taken for a day. A host that is on for an hour every second week is believed the third time.
//!
//! What this gives up: a clock that is wrong for a day, while nobody reads the warnings, is believed. A host that was off
//! for a month looks just the same, and the arrivals that could tell them apart have the time of the same clock.

use std::fmt;

use chrono::DateTime;

use crate::week::{DAY, HOUR};

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
        write!(
            f,
            "the clock says {}, and it said {} at the last rollup or deletion; ",
            time(self.now),
            time(self.last)
        )?;
        f.write_str(if self.now < self.last {
            "neither is done until it is set right"
        } else {
            "neither is done until it has said so for a day"
        })
    }
}

/// How far a believed clock may be from the last one: a round a day is never doubted because it is some seconds late.
pub(super) const TOLERANCE: i64 = DAY + HOUR;

/// What the store remembers of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClockRecord {
    /// The clock at the last round that was done.
    pub(super) believed_at: i64,
    /// The clock that is not believed yet.
    pub(super) doubt: Option<ClockDoubt>,
}

/// Another clock than the believed one, which may be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClockDoubt {
    /// Its last reading.
    pub(super) read_at: i64,
    /// For how many seconds it has gone on, as far as that counts.
    pub(super) gone_on: i64,
}

impl ClockRecord {
    /// How long another clock must go on.
    const PROBATION: i64 = DAY;
    /// How much the time between two rounds counts at most.
    const LONGEST_GAP: i64 = 12 * HOUR;

    /// Judges a clock by the record of the last round, and returns what to remember of it.
    pub(super) fn judge(former: Option<Self>, now: i64, trust: ClockTrust) -> (ClockReading, Self) {
        let believed = (ClockReading::Believed(now), Self { believed_at: now, doubt: None });
        let Some(former) = former.filter(|_| trust == ClockTrust::ByRule) else { return believed };
        let last = former.believed_at;
        // One that went back is another one, and so is one that was behind.
        let gone_on = former
            .doubt
            .filter(|doubt| (last..=now).contains(&doubt.read_at))
            .map_or(0, |doubt| doubt.gone_on + (now - doubt.read_at).min(Self::LONGEST_GAP));
        if (now - last).abs() <= TOLERANCE || gone_on >= Self::PROBATION {
            return believed;
        }
        let doubt = Some(ClockDoubt { read_at: now, gone_on });
        (ClockReading::Doubted(DoubtedClock { now, last }), Self { believed_at: last, doubt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_clock_that_is_behind_is_not_believed_however_long_it_goes_on() {
        let now = 20_000 * DAY;
        let behind = (0..100).map(|hour| 60 + hour * HOUR);
        let times: Vec<i64> = std::iter::once(now).chain(behind).chain([now + 4 * DAY]).collect();
        let mut expected = vec![false; 102];
        expected[0] = true;
        assert_eq!(believed(&times), expected, "and its time is not that of the next one");
        assert_eq!(believed(&[now, 60, 60 + 3 * DAY, now + HOUR]), [true, false, false, true]);
    }

    #[test]
    fn a_host_that_was_off_is_believed_after_a_day_and_a_quiet_one_always() {
        let (now, later) = (1_000 * DAY, 1_090 * DAY);
        let hourly = |from: i64, hours: i64| (0..hours).map(move |hour| from + hour * HOUR);
        let times: Vec<i64> = std::iter::once(now).chain(hourly(later, 26)).collect();
        let read = believed(&times);
        assert_eq!((read[0], read.iter().position(|is_believed| !is_believed)), (true, Some(1)));
        assert!(read[2..25].iter().all(|is_believed| !is_believed) && read[25] && read[26], "{read:?}");
        let quiet: Vec<i64> = hourly(now, 5_000).collect();
        assert!(believed(&quiet).iter().all(|is_believed| *is_believed));
    }

    #[test]
    fn a_round_a_day_is_believed_though_each_is_some_seconds_later() {
        let times: Vec<i64> = (0..100).map(|day| 1_000 * DAY + day * (DAY + 40)).collect();
        assert!(believed(&times).iter().all(|is_believed| *is_believed));
    }

    #[test]
    fn a_host_that_is_rarely_on_is_believed_in_the_end() {
        let first = 1_000 * DAY;
        assert_eq!(
            believed(&[first, first + 14 * DAY, first + 28 * DAY, first + 42 * DAY]),
            [true, false, false, true]
        );
        let monthly: Vec<i64> = (0..10).map(|month| first + month * 31 * DAY).collect();
        assert_eq!(believed(&monthly).iter().filter(|is_believed| **is_believed).count(), 4);
    }

    #[test]
    fn a_clock_that_leaps_twice_is_not_believed_for_the_time_that_it_made_up() {
        let (now, ahead) = (1_000 * DAY, 1_060 * DAY);
        let twice = ahead + DAY + 12 * HOUR;
        assert_eq!(
            believed(&[now, ahead, twice, twice + HOUR, now + 3 * HOUR]),
            [true, false, false, false, true]
        );
        // Forward, back and forward again.
        assert_eq!(
            believed(&[now, ahead + 12 * HOUR, ahead, ahead + 12 * HOUR, ahead + 13 * HOUR]),
            [true, false, false, false, false]
        );
    }

    #[test]
    fn an_operator_is_believed() {
        let record = ClockRecord { believed_at: 0, doubt: None };
        let (reading, next) = ClockRecord::judge(Some(record), 90 * DAY, ClockTrust::Given);
        assert_eq!(reading, ClockReading::Believed(90 * DAY));
        assert_eq!(next, ClockRecord { believed_at: 90 * DAY, doubt: None });
    }
}
