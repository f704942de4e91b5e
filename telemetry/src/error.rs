//! What can go wrong here. One type for the crate: a run reports any of it as the same single warning, and the
//! commands distinguish the variants only to choose a hint.

use std::error::Error;
use std::fmt;

use privacy::Rejection;
use privacy::disk::DiskError;
use schema::EventId;
use serde::Serialize;

/// Telemetry could not do something. A run reports it as one warning and continues.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The outbox could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A record has no JSON form, which is a fault of the program.
    #[error("a record of the telemetry outbox has no JSON form")]
    Json(#[source] serde_json::Error),
    /// The HTTP client could not be set up, for example because no trusted certificate could be loaded.
    #[error("could not set up the HTTP client")]
    Client(#[source] Box<dyn Error + Send + Sync>),
    /// No document with this id is queued.
    #[error("no document {0} is queued in the telemetry outbox")]
    NotQueued(EventId),
    /// The gate refused a document.
    #[error("refused by the privacy gate: {0}")]
    Rejected(Rejection),
    /// The document passed the gate, but is not the public manifest of a run.
    #[error("not the public manifest of a run")]
    NotAManifest,
    /// The manifest is of a run that has not ended.
    #[error("the manifest is of a run that has not ended")]
    NotFinished,
    /// There is no endpoint to send to.
    #[error("there is no telemetry endpoint")]
    NoEndpoint,
}

impl From<Rejection> for TelemetryError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// A part of the outbox that no document depends on cannot be used. It is worth a warning and never stops a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxWarning {
    /// `ledger.jsonl` cannot be read or written: outcomes are not recorded.
    Ledger,
    /// `rejected/` cannot be read or written: what may not be sent stays in the queue, and is not sent.
    Rejected,
}

impl OutboxWarning {
    /// What cannot be used and the consequence, as a sentence without capital and full stop.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Ledger => "the ledger of the telemetry outbox cannot be used; outcomes are not recorded",
            Self::Rejected => {
                "the directory of rejected telemetry documents cannot be used; they stay queued"
            }
        }
    }
}

impl fmt::Display for OutboxWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_shown_as_its_message_and_can_be_padded() {
        for warning in [OutboxWarning::Ledger, OutboxWarning::Rejected] {
            assert_eq!(warning.to_string(), warning.message());
            assert!(format!("{warning:>200}").starts_with(' '), "{warning}");
        }
        let told = [OutboxWarning::Ledger, OutboxWarning::Rejected].map(OutboxWarning::message);
        assert!(told[0].contains("ledger") && told[1].contains("rejected"), "{told:?}");
    }
}
