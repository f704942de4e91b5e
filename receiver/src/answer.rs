//! The answers: the status, the body, and the word under which each is counted.
//!
//! The contract states how a sender reacts to a status; the table here is the receiver's half of it. A value of the
//! document is in none of them.

use privacy::Rejection;
use serde_json::{Value, json};

/// Why a document is not accepted now, although the same bytes may be accepted later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// The queue is full.
    QueueFull,
    /// More requests are in progress than are allowed, or their bodies need more memory.
    InFlight,
    /// The disk has less room than its reserve.
    DiskReserve,
    /// The service is about to end.
    Draining,
    /// The store failed.
    Store,
    /// The document is of a newer contract than this build knows.
    NewerContract,
}

/// The answer to a request that carries a document.
#[derive(Debug)]
pub(crate) enum IngestAnswer {
    /// It is stored now.
    Accepted,
    /// It was stored before.
    Duplicate,
    /// It is on this machine's disk, and will be stored when the store is reachable again.
    Queued,
    /// The header that marks senders is missing, occurs twice, or is empty, too long or not ASCII.
    Unmarked,
    /// No document can be read.
    Malformed(Rejection),
    /// Tokens are configured, and none matches.
    Unauthorized,
    /// The body did not arrive in time, or broke off.
    Stalled,
    /// The body is larger than any document.
    TooLarge,
    /// The body is not said to be JSON.
    NotJson,
    /// The contract refuses it.
    Refused(Rejection),
    /// It is another kind of document.
    NotAnEvent,
    /// Not now.
    Unavailable(Unavailable),
}

impl IngestAnswer {
    /// The rule that a document of another kind breaks: it lacks what the schema of telemetry requires.
    pub(crate) const NOT_AN_EVENT: &str = "schema.required";

    /// The words under which answers are counted.
    pub(crate) const WORDS: [&str; 16] = [
        "accepted",
        "duplicate",
        "queued",
        "unmarked",
        "malformed",
        "unauthorized",
        "stalled",
        "too_large",
        "media_type",
        "refused",
        "queue_full",
        "in_flight",
        "disk_reserve",
        "draining",
        "store",
        "newer_contract",
    ];

    /// The word under which the answer is counted, one of [`Self::WORDS`].
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Queued => "queued",
            Self::Unmarked => "unmarked",
            Self::Malformed(_) => "malformed",
            Self::Unauthorized => "unauthorized",
            Self::Stalled => "stalled",
            Self::TooLarge => "too_large",
            Self::NotJson => "media_type",
            Self::Refused(_) | Self::NotAnEvent => "refused",
            Self::Unavailable(Unavailable::QueueFull) => "queue_full",
            Self::Unavailable(Unavailable::InFlight) => "in_flight",
            Self::Unavailable(Unavailable::DiskReserve) => "disk_reserve",
            Self::Unavailable(Unavailable::Draining) => "draining",
            Self::Unavailable(Unavailable::Store) => "store",
            Self::Unavailable(Unavailable::NewerContract) => "newer_contract",
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Accepted | Self::Duplicate | Self::Queued => 202,
            Self::Unmarked | Self::Malformed(_) => 400,
            Self::Unauthorized => 401,
            Self::Stalled => 408,
            Self::TooLarge => 413,
            Self::NotJson => 415,
            Self::Refused(_) | Self::NotAnEvent => 422,
            Self::Unavailable(_) => 503,
        }
    }

    /// The body: what was done, or what is wrong with the request and where. Never a value.
    pub(crate) fn body(&self) -> Value {
        match self {
            Self::Accepted | Self::Duplicate | Self::Queued => json!({ "status": self.word() }),
            Self::Malformed(rejection) | Self::Refused(rejection) => json!(rejection),
            Self::NotAnEvent => {
                let rule = Self::NOT_AN_EVENT;
                let violation = json!({ "rule": rule, "pointer": "", "words": "not a telemetry document" });
                json!({ "violations": [violation] })
            }
            Self::Unmarked => {
                json!({ "error": "the marker header must occur once, with 1 to 64 visible ASCII characters" })
            }
            Self::Unauthorized => json!({ "error": "the bearer token is missing or unknown" }),
            Self::Stalled => json!({ "error": "the body did not arrive completely before the timeout" }),
            Self::TooLarge => json!({ "error": "the body is larger than a document may be" }),
            Self::NotJson => json!({ "error": "the body must be application/json" }),
            Self::Unavailable(_) => json!({ "error": "not now, try again", "reason": self.word() }),
        }
    }

    /// Whether the rest of the request may still arrive, so that the connection cannot be used again.
    pub(crate) fn ends_the_connection(&self) -> bool {
        matches!(self, Self::Stalled | Self::TooLarge)
    }
}
