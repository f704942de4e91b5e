//! One line of `--events ndjson`: how far an operation is, for a program that shows it.
//!
//! The layers above keep these lines and may show them anywhere, so no line can hold anything of this host: every text in
//! it is made of words of closed lists, the message included, which follows from step and subject. A message is the same
//! however its step ends: the CLI shows one line for each message, with the last status that came with it.

use std::fmt;

use schema::{Component, UtcSeconds};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// What was called, as the layers name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Operation {
    /// `bootstrap`, or an option first.
    #[serde(rename = "core.bootstrap")]
    Bootstrap,
    /// The name of the same in July.
    #[serde(rename = "core.apply")]
    Apply,
    /// `preflight`.
    #[serde(rename = "core.preflight")]
    Preflight,
    /// `validate`.
    #[serde(rename = "core.validate")]
    Validate,
    /// `backup`.
    #[serde(rename = "core.backup")]
    Backup,
    /// `rollback`.
    #[serde(rename = "core.rollback")]
    Rollback,
    /// `clean`.
    #[serde(rename = "core.cleanup")]
    Cleanup,
    /// `bundle info`.
    #[serde(rename = "core.bundle")]
    Bundle,
    /// `bom`.
    #[serde(rename = "core.bom")]
    Bom,
    /// `help`.
    #[serde(rename = "core.help")]
    Help,
    /// `send-telemetry`.
    #[serde(rename = "core.telemetry")]
    Telemetry,
    /// `stack install`.
    #[serde(rename = "stack.install")]
    StackInstall,
    /// `addon install`.
    #[serde(rename = "addon.install")]
    AddonInstall,
    /// `addon validate`.
    #[serde(rename = "addon.validate")]
    AddonValidate,
    /// What was called is none of these.
    #[serde(rename = "core.unknown")]
    Unknown,
}

/// What in the operation an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum EventStep {
    /// The first event.
    #[serde(rename = "operation.started")]
    OperationStarted,
    /// The last event.
    #[serde(rename = "operation.completed")]
    OperationCompleted,
    /// A component is installed or configured.
    #[serde(rename = "core.component")]
    Component,
    /// A check of the host or of what is installed.
    #[serde(rename = "core.check")]
    Check,
    /// A package is read.
    #[serde(rename = "addon.package.extract")]
    PackageExtract,
    /// A package is looked into.
    #[serde(rename = "addon.package.validate")]
    PackageValidate,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventStatus {
    /// It goes on.
    Running,
    /// It ended well.
    Success,
    /// It ended, and there is something to look at.
    Warning,
    /// It ended badly.
    Failed,
    /// The operator said no.
    Cancelled,
}

/// What an event is about, beyond its step: a component or a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventSubject {
    /// Nothing.
    None,
    /// A component.
    Component(Component),
    /// A check, by its stable name.
    Check(&'static str),
}

/// One event.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(title = "Operation event of Productive K3S", deny_unknown_fields)]
pub(super) struct OperationEvent {
    schema_version: EventVersion,
    component: EventSource,
    operation: Operation,
    step: EventStep,
    status: EventStatus,
    message: EventMessage,
    subject: EventSubject,
    emitted_at: UtcSeconds,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
enum EventVersion {
    #[serde(rename = "productive-k3s-operation-event/v1")]
    V1,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum EventSource {
    Core,
}

/// The text that follows from step and subject; that of an operation as a whole follows from its status too.
#[derive(Clone, Copy, Debug)]
struct EventMessage(EventStep, EventStatus, EventSubject);

impl OperationEvent {
    /// An event at this time.
    pub(super) fn new(
        operation: Operation,
        (step, status): (EventStep, EventStatus),
        subject: EventSubject,
        emitted_at: UtcSeconds,
    ) -> Self {
        Self {
            schema_version: EventVersion::V1,
            component: EventSource::Core,
            operation,
            step,
            status,
            message: EventMessage(step, status, subject),
            subject,
            emitted_at,
        }
    }
}

impl EventMessage {
    /// What every message is like.
    const PATTERN: &'static str = concat!(
        "^(Operation (started|failed|cancelled|completed)|Package (extraction|validation)",
        "|(Component|Check) [a-z0-9_-]{1,40})$"
    );
}

impl fmt::Display for EventMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(step, status, subject) = self;
        match step {
            EventStep::OperationStarted => f.write_str("Operation started"),
            EventStep::OperationCompleted => f.write_str(match status {
                EventStatus::Failed => "Operation failed",
                EventStatus::Cancelled => "Operation cancelled",
                _ => "Operation completed",
            }),
            EventStep::Component => write!(f, "Component {}", subject.as_str()),
            EventStep::Check => write!(f, "Check {}", subject.as_str()),
            EventStep::PackageExtract => f.write_str("Package extraction"),
            EventStep::PackageValidate => f.write_str("Package validation"),
        }
    }
}

impl Serialize for EventMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for EventMessage {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EventMessage".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": Self::PATTERN })
    }
}

impl EventSubject {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Component(component) => component.as_str(),
            Self::Check(check) => check,
        }
    }
}

impl Serialize for EventSubject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl JsonSchema for EventSubject {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EventSubject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9_-]{0,40}$" })
    }
}

/// JSON Schema of an event.
pub fn operation_event_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<OperationEvent>().to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [EventStatus; 5] = [
        EventStatus::Running,
        EventStatus::Success,
        EventStatus::Warning,
        EventStatus::Failed,
        EventStatus::Cancelled,
    ];

    #[test]
    fn the_committed_schema_is_that_of_the_type() {
        let committed = include_str!("../../operation-event.schema.json");
        let committed: Value = serde_json::from_str(committed).expect("JSON");
        assert_eq!(
            committed,
            operation_event_schema(),
            "fix it with: bootstrap event-schema > bootstrap/operation-event.schema.json"
        );
    }

    #[test]
    fn a_message_stays_the_same_until_its_step_has_ended() {
        let said = |step, subject| {
            let mut said = STATUSES.map(|status| EventMessage(step, status, subject).to_string()).to_vec();
            said.dedup();
            said
        };
        for component in Component::ALL {
            let subject = EventSubject::Component(*component);
            assert_eq!(said(EventStep::Component, subject), [format!("Component {component}")]);
        }
        assert_eq!(said(EventStep::Check, EventSubject::Check("cpu")), ["Check cpu"]);
        assert_eq!(said(EventStep::PackageExtract, EventSubject::None), ["Package extraction"]);
        assert_eq!(said(EventStep::PackageValidate, EventSubject::None), ["Package validation"]);
    }
}
