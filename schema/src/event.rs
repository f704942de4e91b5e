//! Telemetry documents, the body of one request each: the envelope, and the four kinds that share it.

mod names;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::MAX_DELIVERY_ATTEMPT;
use crate::manifest::{SchemaVersion, ToolName};
use crate::{
    Bounded, Component, ContractVersion, EventId, Execution, Finish, Id, Mode, RunManifest, ToolVersion,
    UtcSeconds,
};

pub use names::{
    CommandEventName, CommandName, CommandResult, ComponentEnabled, ComponentEventName, ComponentLabel,
    DeliveryEventName, DeliveryMode, EnabledResult, Install, InstallFamily, ModeEventName, ModeUsage,
    OperationAttempt, UsageFamily,
};

/// Number of a delivery attempt, from 1.
pub type Attempt = Bounded<1, MAX_DELIVERY_ATTEMPT>;

/// The program that sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Client")]
pub struct Client {
    /// Name of the program. Purpose: to distinguish senders.
    pub name: ToolName,
    /// Version of the program. Purpose: to relate faults to releases.
    pub version: ToolVersion,
}

/// Promises that hold for every document, and the contract that makes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Telemetry meta")]
pub struct TelemetryMeta {
    /// How deliveries are treated. Purpose: so that receivers expect gaps.
    pub delivery_mode: DeliveryMode,
    /// Always true: the contract has no place for a personal value. Purpose: to state the promise in the document.
    #[schemars(schema_with = "always_true")]
    pub anonymous_by_contract: bool,
    /// Exact version of the contract that the document was made under. Purpose: so that receivers can distinguish a newer
    /// document from a broken one.
    pub contract_version: ContractVersion,
}

fn always_true(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "boolean", "const": true })
}

/// The command of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Command")]
pub struct Command {
    /// Which command. Purpose: to see which commands are used.
    pub name: CommandName,
    /// Mode of the run, or of the run that is rolled back. Purpose: to see which modes are used.
    pub mode: Mode,
    /// Whether steps were carried out. Purpose: to distinguish trials from installations.
    pub execution: Execution,
    /// State or result of the command. Purpose: to measure how many commands succeed.
    pub result: CommandResult,
}

/// A component that a run enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Enabled component")]
pub struct EnabledComponent {
    /// Which component. Purpose: to see which components are used.
    pub name: Component,
    /// The result. Purpose: to distinguish new installations from configured ones.
    pub result: EnabledResult,
}

/// Declares the documents: the envelope once, and for each its fixed words and its body.
///
/// The envelope is repeated in each type instead of flattened into it: serde does not support `deny_unknown_fields`
/// beside `flatten`, and a closed schema of one flat object is what every validator reads alike. The fields are private, so
/// that name, family, category and body can only be put together as the contract allows.
macro_rules! event_documents {
    ($($(#[doc = $doc:literal])+ $title:literal $name:ident as $variant:ident {
        $family:ty, $category:ty, $event_name:ty, $(#[doc = $body_doc:literal])+ $field:ident: $body:ty,
    })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
            #[serde(deny_unknown_fields)]
            #[schemars(title = $title)]
            pub struct $name {
                /// Major version of the contract. Purpose: so that receivers refuse what they do not know.
                schema_version: SchemaVersion,
                /// Random id of the event, the same on every attempt. Purpose: to drop duplicates.
                event_id: EventId,
                /// Family of the event. Purpose: to route lifecycle events and manifests separately.
                event_family: $family,
                /// Category of the event. Purpose: to count kinds of use.
                event_category: $category,
                /// Name of the event. Purpose: to know what happened.
                event_name: $event_name,
                /// When it happened. Purpose: to order the events of a run.
                occurred_at: UtcSeconds,
                /// When this attempt was made. Purpose: to distinguish late deliveries from late events.
                sent_at: UtcSeconds,
                /// Id of the whole chain of commands. Purpose: to follow a chain over the layers.
                session_id: Id,
                /// Id of the run. Purpose: to relate the events of a run.
                run_id: Id,
                /// Id of the parent run, null when there is none. Purpose: to rebuild the chain.
                parent_run_id: Option<Id>,
                /// Layer that reports. Purpose: to distinguish the layers of a chain.
                component: ComponentLabel,
                /// Number of this attempt, from 1. Purpose: to measure the reliability of deliveries.
                delivery_attempt: Attempt,
                /// Attempts before this one. Purpose: to measure the reliability of deliveries.
                retry_attempt: Bounded<0, { MAX_DELIVERY_ATTEMPT - 1 }>,
                /// Whether an attempt was made before. Purpose: to distinguish first deliveries from retries.
                is_retry: bool,
                /// The program that sends. Purpose: to relate faults to releases.
                client: Client,
                /// Promises that hold for every document. Purpose: to state them in the document.
                telemetry_meta: TelemetryMeta,
                $(#[doc = $body_doc])+
                $field: $body,
            }
        )+

        /// A telemetry document: exactly one of the kinds, distinguished by `event_name`.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        // Untagged, because the documents have no separate member for it: the names of the events distinguish them.
        #[serde(untagged)]
        #[schemars(title = "Telemetry document")]
        pub enum TelemetryDocument {
            $($(#[doc = $doc])+ $variant(Box<$name>),)+
        }

        impl TelemetryDocument {
            /// Stamps the attempt that is about to be made, and its time. Nothing else changes between attempts, so
            /// receivers may drop duplicates unread.
            pub fn stamp(&mut self, attempt: Attempt, sent_at: UtcSeconds) {
                match self {
                    $(Self::$variant(document) => {
                        document.delivery_attempt = attempt;
                        document.retry_attempt = Bounded::clamped(attempt.get() - 1);
                        document.is_retry = attempt.get() > 1;
                        document.sent_at = sent_at;
                    })+
                }
            }

            /// Id of the event.
            pub fn event_id(&self) -> EventId {
                match self { $(Self::$variant(document) => document.event_id),+ }
            }

            /// Name of the event.
            pub fn event_name(&self) -> &'static str {
                match self { $(Self::$variant(document) => document.event_name.as_str()),+ }
            }

            /// When the event happened.
            pub fn occurred_at(&self) -> UtcSeconds {
                match self { $(Self::$variant(document) => document.occurred_at),+ }
            }

            /// The contract that the document was made under.
            pub fn contract_version(&self) -> &ContractVersion {
                match self { $(Self::$variant(document) => &document.telemetry_meta.contract_version),+ }
            }

            /// Id of the run that the event belongs to.
            pub fn run_id(&self) -> &Id {
                match self { $(Self::$variant(document) => &document.run_id),+ }
            }
        }

        $(
            impl $name {
                fn enclose(
                    envelope: &Envelope, event_name: $event_name, event_id: EventId, at: UtcSeconds, body: $body,
                ) -> TelemetryDocument {
                    TelemetryDocument::$variant(Box::new(Self {
                        schema_version: SchemaVersion::V1,
                        event_id,
                        // Families and categories are lists of one word each.
                        event_family: <$family>::ALL[0],
                        event_category: <$category>::ALL[0],
                        event_name,
                        occurred_at: at,
                        sent_at: at,
                        session_id: envelope.session_id.clone(),
                        run_id: envelope.run_id.clone(),
                        parent_run_id: envelope.parent_run_id.clone(),
                        component: envelope.component,
                        delivery_attempt: Bounded::clamped(1),
                        retry_attempt: Bounded::clamped(0),
                        is_retry: false,
                        client: Client { name: ToolName::Core, version: ToolVersion::current() },
                        telemetry_meta: TelemetryMeta {
                            delivery_mode: DeliveryMode::BestEffort,
                            anonymous_by_contract: true,
                            contract_version: ContractVersion::current(),
                        },
                        $field: body,
                    }))
                }
            }
        )+
    };
}

event_documents! {
    /// A command that may change the host, or its dry run, began or ended.
    "Command event" CommandEvent as Command {
        UsageFamily, OperationAttempt, CommandEventName,
        /// The command. Purpose: to measure how many commands succeed.
        command: Command,
    }
    /// A run of one mode began or ended.
    "Mode event" ModeEvent as Mode {
        UsageFamily, ModeUsage, ModeEventName,
        /// The command. Purpose: to see which modes are used.
        command: Command,
    }
    /// A component was installed or configured, and verified.
    "Component event" ComponentEvent as Component {
        UsageFamily, ComponentEnabled, ComponentEventName,
        /// The component. Purpose: to see which components are used.
        enabled_component: EnabledComponent,
    }
    /// A run ended; its public manifest is enclosed.
    "Manifest delivery" ManifestDelivery as Manifest {
        InstallFamily, Install, DeliveryEventName,
        /// The public manifest of the run. Purpose: to learn what works on which platforms.
        manifest: RunManifest,
    }
}

/// What the documents of one run have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Id of the whole chain of commands.
    pub session_id: Id,
    /// Id of this run.
    pub run_id: Id,
    /// Id of the run above this one.
    pub parent_run_id: Option<Id>,
    /// Layer that reports.
    pub component: ComponentLabel,
}

/// Something that is reported once it has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TelemetryEvent {
    /// A command began or ended.
    Command(Command),
    /// A run of one mode began or ended.
    Mode(Command),
    /// A component was enabled.
    Component(EnabledComponent),
    /// A run ended with this manifest.
    Manifest(Box<RunManifest>),
}

impl Envelope {
    /// The document for an event that happened at `at`. Name, family and category follow from the event.
    pub fn document(&self, event: TelemetryEvent, event_id: EventId, at: UtcSeconds) -> TelemetryDocument {
        match event {
            TelemetryEvent::Command(command) => {
                let name = match command.result {
                    CommandResult::Started => CommandEventName::Started,
                    _ => CommandEventName::Completed,
                };
                CommandEvent::enclose(self, name, event_id, at, command)
            }
            TelemetryEvent::Mode(command) => {
                let name = ModeEventName::new(command.mode, command.result);
                ModeEvent::enclose(self, name, event_id, at, command)
            }
            TelemetryEvent::Component(component) => {
                ComponentEvent::enclose(self, ComponentEventName::Enabled, event_id, at, component)
            }
            TelemetryEvent::Manifest(manifest) => {
                ManifestDelivery::enclose(self, DeliveryEventName::Completed, event_id, at, *manifest)
            }
        }
    }
}

impl From<Finish> for CommandResult {
    fn from(finish: Finish) -> Self {
        match finish {
            Finish::Success => Self::Success,
            Finish::Failed(_) => Self::Failed,
            Finish::Cancelled => Self::Cancelled,
            Finish::Interrupted => Self::Interrupted,
        }
    }
}
