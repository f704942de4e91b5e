//! One attempt on one document.

use std::time::Duration;

use privacy::Gate;
use schema::EventId;

use super::verdict::{self, Verdict};
use super::wire::Wire;
use crate::error::TelemetryError;
use crate::outbox::{Entry, Failure, LedgerLine, Outcome, Refusal, Rejected, Store, Unloaded, now};
use crate::request::Outgoing;
use crate::settings::{Endpoint, Settings};

/// What an attempt came to.
#[derive(Debug)]
pub(super) enum Attempted {
    /// Delivered and removed.
    Delivered,
    /// Set aside.
    Refused,
    /// The entry is gone, or belongs to a user who lets nobody read it: there is nothing to send.
    Nothing,
    /// It waits for another attempt, and how long the endpoint asked to wait, if it did.
    Failed(Box<Entry>, Failure, Option<Duration>),
}

/// What attempts are made with.
#[derive(Debug)]
pub(super) struct Tools<'a> {
    pub(super) settings: &'a Settings,
    pub(super) endpoint: &'a Endpoint,
    pub(super) gate: &'a Gate,
    pub(super) store: &'a Store,
    pub(super) wire: Wire,
}

impl Tools<'_> {
    /// Reads the entry, and sets it aside if it is unfit.
    pub(super) fn load(&self, id: EventId) -> Result<Result<Entry, Attempted>, TelemetryError> {
        match self.store.load(id) {
            Ok(entry) => Ok(Ok(entry)),
            Err(Unloaded::Gone | Unloaded::Unreadable) => Ok(Err(Attempted::Nothing)),
            Err(Unloaded::Unfit(refusal, content)) => {
                self.store.set_aside(&Rejected {
                    event_id: id,
                    event_name: None,
                    refused_at: now(),
                    attempts: 0,
                    refusal,
                    entry: content,
                })?;
                Ok(Err(Attempted::Refused))
            }
        }
    }

    /// Vets, counts, stamps, vets again, and sends exactly the bytes that were vetted.
    ///
    /// The count is on disk before the request goes out, so that a crash never hides an attempt.
    pub(super) fn attempt(&self, mut entry: Entry, remaining: Duration) -> Result<Attempted, TelemetryError> {
        let id = entry.document.event_id();
        let Some(stored) = self.store.stored(id) else { return Ok(Attempted::Nothing) };
        let stamped = self.gate.vet(&entry.document).and_then(|_| {
            entry.count_attempt(now());
            self.gate.vet(&entry.document)
        });
        let vetted = match stamped {
            Ok(vetted) => vetted,
            Err(rejection) => return self.refuse(&entry, Refusal::from(&rejection)),
        };
        self.store.update(&entry, stored)?;
        let outgoing = Outgoing::new(self.settings, self.endpoint, vetted);
        let (verdict, pause) = match self.wire.send(&outgoing, remaining) {
            Ok(reply) => (verdict::of_status(reply.status), reply.retry_after),
            Err(failure) => (Verdict::Retry(failure), None),
        };
        let line =
            |outcome| LedgerLine::attempt(outcome, &entry.document, entry.attempts, outgoing.body(), now());
        match verdict {
            Verdict::Delivered(status) => {
                self.store.remove(id)?;
                self.store.record(&line(Outcome::Delivered).answered(status))?;
                Ok(Attempted::Delivered)
            }
            Verdict::Refused(status) => self.refuse(&entry, Refusal::by_endpoint(status)),
            Verdict::Retry(failure) => {
                self.store.record(&line(Outcome::Failed).failed(failure))?;
                entry.last_failure = Some(failure);
                Ok(Attempted::Failed(Box::new(entry), failure, pause))
            }
        }
    }

    fn refuse(&self, entry: &Entry, refusal: Refusal) -> Result<Attempted, TelemetryError> {
        self.store.set_aside(&Rejected {
            event_id: entry.document.event_id(),
            event_name: Some(entry.document.event_name().to_owned()),
            refused_at: now(),
            attempts: entry.attempts,
            refusal,
            entry: serde_json::to_string(entry).ok(),
        })?;
        Ok(Attempted::Refused)
    }
}
