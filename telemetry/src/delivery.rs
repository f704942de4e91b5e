//! Delivering queued documents, in a process of its own.
//!
//! One call is one pass: it takes the lock of the outbox, sends documents one at a time, and ends by itself within its
//! deadline whatever the endpoint does.
//!
//! The endpoint is paused, not the document. After a failure that allows a retry nothing is sent to it before the back-off
//! or `Retry-After` is over, and the same document is tried again first; after [`DeliverySettings::max_attempts`] failures
//! in a row the pass ends. An endpoint that is down thus gets three requests from a pass, not three for each document.
//! The next pass then begins with the documents that this one did not try: one that makes the endpoint fail is tried after
//! the others and does not delay them. The disadvantage: after a failure, documents do not arrive in the order of events.

mod attempt;
mod http;
mod pass;
mod response;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use privacy::Gate;

use crate::consent::Consented;
use crate::error::TelemetryError;
use crate::outbox::{AttemptFailure, EndpointState, FailureClass, Outbox};
use crate::settings::DeliverySettings;
pub use pass::{DEADLINE, DeliveryEnd, DeliveryProgress, DeliverySummary};

use attempt::DeliveryContext;
use http::HttpTransport;
use pass::DeliveryPass;

/// Delivers queued documents. `deadline` is the longest that this takes, at most [`DEADLINE`].
///
/// `progress` is called before every document and every pause; [`ControlFlow::Break`] ends the pass there. A purge of
/// the outbox by another process ends it in the same places.
///
/// # Errors
/// The outbox cannot be used, or the HTTP client cannot be set up. What was not delivered stays queued.
pub fn deliver(
    _: &Consented,
    settings: &DeliverySettings,
    gate: &Gate,
    outbox: &Outbox,
    deadline: Duration,
    progress: &mut dyn FnMut(DeliveryProgress) -> ControlFlow<()>,
) -> Result<DeliverySummary, TelemetryError> {
    let ends = Instant::now() + deadline.min(DEADLINE);
    let store = outbox.store();
    let Some(endpoint) = &settings.endpoint else {
        return Ok(DeliverySummary::of_nothing(DeliveryEnd::NoEndpoint, store.queued()?.len()));
    };
    // A second process waits for its turn: its documents may have been stored after the first process listed the queue.
    let Some(_lock) = store.lock(ends)? else {
        return Ok(DeliverySummary::of_nothing(DeliveryEnd::Busy, store.queued()?.len()));
    };
    let transport = HttpTransport::new(settings, endpoint).inspect_err(|_| {
        // The process of a run has nobody to tell. Without trusted certificates this is what goes wrong, and `status` shows it.
        let failure = AttemptFailure { class: FailureClass::Tls, status: None };
        store.set_endpoint_state(endpoint.url(), Some(EndpointState::new(failure, None)));
    })?;
    let chosen_marker = settings.chosen_marker.as_ref();
    let context = DeliveryContext { endpoint, chosen_marker, gate, store, transport, warning: None };
    DeliveryPass::new(context, settings.max_attempts, ends, progress).run()
}
