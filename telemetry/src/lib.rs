//! Consent, correlation, outbox and delivery: the only crate with an HTTP client.
//!
//! A run stores vetted documents in the [`Outbox`], which uses no network and never waits. Another process
//! calls [`deliver`], which sends queued documents and ends by itself. Two processes instead of a thread: an
//! installation then opens no telemetry socket, and an endpoint that hangs cannot delay it. Both need a
//! [`Consented`], which only a consent that was given yields, so that nothing is created, written or sent without one.
//!
//! What [`DeliverySettings`] cannot use falls back to its default with a [`VariableWarning`] that names the variable
//! and never the value.

mod consent;
mod correlation;
mod delivery;
mod endpoint;
mod environment;
mod error;
mod outbox;
mod queries;
mod request;
mod settings;

pub use consent::{
    Consent, ConsentAnswer, ConsentDecision, ConsentQuestion, ConsentReason, Consented, Interactivity,
    decide_consent,
};
pub use correlation::{child_environment, envelope_from_env, ignored_run_id, manifest_document};
pub use delivery::{DEADLINE, DeliveryEnd, DeliveryProgress, DeliverySummary, deliver};
pub use endpoint::{BearerToken, Endpoint, InvalidEndpoint};
pub use environment::{Environment, VariableWarning, parse_bool};
pub use error::{OutboxWarning, TelemetryError};
pub use outbox::{
    AttemptFailure, EndpointState, Enqueued, FailureClass, LedgerLine, LedgerOutcome, MAX_AGE, MAX_BYTES,
    MAX_ENTRIES, Outbox, OutboxDir, PurgeSummary, RejectedEntry, RejectionReason, RequeueSummary, purge,
};
pub use queries::{
    OutboxStatus, QueuedDocument, QueuedRequest, manifest_event, preview, show, show_all, status,
};
pub use request::{DeliveryRequest, Header, InvalidHeaderValue, VettedHeaderValue, VettedHeaders};
pub use settings::DeliverySettings;
