//! Delivering queued documents, in a process of its own.
//!
//! One call is one pass: it takes the outbox's lock, sends documents oldest first, one at a time, and ends by itself
//! within its deadline whatever the endpoint does. A document that is refused for good is rejected and does not hold
//! up the others. When the endpoint cannot be reached, the pass ends after the attempts on one document, and the
//! others keep their counts.

mod attempt;
mod http;
mod pass;
mod response;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use privacy::Gate;

use crate::consent::Consented;
use crate::error::TelemetryError;
use crate::outbox::Outbox;
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
/// The outbox cannot be used, or the HTTP client cannot be set up. What was not delivered still waits.
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
    let without = |ended| DeliverySummary { delivered: 0, refused: 0, evicted: 0, waiting: 0, ended };
    let Some(endpoint) = &settings.endpoint else {
        return Ok(DeliverySummary { waiting: store.queued()?.len(), ..without(DeliveryEnd::NoEndpoint) });
    };
    // A second process waits for its turn: what it was started for may have been stored after the first one looked.
    let Some(_lock) = store.lock(ends)? else {
        return Ok(DeliverySummary { waiting: store.queued()?.len(), ..without(DeliveryEnd::Busy) });
    };
    let transport = HttpTransport::new(settings, endpoint)?;
    let context = DeliveryContext { settings, endpoint, gate, store, transport };
    DeliveryPass::new(context, ends, progress, without(DeliveryEnd::Done)).run()
}
