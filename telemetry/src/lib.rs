//! Consent, correlation, outbox and delivery: the only crate with an HTTP client.
//!
//! A run stores vetted documents in the [`Outbox`], which touches no network and waits for nothing. Another process
//! calls [`deliver`], which sends what waits and ends by itself. Both need a [`Consented`], which only a consent that was
//! given yields, so that nothing is created, written or sent without one.
//!
//! What [`Settings`] cannot use falls back to its default with a [`Warning`] that names the variable and never the value.

mod consent;
mod correlation;
mod delivery;
mod environment;
mod error;
mod header;
mod outbox;
mod queries;
mod request;
mod settings;

pub use consent::{Answer, Consent, Consented, Decision, Question, Reason, Terminals, decide};
pub use correlation::{child_environment, envelope_from_env};
pub use delivery::{DEADLINE, Ended, Progress, Summary, deliver};
pub use environment::{Environment, Warning};
pub use error::TelemetryError;
pub use header::{HeaderText, InvalidHeader};
pub use outbox::{
    Failure, FailureClass, LedgerLine, MAX_AGE, MAX_BYTES, MAX_ENTRIES, Outbox, Outcome, Purged, Refusal,
    Rejected, Stored, purge,
};
pub use queries::{Status, Waiting, manifest_event, preview, show, status};
pub use request::{Header, Outgoing};
pub use settings::{BearerToken, Endpoint, InvalidEndpoint, Settings};
