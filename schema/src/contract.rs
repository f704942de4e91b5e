//! The contract as a whole: the types that may leave the machine, and every word that they can hold.

use serde::Serialize;

use crate::{RunManifest, TelemetryDocument, Vocabulary};

/// Major version of the contract: the value of every document's `schema_version`, and the directory of the files.
pub const SCHEMA_VERSION: &str = "1";

/// Name under which this program reports itself.
pub const TOOL_NAME: &str = "productive-k3s-core";

/// What the public marker header of a delivery says unless the operator chose otherwise (source: the seed text).
pub const DEFAULT_MARKER: &str = "pk3s-public-v1";

/// The published schema that a document must satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// The public manifest of one run, on disk.
    RunManifest,
    /// The body of one telemetry request.
    Telemetry,
}

impl DocumentKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::RunManifest, Self::Telemetry];

    /// File name of the published schema.
    pub const fn schema_file(self) -> &'static str {
        match self {
            Self::RunManifest => "run-manifest.schema.json",
            Self::Telemetry => "telemetry.schema.json",
        }
    }
}

/// A type of the public contract. Sealed: no other crate can declare its own types to be public, so a document that
/// leaves the machine is always one that was reviewed here.
pub trait PublicDocument: Serialize + sealed::Sealed {
    /// The schema that applies.
    const KIND: DocumentKind;
}

impl PublicDocument for RunManifest {
    const KIND: DocumentKind = DocumentKind::RunManifest;
}

impl PublicDocument for TelemetryDocument {
    const KIND: DocumentKind = DocumentKind::Telemetry;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::RunManifest {}
    impl Sealed for super::TelemetryDocument {}
}

/// Every vocabulary of the contract: their words are the ones that the gate lets pass as whole strings.
///
/// Rust cannot list the types that a macro declared, so this is by hand; a test of `cargo xtask schema` compares it with
/// the definitions of the generated schemas.
pub const VOCABULARIES: &[Vocabulary] = &[
    crate::SchemaVersion::VOCABULARY,
    crate::ToolName::VOCABULARY,
    crate::Execution::VOCABULARY,
    crate::Mode::VOCABULARY,
    crate::Status::VOCABULARY,
    crate::Step::VOCABULARY,
    crate::FailureReason::VOCABULARY,
    crate::Support::VOCABULARY,
    crate::OsFamily::VOCABULARY,
    crate::OsId::VOCABULARY,
    crate::Arch::VOCABULARY,
    crate::InstallationEngine::VOCABULARY,
    crate::TlsMode::VOCABULARY,
    crate::LetsencryptEnvironment::VOCABULARY,
    crate::ArtifactsSource::VOCABULARY,
    crate::Component::VOCABULARY,
    crate::DetectedBefore::VOCABULARY,
    crate::PlannedAction::VOCABULARY,
    crate::ComponentResult::VOCABULARY,
    crate::Issuer::VOCABULARY,
    crate::UsageFamily::VOCABULARY,
    crate::InstallFamily::VOCABULARY,
    crate::OperationAttempt::VOCABULARY,
    crate::ModeUsage::VOCABULARY,
    crate::ComponentEnabled::VOCABULARY,
    crate::Install::VOCABULARY,
    crate::CommandEventName::VOCABULARY,
    crate::ModeEventName::VOCABULARY,
    crate::ComponentEventName::VOCABULARY,
    crate::DeliveryEventName::VOCABULARY,
    crate::ComponentLabel::VOCABULARY,
    crate::CommandName::VOCABULARY,
    crate::CommandResult::VOCABULARY,
    crate::EnabledResult::VOCABULARY,
    crate::DeliveryMode::VOCABULARY,
];
