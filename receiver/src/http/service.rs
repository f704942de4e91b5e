//! What requests share: the queue, the limits, and who may send.

use std::sync::Arc;
use std::time::Duration;

use super::pages::Pages;
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::refusals::Refusals;
use crate::tokens::Tokens;

/// The limits of requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLimits {
    /// Requests with a document at one time.
    pub(crate) in_flight: u64,
    /// Bytes of bodies in memory at one time.
    pub(crate) body_bytes: u64,
    /// From the connection, or from the last answer, to the end of the header: bounds silence and slowness.
    pub(crate) header: Duration,
    /// From the end of the header to the end of the body.
    pub(crate) body: Duration,
}

/// The state of the public port.
pub(crate) struct Service {
    pub(crate) queue: Queue,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: RequestLimits,
    /// Tokens of which a sender must present one; none means that every sender may send.
    pub(crate) ingest_tokens: Option<Tokens>,
    pub(crate) pages: Arc<Pages>,
}

impl Service {
    /// The path for documents.
    pub(crate) const INGEST_PATH: &str = "/telemetry";
}
