//! One line for each outcome, in a file that is cut before it grows too long.
//!
//! Lines are appended and never rewritten one by one: a crash can tear only the last line, which is then skipped. A
//! database would survive that better, but an operator can read this with `tail`.

use privacy::disk::{DiskError, PrivateDir};
use schema::{EventId, TelemetryDocument, UtcSeconds};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::entry::{AttemptFailure, FailureClass, RejectedEntry, RejectionReason};

pub(super) const LEDGER: &str = "ledger.jsonl";

/// Largest ledger in bytes: about 700 lines. When it is full, the older half is removed.
const MAX_LEDGER_BYTES: u64 = 256 * 1024;

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerOutcome {
    /// The endpoint accepted the document.
    Delivered,
    /// The attempt failed, or none could be made; the document stays queued for another one.
    Failed,
    /// The document may not be sent and was rejected.
    Refused,
    /// Documents were evicted to keep the bounds.
    Evicted,
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// When it was written.
    pub time: UtcSeconds,
    /// How it ended.
    pub outcome: LedgerOutcome,
    /// How many documents the line is about.
    pub documents: usize,
    /// The event, where the line is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// Name of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_name: Option<String>,
    /// Number of the attempt, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// HTTP status, where there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Kind of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureClass>,
    /// The rule that refused the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// SHA-256 in hexadecimal: of the body that was sent, or, where nothing was sent, of the entry that was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl LedgerLine {
    pub(crate) fn evicted(time: UtcSeconds, documents: usize) -> Self {
        Self {
            time,
            outcome: LedgerOutcome::Evicted,
            documents,
            event_id: None,
            event_name: None,
            attempt: None,
            status: None,
            failure: None,
            rule: None,
            sha256: None,
        }
    }

    /// An attempt with this body was answered with this status, or was not.
    pub(crate) fn attempt(
        outcome: LedgerOutcome,
        document: &TelemetryDocument,
        number: u32,
        body: &[u8],
        time: UtcSeconds,
    ) -> Self {
        Self {
            outcome,
            event_id: Some(document.event_id()),
            event_name: Some(document.event_name().to_owned()),
            attempt: Some(number),
            sha256: Some(format!("{:x}", Sha256::digest(body))),
            ..Self::evicted(time, 1)
        }
    }

    /// A document that stays queued without an attempt.
    pub(crate) fn held(document: &TelemetryDocument, failure: AttemptFailure, time: UtcSeconds) -> Self {
        Self {
            outcome: LedgerOutcome::Failed,
            event_id: Some(document.event_id()),
            event_name: Some(document.event_name().to_owned()),
            ..Self::evicted(time, 1)
        }
        .failed(failure)
    }

    /// A document that was rejected here and not sent.
    pub(crate) fn rejected(rejected: &RejectedEntry) -> Self {
        Self {
            outcome: LedgerOutcome::Refused,
            event_id: Some(rejected.event_id),
            event_name: rejected.event_name.clone(),
            attempt: Some(rejected.attempts).filter(|attempts| *attempts > 0),
            rule: Some(rejected.reason.rule.to_string()),
            sha256: rejected.entry.as_ref().map(|entry| format!("{:x}", Sha256::digest(entry))),
            ..Self::evicted(rejected.refused_at, 1)
        }
    }

    pub(crate) fn answered(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    pub(crate) fn refused(self, reason: &RejectionReason) -> Self {
        Self { status: reason.status, rule: Some(reason.rule.to_string()), ..self }
    }

    pub(crate) fn failed(self, failure: AttemptFailure) -> Self {
        Self { status: failure.status, failure: Some(failure.class), ..self }
    }
}

/// Appends a line. When the ledger is full, its older half is dropped first: cutting one line each time would rewrite
/// the whole file for every outcome.
pub(super) fn append(directory: &PrivateDir, line: &str) -> Result<(), DiskError> {
    match directory.append_line_unsynced(LEDGER, line, MAX_LEDGER_BYTES) {
        Err(DiskError::TooLarge { .. }) => {
            directory.write_atomic_unsynced(LEDGER, &newer_half(directory)?)?;
            directory.append_line_unsynced(LEDGER, line, MAX_LEDGER_BYTES)
        }
        done => done,
    }
}

fn newer_half(directory: &PrivateDir) -> Result<Vec<u8>, DiskError> {
    match directory.read_bounded(LEDGER, MAX_LEDGER_BYTES) {
        Ok(bytes) => {
            // Half of it, so that the file is rewritten once in some 350 lines.
            let half = &bytes[bytes.len() / 2..];
            let whole_lines = half.iter().position(|byte| *byte == b'\n').map_or(half.len(), |at| at + 1);
            Ok(half[whole_lines..].to_vec())
        }
        // We never let it grow beyond the limit, so that such a file is not a ledger.
        Err(DiskError::TooLarge { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The lines, oldest first. A line that was torn by a crash is left out.
pub(super) fn lines(directory: &PrivateDir) -> Result<Vec<LedgerLine>, DiskError> {
    match directory.read_bounded(LEDGER, MAX_LEDGER_BYTES) {
        Ok(bytes) => Ok(bytes
            .split(|byte| *byte == b'\n')
            // Torn by a crash, or from another version: the other lines are still useful.
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()),
        Err(DiskError::Missing { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

pub(super) fn remove(directory: &PrivateDir) -> Result<(), DiskError> {
    directory.remove(LEDGER)
}
