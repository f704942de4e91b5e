//! What the files of the outbox hold: a queued document, or one that may not be sent, with the reason.
//!
//! Files are read as strictly as documents from outside: unknown fields, another version and a name that differs from
//! the event are rejected. The operator, a backup or an older program can edit the directory between two processes.

use std::borrow::Cow;

use privacy::{Gate, Rejection};
use schema::limits::MAX_DOCUMENT_BYTES;
use schema::{EventId, TelemetryDocument, UtcSeconds};
use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::request::{DeliveryRequest, VettedHeaderValue, VettedHeaders};

/// Largest file that can be an entry: a document and what is stored beside it.
pub(crate) const MAX_ENTRY_BYTES: u64 = MAX_DOCUMENT_BYTES as u64 + 4096;

/// Version of the file's form. Files of another version are rejected, because what they mean is not known. Version 1 had
/// no headers.
const VERSION: u32 = 2;

const REFUSED: &str = "the endpoint refused the document permanently";

/// How the last attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttemptFailure {
    /// Kind of the failure.
    pub class: FailureClass,
    /// HTTP status, where there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// Kind of a failure that another attempt may fix.
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
    /// The attempt timed out.
    Timeout,
    /// The connection broke.
    Connection,
    /// The endpoint answered, with a status that asks for another attempt.
    Status,
    /// The endpoint answered, with a status that is about itself or our access to it and not about the document.
    Misconfigured,
    /// No attempt is made: the marker of the request contains a name of this machine as it is called now.
    Marker,
    /// The endpoint refused the document. It is still queued only because `rejected/` cannot be used, and is not sent.
    Refused,
}

impl FailureClass {
    /// What happened, as a fragment of a sentence.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Dns => "the name of the endpoint could not be resolved",
            Self::Connect => "no connection could be made",
            Self::Tls => "the TLS certificate or handshake was not accepted",
            Self::Proxy => "the proxy did not let the request through",
            Self::Timeout => "there was no answer in time",
            Self::Connection => "the connection broke",
            Self::Status => "the endpoint asked to try again later",
            Self::Misconfigured => {
                "the endpoint does not accept telemetry at this address or with this access"
            }
            Self::Marker => {
                "its marker contains a name of this machine; a flush with another TELEMETRY_MARKER sends it"
            }
            Self::Refused => REFUSED,
        }
    }
}

/// Header values as text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredHeaders {
    marker: String,
    user_agent: String,
}

impl From<&VettedHeaders> for StoredHeaders {
    fn from(headers: &VettedHeaders) -> Self {
        let text = |value: &VettedHeaderValue| value.as_str().to_owned();
        Self { marker: text(&headers.marker), user_agent: text(&headers.user_agent) }
    }
}

/// Why an entry is not sent.
#[derive(Debug)]
pub(crate) enum Unsendable {
    /// The document may never be sent.
    Rejected(RejectionReason),
    /// Its marker contains a name of this machine as it is called now. It stays queued: the network that gave the machine
    /// this name may be left again, or the operator sets another marker.
    Held,
}

impl From<Rejection> for Unsendable {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(RejectionReason::from(&rejection))
    }
}

/// A queued document.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueEntry {
    version: u32,
    /// The document as it was last stamped.
    pub(crate) document: TelemetryDocument,
    /// The headers of its request.
    headers: StoredHeaders,
    /// Attempts that were made, over all passes.
    pub(crate) attempts: u32,
    /// How the last attempt failed.
    pub(crate) last_failure: Option<AttemptFailure>,
}

impl QueueEntry {
    pub(crate) fn new(document: TelemetryDocument, headers: &VettedHeaders) -> Self {
        Self { version: VERSION, document, headers: headers.into(), attempts: 0, last_failure: None }
    }

    /// The request of the next attempt, which is counted and stamped in the entry.
    ///
    /// Everything is vetted again: the file may have been edited, and this machine may have got another name since. The
    /// document is vetted twice because an attempt must not be counted for a document that is never sent. If its marker may
    /// not be sent, it takes the one that the operator has `chosen` and keeps it.
    pub(crate) fn next_request(
        &mut self,
        endpoint: &Endpoint,
        chosen: Option<&VettedHeaderValue>,
        gate: &Gate,
        now: UtcSeconds,
    ) -> Result<DeliveryRequest, Unsendable> {
        gate.vet(&self.document)?;
        let StoredHeaders { marker, user_agent } = &self.headers;
        let headers = VettedHeaders::parse(marker, user_agent, chosen, gate).map_err(|_| Unsendable::Held)?;
        headers.marker.as_str().clone_into(&mut self.headers.marker);
        self.count_attempt(now);
        Ok(DeliveryRequest::new(endpoint, &headers, gate.vet(&self.document)?))
    }

    /// Reads the file of event `id`.
    pub(super) fn read(bytes: &[u8], id: EventId) -> Result<Self, RejectionReason> {
        #[derive(Deserialize)]
        struct EntryVersion {
            version: u32,
        }
        // The version is read alone first: another version may differ in every other field.
        let malformed =
            |_| RejectionReason::entry("entry.malformed", "the file is not a whole and valid entry");
        let EntryVersion { version } = serde_json::from_slice(bytes).map_err(malformed)?;
        if version != VERSION {
            return Err(RejectionReason::entry("entry.version", "the file has a form of another version"));
        }
        let entry: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        if entry.document.event_id() != id {
            return Err(RejectionReason::entry("entry.name", "the file is not named after its event"));
        }
        Ok(entry)
    }

    /// Why the endpoint refused it, if it did.
    pub(crate) fn refusal(&self) -> Option<RejectionReason> {
        let failure = self.last_failure.filter(|failure| failure.class == FailureClass::Refused)?;
        failure.status.map(RejectionReason::by_endpoint)
    }

    /// Notes that the attempt is about to be made.
    fn count_attempt(&mut self, now: UtcSeconds) {
        // The file may have been edited to the highest count.
        self.attempts = self.attempts.saturating_add(1);
        self.document.stamp(schema::Attempt::clamped(self.attempts), now);
    }
}

/// The event whose entry has this file name.
pub(super) fn event_of(name: &str) -> Option<EventId> {
    let stem = name.strip_suffix(".json")?;
    // Only the canonical form counts: two spellings of one id would be two files of one event.
    EventId::parse(stem).ok().filter(|id| id.to_string() == stem)
}

/// The file name of an event's entry.
pub(super) fn name_of(id: EventId) -> String {
    format!("{id}.json")
}

/// Largest file of ours: a rejected entry is quoted in its file, and a quoted character can take six.
pub(super) const MAX_FILE_BYTES: u64 = 8 * MAX_ENTRY_BYTES;

/// Why a document may not be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectionReason {
    /// Rule of the gate, `entry.<what>` for a file that is no entry, or `http.<status>` for a permanent refusal.
    pub rule: Cow<'static, str>,
    /// Masked JSON pointer of the place; empty where there is none.
    pub pointer: String,
    /// What the rule says.
    #[serde(rename = "words")]
    pub message: Cow<'static, str>,
    /// HTTP status of a permanent refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl RejectionReason {
    pub(crate) fn entry(rule: &'static str, message: &'static str) -> Self {
        Self { rule: rule.into(), pointer: String::new(), message: message.into(), status: None }
    }

    pub(crate) fn by_endpoint(status: u16) -> Self {
        Self {
            rule: format!("http.{status}").into(),
            pointer: String::new(),
            message: REFUSED.into(),
            status: Some(status),
        }
    }
}

impl From<&Rejection> for RejectionReason {
    /// The first violation: the others are seen once it is fixed.
    fn from(rejection: &Rejection) -> Self {
        // A rejection has at least one violation. Only one is kept, so that the file stays small.
        let first = &rejection.violations()[0];
        Self {
            rule: first.rule().to_owned().into(),
            pointer: first.pointer().to_owned(),
            message: first.message().into(),
            status: None,
        }
    }
}

/// A file in `rejected/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectedEntry {
    /// The event, by its file name.
    pub event_id: EventId,
    /// Name of the event, where the document could be read.
    pub event_name: Option<String>,
    /// When it was rejected.
    pub refused_at: UtcSeconds,
    /// Attempts that were made.
    pub attempts: u32,
    /// Why.
    #[serde(rename = "refusal")]
    pub reason: RejectionReason,
    /// What the file held, where it could be read.
    pub entry: Option<String>,
}

impl RejectedEntry {
    /// A queued document that may not be sent.
    pub(crate) fn of(entry: &QueueEntry, reason: RejectionReason, refused_at: UtcSeconds) -> Self {
        Self {
            event_id: entry.document.event_id(),
            event_name: Some(entry.document.event_name().to_owned()),
            refused_at,
            attempts: entry.attempts,
            reason,
            entry: serde_json::to_string(entry).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::FailureClass::{
        Connect, Connection, Dns, Marker, Misconfigured, Proxy, Refused, Status, Timeout, Tls,
    };

    #[test]
    fn every_kind_of_failure_is_told_apart() {
        let kinds = [Dns, Connect, Tls, Proxy, Timeout, Connection, Status, Misconfigured, Marker, Refused];
        let told: HashSet<_> = kinds.iter().map(|kind| kind.message()).collect();
        assert!(told.len() == kinds.len() && !told.contains(""), "{told:?}");
    }
}
