//! One attempt on one document.

use std::time::{Duration, SystemTime};

use privacy::Gate;
use schema::EventId;

use super::http::HttpTransport;
use super::response::{self, ResponseClass};
use crate::endpoint::Endpoint;
use crate::error::{OutboxWarning, TelemetryError};
use crate::outbox::{
    AttemptFailure, FailureClass, LedgerLine, LedgerOutcome, LoadError, OutboxStore, QueueEntry,
    RejectedEntry, RejectionReason, Unsendable, now,
};
use crate::request::VettedHeaderValue;

/// The outcome of an attempt.
#[derive(Debug)]
pub(super) enum AttemptOutcome {
    /// Delivered and removed.
    Delivered,
    /// Rejected by us, without a request.
    RejectedByUs,
    /// Rejected by the endpoint.
    RejectedByEndpoint,
    /// The entry was removed, belongs to a user who lets no other user read it, or has a marker that may not be sent now:
    /// there is nothing to send.
    Skipped,
    /// It stays queued for another attempt, and how long the endpoint asked to wait, if it did.
    Failed(AttemptFailure, Option<Duration>),
    /// It stays queued, and another document would have the same result.
    Misconfigured(AttemptFailure),
}

/// What an attempt needs.
#[derive(Debug)]
pub(super) struct DeliveryContext<'a> {
    pub(super) endpoint: &'a Endpoint,
    /// See [`DeliverySettings::chosen_marker`](crate::DeliverySettings::chosen_marker).
    pub(super) chosen_marker: Option<&'a VettedHeaderValue>,
    pub(super) gate: &'a Gate,
    pub(super) store: &'a OutboxStore,
    pub(super) transport: HttpTransport,
    /// The first thing besides delivery that failed.
    pub(super) warning: Option<OutboxWarning>,
}

impl DeliveryContext<'_> {
    /// Reads, vets, counts, stamps, vets again, and sends exactly the bytes that were vetted. The count is on disk before the
    /// request is sent, so that a crash never hides an attempt.
    pub(super) fn attempt(
        &mut self,
        id: EventId,
        remaining: Duration,
    ) -> Result<AttemptOutcome, TelemetryError> {
        // Read before the entry: one that takes its place from now on has not been judged.
        let stored = self.store.stored_at(id);
        let mut entry = match self.store.load(id) {
            Ok(entry) => entry,
            Err(LoadError::Missing | LoadError::Unreadable) => return Ok(AttemptOutcome::Skipped),
            Err(LoadError::Invalid(reason, content)) => {
                return Ok(self.reject_file(id, reason, content, stored));
            }
        };
        if let Some(reason) = entry.refusal() {
            // `rejected/` could not be used when the endpoint refused it. It may be usable now.
            let _ = self.quarantine(&RejectedEntry::of(&entry, reason, now()), stored);
            return Ok(AttemptOutcome::RejectedByUs);
        }
        let Some(stored) = stored else { return Ok(AttemptOutcome::Skipped) };
        let request = match entry.next_request(self.endpoint, self.chosen_marker, self.gate, now()) {
            Ok(request) => request,
            Err(Unsendable::Rejected(reason)) => {
                return Ok(self.reject(&RejectedEntry::of(&entry, reason, now()), Some(stored)));
            }
            Err(Unsendable::Held) => return self.hold(entry, stored),
        };
        self.store.update(&entry, stored)?;
        let (class, pause) = match self.transport.send(&request, remaining) {
            Ok(reply) => (response::classify(reply.status), reply.retry_after),
            // A status without an answer of the endpoint is that of a proxy.
            Err(failure) => (failure.status.map_or(ResponseClass::Retry(failure), response::classify), None),
        };
        self.settle(entry, stored, request.body(), (class, pause))
    }

    /// Removes, keeps or rejects the document, as the answer demands.
    fn settle(
        &mut self,
        entry: QueueEntry,
        stored: SystemTime,
        body: &[u8],
        (class, pause): (ResponseClass, Option<Duration>),
    ) -> Result<AttemptOutcome, TelemetryError> {
        let line = |outcome| LedgerLine::attempt(outcome, &entry.document, entry.attempts, body, now());
        match class {
            ResponseClass::Delivered(status) => {
                // Removed before anything else can fail: what has arrived must not be sent again for a line of a ledger.
                self.store.remove(entry.document.event_id())?;
                self.log_outcome(&line(LedgerOutcome::Delivered).answered(status));
                Ok(AttemptOutcome::Delivered)
            }
            ResponseClass::Rejected(status) => {
                let reason = RejectionReason::by_endpoint(status);
                self.log_outcome(&line(LedgerOutcome::Refused).refused(&reason));
                if self.quarantine(&RejectedEntry::of(&entry, reason, now()), Some(stored)).is_err() {
                    // Without this note, every pass would send it again. Where not even that can be written, the next one
                    // does.
                    let failure = AttemptFailure { class: FailureClass::Refused, status: Some(status) };
                    let _ = self.keep(entry, stored, failure);
                }
                Ok(AttemptOutcome::RejectedByEndpoint)
            }
            ResponseClass::Retry(failure) => {
                self.log_outcome(&line(LedgerOutcome::Failed).failed(failure));
                self.keep(entry, stored, failure)?;
                Ok(AttemptOutcome::Failed(failure, pause))
            }
            ResponseClass::Misconfigured(failure) => {
                self.log_outcome(&line(LedgerOutcome::Failed).failed(failure));
                self.keep(entry, stored, failure)?;
                Ok(AttemptOutcome::Misconfigured(failure))
            }
        }
    }

    fn keep(
        &self,
        mut entry: QueueEntry,
        stored: SystemTime,
        failure: AttemptFailure,
    ) -> Result<(), TelemetryError> {
        entry.last_failure = Some(failure);
        // A purge while the request was in flight has deleted the entry, which must not be restored.
        if self.store.stored_at(entry.document.event_id()) == Some(stored) {
            return self.store.update(&entry, stored);
        }
        Ok(())
    }

    /// Leaves the document queued without an attempt, and says why where it has not been said before.
    fn hold(&mut self, entry: QueueEntry, stored: SystemTime) -> Result<AttemptOutcome, TelemetryError> {
        let failure = AttemptFailure { class: FailureClass::Marker, status: None };
        if entry.last_failure != Some(failure) {
            self.log_outcome(&LedgerLine::held(&entry.document, failure, now()));
            self.keep(entry, stored, failure)?;
        }
        Ok(AttemptOutcome::Skipped)
    }

    /// Rejects what may not be sent.
    fn reject(&mut self, rejected: &RejectedEntry, stored: Option<SystemTime>) -> AttemptOutcome {
        self.log_outcome(&LedgerLine::rejected(rejected));
        // The next pass rejects it again, where it stays in the queue.
        let _ = self.quarantine(rejected, stored);
        AttemptOutcome::RejectedByUs
    }

    /// Rejects a file that is no entry.
    fn reject_file(
        &mut self,
        id: EventId,
        reason: RejectionReason,
        content: Option<String>,
        stored: Option<SystemTime>,
    ) -> AttemptOutcome {
        let rejected = RejectedEntry {
            event_id: id,
            event_name: None,
            refused_at: now(),
            attempts: 0,
            reason,
            entry: content,
        };
        self.reject(&rejected, stored)
    }

    /// Moves it out of the queue. An error says that it is still there, and is remembered as the warning of the pass.
    fn quarantine(
        &mut self,
        rejected: &RejectedEntry,
        stored: Option<SystemTime>,
    ) -> Result<(), OutboxWarning> {
        let evicted = self.store.quarantine(rejected, stored).inspect_err(|warning| {
            self.warning.get_or_insert(*warning);
        })?;
        if evicted > 0 {
            self.log_outcome(&LedgerLine::evicted(rejected.refused_at, evicted));
        }
        Ok(())
    }

    pub(super) fn log_outcome(&mut self, line: &LedgerLine) {
        let warning = self.store.log_outcome(line);
        self.warning = self.warning.or(warning);
    }
}
