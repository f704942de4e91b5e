//! One document that waits, as it is on disk.

use schema::limits::MAX_DOCUMENT_BYTES;
use schema::{EventId, TelemetryDocument, UtcSeconds};
use serde::{Deserialize, Serialize};

use super::Refusal;

/// Largest file that can be an entry: a document and what we note beside it.
pub(crate) const MAX_ENTRY_BYTES: u64 = MAX_DOCUMENT_BYTES as u64 + 4096;

/// Version of the file's form. Files of another version are set aside, because what they mean is not known.
const VERSION: u32 = 1;

/// How the last attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Kind of the failure.
    pub class: FailureClass,
    /// HTTP status, where there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// Kind of a failure that another attempt may mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The name of the endpoint could not be resolved.
    Dns,
    /// No connection could be made.
    Connect,
    /// The certificate was not trusted, or TLS failed otherwise.
    Tls,
    /// The proxy did not let the request through.
    Proxy,
    /// The time of the attempt was over.
    Timeout,
    /// The connection broke.
    Connection,
    /// The endpoint answered, with a status that asks for another attempt.
    Status,
}

impl FailureClass {
    /// What happened, as a fragment of a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Dns => "the name of the endpoint could not be resolved",
            Self::Connect => "no connection could be made",
            Self::Tls => "the TLS certificate or handshake was not accepted",
            Self::Proxy => "the proxy did not let the request through",
            Self::Timeout => "there was no answer in time",
            Self::Connection => "the connection broke",
            Self::Status => "the endpoint asked to try again later",
        }
    }
}

/// A document that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    version: u32,
    /// The document as it was last stamped.
    pub(crate) document: TelemetryDocument,
    /// Attempts that were made, over all rounds.
    pub(crate) attempts: u32,
    /// No attempt is made before this time.
    pub(crate) not_before: Option<UtcSeconds>,
    /// How the last attempt failed.
    pub(crate) last_failure: Option<Failure>,
}

impl Entry {
    pub(crate) fn new(document: TelemetryDocument) -> Self {
        Self { version: VERSION, document, attempts: 0, not_before: None, last_failure: None }
    }

    /// Reads the file of event `id`.
    pub(super) fn read(bytes: &[u8], id: EventId) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let malformed = |_| Refusal::entry("entry.malformed", "the file is not a whole and valid entry");
        let Versioned { version } = serde_json::from_slice(bytes).map_err(malformed)?;
        if version != VERSION {
            return Err(Refusal::entry("entry.version", "the file has a form of another version"));
        }
        let entry: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        if entry.document.event_id() != id {
            return Err(Refusal::entry("entry.name", "the file is not named after its event"));
        }
        Ok(entry)
    }

    /// Notes that the attempt is about to be made.
    pub(crate) fn count_attempt(&mut self, now: UtcSeconds) {
        self.attempts = self.attempts.saturating_add(1);
        self.document.stamp(schema::Attempt::clamped(self.attempts), now);
        self.not_before = None;
    }
}

/// The event whose entry has this file name.
pub(super) fn event_of(name: &str) -> Option<EventId> {
    let stem = name.strip_suffix(".json")?;
    EventId::parse(stem).ok().filter(|id| id.to_string() == stem)
}

/// The file name of an event's entry.
pub(super) fn name_of(id: EventId) -> String {
    format!("{id}.json")
}
