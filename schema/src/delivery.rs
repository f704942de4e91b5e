//! How documents are delivered: the one request, how the sender reacts to each answer, and every number.
//!
//! Here and not in `telemetry`, because all of it is promised to receivers: `openapi.json` and the reference are generated
//! from these values, and the sender uses the same ones, so the documents cannot differ from the program.

use std::time::Duration;

/// Where documents go unless the operator names another endpoint (source: the seed text).
pub const DEFAULT_ENDPOINT: &str = "https://telemetry.productive-k3s.io/telemetry";

/// Media type of the body: one telemetry document.
pub const MEDIA_TYPE: &str = "application/json";

/// The header that tells receivers of which public kind a sender is (source: the seed text).
pub const MARKER_HEADER: &str = "X-Productive-K3S-Telemetry";

/// The header that states the exact version of the contract, so that a receiver can tell a newer document from a broken
/// one before it reads the body.
pub const CONTRACT_HEADER: &str = "X-Productive-K3S-Contract";

/// Most characters of a header value that an operator may choose.
pub const MAX_HEADER_CHARS: usize = 64;

/// A header of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// Its name.
    pub name: &'static str,
    /// Whether every request has it.
    pub always: bool,
    /// A value.
    pub example: &'static str,
    /// What it says.
    pub meaning: &'static str,
}

/// Every header that the sender sets, in the order in which they are sent. HTTP itself adds `Host` and `Content-Length`.
pub const REQUEST_HEADERS: [RequestHeader; 6] = [
    RequestHeader {
        name: "Content-Type",
        always: true,
        example: MEDIA_TYPE,
        meaning: "The body is one telemetry document, never a list of them and never compressed.",
    },
    RequestHeader {
        name: "Accept",
        always: true,
        example: "*/*",
        meaning: "Any type: only the status of the answer counts.",
    },
    RequestHeader {
        name: "User-Agent",
        always: true,
        example: "productive-k3s-core/1.2.3",
        meaning: "Name and version of the program, or product tokens that the operator chose and that passed the gate.",
    },
    RequestHeader {
        name: MARKER_HEADER,
        always: true,
        example: crate::DEFAULT_MARKER,
        meaning: "A public marker of the kind of sender, never a secret: it distinguishes kinds of requests, and proves \
                  nothing.",
    },
    RequestHeader {
        name: CONTRACT_HEADER,
        always: true,
        example: crate::CONTRACT_VERSION,
        meaning: "Exact version of the contract that the document was made under, the same as its \
                  `telemetry_meta.contract_version`.",
    },
    RequestHeader {
        name: "Authorization",
        always: false,
        example: "Bearer <token>",
        meaning: "The token that the operator was given for this endpoint, if any. It is sent only over https or to the \
                  same host.",
    },
];

/// How the sender reacts to an answer. Only the status counts; the body is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerMeaning {
    /// The document has arrived. It is deleted.
    Delivered,
    /// The receiver judged this document. It is never sent again by itself.
    Refused,
    /// Another attempt may succeed after a pause.
    TryAgain,
    /// The answer is about the endpoint or the access to it. Everything stays queued, and nothing more is sent in this
    /// pass.
    Misconfigured,
}

impl AnswerMeaning {
    /// What `status` means.
    ///
    /// Only 400 and 422 are a judgement on a document. Any other failure keeps the queue as it is: one wrong ingress,
    /// which answers 301, 401, 404 or 413 to everything, must not lose the telemetry of a fleet.
    pub const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            400 | 422 => Self::Refused,
            408 | 425 | 429 | 500..=599 => Self::TryAgain,
            _ => Self::Misconfigured,
        }
    }
}

/// A number that an operator may set: its default and its bounds, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The environment variable.
    pub variable: &'static str,
    /// The value where nothing usable is set.
    pub default: u32,
    /// Smallest number allowed.
    pub min: u32,
    /// Largest number allowed.
    pub max: u32,
}

/// Failures in a row that end a pass.
pub const MAX_ATTEMPTS: Setting = Setting { variable: "TELEMETRY_MAX_RETRIES", default: 3, min: 1, max: 10 };

/// Seconds until a connection is established, name lookup and TLS included.
pub const CONNECT_TIMEOUT: Setting =
    Setting { variable: "TELEMETRY_CONNECT_TIMEOUT_SECONDS", default: 5, min: 1, max: 60 };

/// Seconds that one attempt takes as a whole.
pub const REQUEST_TIMEOUT: Setting =
    Setting { variable: "TELEMETRY_REQUEST_TIMEOUT_SECONDS", default: 10, min: 1, max: 120 };

/// Upper bound of the random pause after the first failure; it doubles with each failure in a row.
pub const FIRST_BACKOFF: Duration = Duration::from_millis(500);

/// The largest value of that upper bound.
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(16);

/// Longest time of one pass over the queued documents; no pause is longer, whatever `Retry-After` says.
pub const PASS_DEADLINE: Duration = Duration::from_mins(1);

/// At most this much of the body of an answer is read, only so that the connection can be used again.
pub const MAX_ANSWER_BYTES: u64 = 4096;

/// Most documents that are queued on a host; the oldest are dropped first.
pub const MAX_QUEUED: usize = 256;

/// Most bytes that are queued on a host.
pub const MAX_QUEUED_BYTES: u64 = 8 * 1024 * 1024;

/// Longest time that a document is queued.
pub const MAX_QUEUED_AGE: Duration = Duration::from_hours(30 * 24);

/// Documents of a run besides one for each component that it enables: command and mode, started and completed each, and
/// the manifest.
pub const DOCUMENTS_OF_A_RUN: usize = 5;

/// Documents of a rollback: the command started and completed.
pub const DOCUMENTS_OF_A_ROLLBACK: usize = 2;

/// Most months that a receiver keeps a document: a year can be compared with the one before, and no more is needed.
pub const MAX_RETENTION_MONTHS: u32 = 13;

/// Fewest sessions in a number that is shown to others.
pub const SMALLEST_GROUP: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_answers_lose_a_document() {
        let lose = (100..=999).filter(|status| AnswerMeaning::of(*status) == AnswerMeaning::Refused);
        assert_eq!(lose.collect::<Vec<u16>>(), [400, 422]);
    }
}
