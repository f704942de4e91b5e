//! Telemetry documents: the body of one request each.

mod document;
mod names;

pub use document::{
    Attempt, Client, Command, CommandEvent, ComponentEvent, EnabledComponent, Envelope, Event,
    ManifestDelivery, ModeEvent, TelemetryDocument, TelemetryMeta,
};
pub use names::{
    CommandEventName, CommandName, CommandResult, ComponentEnabled, ComponentEventName, ComponentLabel,
    DeliveryEventName, DeliveryMode, EnabledResult, Install, InstallFamily, ModeEventName, ModeUsage,
    OperationAttempt, UsageFamily,
};
