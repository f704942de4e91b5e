//! Questions of the operator: what is queued, what was rejected, what would be sent. Nothing here writes or sends.
//!
//! None of it needs consent or the lock of the outbox: an operator may look before agreeing, and while a delivery
//! is in progress. A document can therefore be delivered between two looks, which is not an error.

use privacy::Gate;
use schema::{
    DocumentKind, Envelope, EventId, RunManifest, Status as RunStatus, TelemetryDocument, UtcSeconds,
};
use serde::Serialize;

use crate::correlation::manifest_document;
use crate::error::{OutboxWarning, TelemetryError};
use crate::outbox::{
    AttemptFailure, EndpointState, FailureClass, LedgerLine, LedgerOutcome, LoadError, OutboxDir,
    OutboxStore, RejectedEntry, RejectionReason, Unsendable, now,
};
use crate::request::DeliveryRequest;
use crate::settings::DeliverySettings;

/// A queued document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueuedDocument {
    /// Id of the event.
    pub event_id: EventId,
    /// Name of the event.
    pub event_name: &'static str,
    /// When the event happened.
    pub occurred_at: UtcSeconds,
    /// Attempts that were made.
    pub attempts: u32,
    /// How the last attempt failed.
    pub last_failure: Option<AttemptFailure>,
}

/// What is in an outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutboxStatus {
    /// Queued documents, oldest first.
    #[serde(rename = "queued")]
    pub waiting: Vec<QueuedDocument>,
    /// Files that are no entries: the next delivery rejects them.
    #[serde(rename = "invalid")]
    pub unfit: usize,
    /// Entries of other users, and entries that cannot be read: they are left alone.
    pub foreign: usize,
    /// Documents that may not be sent, oldest first, each with the rule. What they hold is left out.
    #[serde(rename = "refused")]
    pub rejected: Vec<RejectedEntry>,
    /// Last outcomes, oldest first.
    pub ledger: Vec<LedgerLine>,
    /// Documents that were evicted to keep the bounds, as far back as the ledger reaches.
    pub evicted: usize,
    /// What the endpoint answered last, if that was a failure.
    pub endpoint_state: Option<EndpointState>,
    /// What could not be read.
    pub warnings: Vec<OutboxWarning>,
}

/// The state of the outbox, with at most `last` lines of its ledger. A missing outbox is an empty one.
///
/// # Errors
/// The directory cannot be read. A single file that cannot be read is counted instead.
pub fn status(outbox: &OutboxDir, last: usize) -> Result<OutboxStatus, TelemetryError> {
    let Some(store) = OutboxStore::existing(outbox)? else { return Ok(OutboxStatus::default()) };
    let mut status = OutboxStatus::default();
    for id in store.queued()? {
        match store.load(id) {
            Ok(entry) => status.waiting.push(QueuedDocument {
                event_id: id,
                event_name: entry.document.event_name(),
                occurred_at: entry.document.occurred_at(),
                attempts: entry.attempts,
                last_failure: entry.last_failure,
            }),
            // Delivered since the directory was listed.
            Err(LoadError::Missing) => {}
            Err(LoadError::Invalid(..)) => status.unfit += 1,
            Err(LoadError::Unreadable) => status.foreign += 1,
        }
    }
    status.foreign += store.foreign()?;
    let without_content = |rejected| RejectedEntry { entry: None, ..rejected };
    match store.rejected() {
        Ok(rejected) => status.rejected = rejected.into_iter().map(without_content).collect(),
        Err(_) => status.warnings.push(OutboxWarning::Rejected),
    }
    match store.ledger() {
        Ok(ledger) => status.ledger = ledger,
        Err(_) => status.warnings.push(OutboxWarning::Ledger),
    }
    status.endpoint_state = store.endpoint_state(None);
    let evictions = status.ledger.iter().filter(|line| line.outcome == LedgerOutcome::Evicted);
    // The file may have been edited: its numbers cannot be trusted.
    status.evicted = evictions.fold(0, |sum, line| sum.saturating_add(line.documents));
    status.ledger.drain(..status.ledger.len().saturating_sub(last));
    Ok(status)
}

/// What the next delivery would do with a queued document.
#[derive(Debug)]
pub enum QueuedRequest {
    /// It would send this request.
    Sendable(DeliveryRequest),
    /// It would reject the document of this event, for this reason.
    Refused(EventId, RejectionReason),
    /// It would leave the document of this event queued, for this reason.
    Held(EventId, FailureClass),
}

/// What the next delivery would do with each queued document, oldest first. Entries of other users are left out.
///
/// # Errors
/// The outbox cannot be read, or something is queued and there is no endpoint.
pub fn show_all(
    outbox: &OutboxDir,
    settings: &DeliverySettings,
    gate: &Gate,
) -> Result<Vec<QueuedRequest>, TelemetryError> {
    let Some(store) = OutboxStore::existing(outbox)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for id in store.queued()? {
        found.extend(next_request(&store, settings, gate, id)?);
    }
    Ok(found)
}

/// What the next delivery would do with the document of this event.
///
/// # Errors
/// [`TelemetryError::NotQueued`], and as [`show_all`].
pub fn show(
    outbox: &OutboxDir,
    settings: &DeliverySettings,
    gate: &Gate,
    id: EventId,
) -> Result<QueuedRequest, TelemetryError> {
    let store = OutboxStore::existing(outbox)?.ok_or(TelemetryError::NotQueued(id))?;
    next_request(&store, settings, gate, id)?.ok_or(TelemetryError::NotQueued(id))
}

/// `None` for a document that was delivered meanwhile or that this process may not read.
fn next_request(
    store: &OutboxStore,
    settings: &DeliverySettings,
    gate: &Gate,
    id: EventId,
) -> Result<Option<QueuedRequest>, TelemetryError> {
    let endpoint = settings.endpoint.as_ref().ok_or(TelemetryError::NoEndpoint)?;
    let request = match store.load(id) {
        // The number of the next attempt is part of the document that it would send.
        Ok(mut entry) => match entry.refusal() {
            Some(reason) => Err(Unsendable::Rejected(reason)),
            None => entry.next_request(endpoint, settings.chosen_marker.as_ref(), gate, now()),
        },
        Err(LoadError::Missing | LoadError::Unreadable) => return Ok(None),
        Err(LoadError::Invalid(reason, _)) => Err(Unsendable::Rejected(reason)),
    };
    Ok(Some(match request {
        Ok(request) => QueuedRequest::Sendable(request),
        Err(Unsendable::Rejected(reason)) => QueuedRequest::Refused(id, reason),
        Err(Unsendable::Held) => QueuedRequest::Held(id, FailureClass::Marker),
    }))
}

/// The request that would carry this document of this run. Nothing is stored.
///
/// # Errors
/// [`TelemetryError::NoEndpoint`], or [`TelemetryError::Rejected`] if the gate refuses the document.
pub fn preview(
    settings: &DeliverySettings,
    gate: &Gate,
    document: &TelemetryDocument,
) -> Result<DeliveryRequest, TelemetryError> {
    let endpoint = settings.endpoint.as_ref().ok_or(TelemetryError::NoEndpoint)?;
    Ok(DeliveryRequest::new(endpoint, &settings.headers, gate.vet(document)?))
}

/// The document that delivers the public manifest of an earlier run, given the bytes of its file.
///
/// Under the ids with which the run itself reported it, it is the same document, and a receiver that has it drops it.
///
/// # Errors
/// The gate refuses the bytes, they are no public manifest, or the run has not ended.
pub fn manifest_event(
    bytes: &[u8],
    gate: &Gate,
    envelope: &Envelope,
    event_id: EventId,
) -> Result<TelemetryDocument, TelemetryError> {
    // The gate first: the bytes are from a file that may have been edited.
    if gate.check(bytes)? != DocumentKind::RunManifest {
        return Err(TelemetryError::NotAManifest);
    }
    let manifest: RunManifest = serde_json::from_slice(bytes).map_err(|_| TelemetryError::NotAManifest)?;
    if manifest.status == RunStatus::Running {
        return Err(TelemetryError::NotFinished);
    }
    Ok(manifest_document(manifest, envelope, event_id))
}
