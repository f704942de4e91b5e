//! One attempt on one document.

use std::time::Duration;

use privacy::Gate;
use schema::EventId;

use super::http::HttpTransport;
use super::response::{self, ResponseClass};
use crate::endpoint::Endpoint;
use crate::error::TelemetryError;
use crate::outbox::{
    AttemptFailure, LedgerLine, LedgerOutcome, LoadError, OutboxStore, QueueEntry, RejectedEntry,
    RejectionReason, now,
};
use crate::request::DeliveryRequest;
use crate::settings::DeliverySettings;

/// What an attempt came to.
#[derive(Debug)]
pub(super) enum AttemptOutcome {
    /// Delivered and removed.
    Delivered,
    /// Rejected.
    Rejected,
    /// The entry is gone, or belongs to a user who lets nobody read it: there is nothing to send.
    Skipped,
    /// It waits for another attempt, and how long the endpoint asked to wait, if it did.
    Failed(Box<QueueEntry>, AttemptFailure, Option<Duration>),
}

/// What attempts are made with.
#[derive(Debug)]
pub(super) struct DeliveryContext<'a> {
    pub(super) settings: &'a DeliverySettings,
    pub(super) endpoint: &'a Endpoint,
    pub(super) gate: &'a Gate,
    pub(super) store: &'a OutboxStore,
    pub(super) transport: HttpTransport,
}

impl DeliveryContext<'_> {
    /// Reads the entry, and quarantines it if it is invalid.
    pub(super) fn load(&self, id: EventId) -> Result<Result<QueueEntry, AttemptOutcome>, TelemetryError> {
        match self.store.load(id) {
            Ok(entry) => Ok(Ok(entry)),
            Err(LoadError::Missing | LoadError::Unreadable) => Ok(Err(AttemptOutcome::Skipped)),
            Err(LoadError::Invalid(reason, content)) => {
                self.store.quarantine(&RejectedEntry {
                    event_id: id,
                    event_name: None,
                    refused_at: now(),
                    attempts: 0,
                    reason,
                    entry: content,
                })?;
                Ok(Err(AttemptOutcome::Rejected))
            }
        }
    }

    /// Vets, counts, stamps, vets again, and sends exactly the bytes that were vetted.
    ///
    /// The count is on disk before the request goes out, so that a crash never hides an attempt.
    pub(super) fn attempt(
        &self,
        mut entry: QueueEntry,
        remaining: Duration,
    ) -> Result<AttemptOutcome, TelemetryError> {
        let id = entry.document.event_id();
        let Some(stored) = self.store.stored_at(id) else { return Ok(AttemptOutcome::Skipped) };
        let stamped = self.gate.vet(&entry.document).and_then(|_| {
            entry.count_attempt(now());
            self.gate.vet(&entry.document)
        });
        let vetted = match stamped {
            Ok(vetted) => vetted,
            Err(rejection) => return self.reject(&entry, RejectionReason::from(&rejection)),
        };
        self.store.update(&entry, stored)?;
        let outgoing = DeliveryRequest::new(self.endpoint, &self.settings.headers, vetted);
        let (verdict, pause) = match self.transport.send(&outgoing, remaining) {
            Ok(reply) => (response::classify(reply.status), reply.retry_after),
            Err(failure) => (ResponseClass::Retry(failure), None),
        };
        let line =
            |outcome| LedgerLine::attempt(outcome, &entry.document, entry.attempts, outgoing.body(), now());
        match verdict {
            ResponseClass::Delivered(status) => {
                self.store.remove(id)?;
                self.store.log_outcome(&line(LedgerOutcome::Delivered).answered(status))?;
                Ok(AttemptOutcome::Delivered)
            }
            ResponseClass::Rejected(status) => self.reject(&entry, RejectionReason::by_endpoint(status)),
            ResponseClass::Retry(failure) => {
                self.store.log_outcome(&line(LedgerOutcome::Failed).failed(failure))?;
                entry.last_failure = Some(failure);
                Ok(AttemptOutcome::Failed(Box::new(entry), failure, pause))
            }
        }
    }

    fn reject(&self, entry: &QueueEntry, reason: RejectionReason) -> Result<AttemptOutcome, TelemetryError> {
        self.store.quarantine(&RejectedEntry {
            event_id: entry.document.event_id(),
            event_name: Some(entry.document.event_name().to_owned()),
            refused_at: now(),
            attempts: entry.attempts,
            reason,
            entry: serde_json::to_string(entry).ok(),
        })?;
        Ok(AttemptOutcome::Rejected)
    }
}
