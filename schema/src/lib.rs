//! The public contract of Productive K3S as Rust types: everything that may ever leave the machine.
//!
//! Types only: no input or output, no clock, no environment. The files under `contract/v1/` are generated from here by
//! `cargo xtask schema`, so that a receiver in any language checks the same rules as the gate in `privacy`.
//!
//! Contract types hold no free text. A property is an enum, a boolean, a bounded integer, an id, a version or a UTC
//! time, every object is closed, and no optional property may be `null`.

#[macro_use]
mod vocabulary;
#[macro_use]
mod text;

mod component;
pub mod denylist;
mod document;
mod event;
mod features;
mod id;
mod integer;
pub mod limits;
mod manifest;
mod platform;
mod time;
mod version;

pub use component::{
    ClusterIssuerRecord, Component, ComponentRecord, ComponentResult, Components, DetectedBefore, Issuer,
    PlannedAction, Step,
};
pub use document::{DocumentKind, PublicDocument};
pub use event::{
    Attempt, Client, Command, CommandEvent, CommandEventName, CommandName, CommandResult, ComponentEnabled,
    ComponentEvent, ComponentEventName, ComponentLabel, DeliveryEventName, DeliveryMode, EnabledComponent,
    EnabledResult, Envelope, Event, Install, InstallFamily, ManifestDelivery, ModeEvent, ModeEventName,
    ModeUsage, OperationAttempt, TelemetryDocument, TelemetryMeta, UsageFamily,
};
pub use features::{ArtifactsSource, Features, InstallationEngine, LetsencryptEnvironment, TlsMode};
pub use id::{EventId, Id, InvalidId};
pub use integer::{Bounded, OutOfBounds};
pub use manifest::{
    Execution, Failure, FailureReason, Finish, Mode, RunManifest, SchemaVersion, Status, Tool, ToolName,
};
pub use platform::{Arch, OsFamily, OsId, Platform, Support};
pub use time::UtcSeconds;
pub use version::{InvalidVersion, OsVersion, ToolVersion};
pub use vocabulary::{VOCABULARIES, Vocabulary, Word};

/// Semantic version of the contract, in the `$id` of each schema and in `index.json`.
///
/// `cargo xtask compat` says by which digit a change of the types must raise it.
pub const CONTRACT_VERSION: &str = "1.0.0";

/// Major version of the contract: the value of every document's `schema_version`, and the folder the files are in.
pub const SCHEMA_VERSION: &str = "1";

/// Name under which this program reports itself.
pub const TOOL_NAME: &str = "productive-k3s-core";

/// What the public marker header of a delivery says unless the operator chose otherwise (source: the seed text).
pub const DEFAULT_MARKER: &str = "pk3s-public-v1";
