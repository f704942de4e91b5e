//! What an answer means for the document.

use crate::outbox::{Failure, FailureClass};

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The document has arrived, with this status.
    Delivered(u16),
    /// Another attempt may succeed.
    Retry(Failure),
    /// No attempt will ever succeed, says this status.
    Refused(u16),
}

/// 2xx is delivered; 408, 425, 429 and 5xx ask for another attempt; everything else, redirects included, is for good.
///
/// 407 never comes from the endpoint (RFC 9110, 15.5.8): a proxy did not let the request through, as when it refuses the
/// tunnel to an https endpoint. The document cannot help it.
pub(super) fn of_status(status: u16) -> Verdict {
    let retry = |class| Verdict::Retry(Failure { class, status: Some(status) });
    match status {
        200..=299 => Verdict::Delivered(status),
        407 => retry(FailureClass::Proxy),
        408 | 425 | 429 | 500..=599 => retry(FailureClass::Status),
        _ => Verdict::Refused(status),
    }
}

/// Whether the endpoint was not even reached, so that other documents would fare alike.
pub(super) fn is_unreachable(failure: Failure) -> bool {
    failure.class != FailureClass::Status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        for status in 100..=999 {
            let expected = match status {
                200..=299 => "delivered",
                407 => "unreachable",
                408 | 425 | 429 | 500..=599 => "retry",
                _ => "refused",
            };
            let found = match of_status(status) {
                Verdict::Delivered(_) => "delivered",
                Verdict::Refused(_) => "refused",
                Verdict::Retry(failure) if is_unreachable(failure) => "unreachable",
                Verdict::Retry(_) => "retry",
            };
            assert_eq!(found, expected, "{status}");
        }
    }
}
