//! What an answer of the endpoint means, and how long to pause after it.

use std::time::{Duration, SystemTime};

use schema::delivery::{AnswerMeaning, FIRST_BACKOFF, LONGEST_BACKOFF};

use crate::outbox::{AttemptFailure, FailureClass};

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseClass {
    /// The document has arrived, with this status.
    Delivered(u16),
    /// Another attempt may succeed, after a pause.
    Retry(AttemptFailure),
    /// The receiver judged this document, with this status. No other attempt on it will succeed.
    Rejected(u16),
    /// The answer is about the endpoint or our access to it and not about the document.
    Misconfigured(AttemptFailure),
}

/// Classifies a status as the contract states. 407 never comes from the endpoint (RFC 9110, 15.5.8): a proxy did not let the
/// request through.
pub(super) fn classify(status: u16) -> ResponseClass {
    let failure = |class| AttemptFailure { class, status: Some(status) };
    match AnswerMeaning::of(status) {
        AnswerMeaning::Delivered => ResponseClass::Delivered(status),
        AnswerMeaning::Refused => ResponseClass::Rejected(status),
        AnswerMeaning::TryAgain => ResponseClass::Retry(failure(FailureClass::Status)),
        AnswerMeaning::Misconfigured if status == 407 => {
            ResponseClass::Misconfigured(failure(FailureClass::Proxy))
        }
        AnswerMeaning::Misconfigured => ResponseClass::Misconfigured(failure(FailureClass::Misconfigured)),
    }
}

/// A random pause of up to 0.5 s after the first failure, 1 s after the second, and so on (full jitter).
pub(super) fn backoff(failures: u32) -> Duration {
    // Full jitter: a fleet that lost its receiver at one moment must not return at one moment.
    // <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
    longest_backoff(failures).mul_f64(fastrand::f64())
}

fn longest_backoff(failures: u32) -> Duration {
    FIRST_BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_BACKOFF)
}

/// What a `Retry-After` header asks for: seconds, or the time until an HTTP date (RFC 9110, 10.2.3). A date that has
/// passed asks for no pause; anything else is no answer.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds ask for a longer pause than any pass makes.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    // The clock of this machine may be ahead of the receiver's.
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        for status in 100..=999 {
            let expected = match status {
                200..=299 => "delivered",
                400 | 422 => "rejected",
                408 | 425 | 429 | 500..=599 => "retry",
                _ => "misconfigured",
            };
            let found = match classify(status) {
                ResponseClass::Delivered(_) => "delivered",
                ResponseClass::Rejected(_) => "rejected",
                ResponseClass::Retry(_) => "retry",
                ResponseClass::Misconfigured(_) => "misconfigured",
            };
            assert_eq!(found, expected, "{status}");
        }
    }

    #[test]
    fn pauses_are_random_and_their_bound_doubles() {
        assert_eq!(
            [1, 2, 3, 6, 40].map(|failures| longest_backoff(failures).as_millis()),
            [500, 1000, 2000, 16_000, 16_000]
        );
        let pauses: Vec<Duration> = (0..100).map(|_| backoff(2)).collect();
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(1)));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "all pauses are alike");
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = httpdate::parse_http_date("Sun, 22 Nov 2026 07:50:02 GMT").expect("a date");
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 22 Nov 2026 07:50:32 GMT", Some(30)),
            ("Sunday, 22-Nov-26 07:50:32 GMT", Some(30)),
            ("Sun Nov 22 07:50:32 2026", Some(30)),
            ("Sun, 22 Nov 2026 07:00:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value:?}");
        }
    }
}
