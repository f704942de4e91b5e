//! The public contract of Productive K3S as Rust types: everything that may ever leave the machine.
//!
//! Types only: no input or output, no clock, no environment. The files under `contract/v1/` are generated from here by
//! `cargo xtask schema`, so that a receiver in any language checks the same rules as the gate in `privacy`.
//!
//! Contract types hold no free text. A property is an enum, a boolean, a bounded integer, an id, a version or a UTC
//! time, every object is closed, and no optional property may be `null`.

#[macro_use]
mod text;

mod component;
mod contract;
pub mod delivery;
pub mod denylist;
mod event;
mod features;
mod id;
pub mod limits;
mod manifest;
mod platform;
mod time;
mod version;

pub use component::{
    ClusterIssuerRecord, Component, ComponentRecord, ComponentResult, Components, DetectedBefore, Issuer,
    PlannedAction, Step,
};
pub use contract::{DEFAULT_MARKER, DocumentKind, PublicDocument, SCHEMA_VERSION, TOOL_NAME, VOCABULARIES};
pub use event::{
    Attempt, Client, Command, CommandEvent, CommandEventName, CommandName, CommandResult, ComponentEnabled,
    ComponentEvent, ComponentEventName, ComponentLabel, DeliveryEventName, DeliveryMode, EnabledComponent,
    EnabledResult, Envelope, Install, InstallFamily, ManifestDelivery, ModeEvent, ModeEventName, ModeUsage,
    OperationAttempt, TelemetryDocument, TelemetryEvent, TelemetryMeta, UsageFamily,
};
pub use features::{ArtifactsSource, Features, InstallationEngine, LetsencryptEnvironment, TlsMode};
pub use id::{EventId, Id, InvalidId};
pub use limits::{Bounded, OutOfBounds};
pub use manifest::{
    Execution, Failure, FailureReason, Finish, Mode, RunManifest, SchemaVersion, Status, Tool, ToolName,
};
pub use platform::{Arch, OsFamily, OsId, Platform, Support};
pub use text::{Vocabulary, Word};
pub use time::{InvalidTime, UtcSeconds};
pub use version::{CONTRACT_VERSION, ContractVersion, InvalidVersion, OsVersion, ToolVersion};
