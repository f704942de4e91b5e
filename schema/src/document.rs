//! Which types may leave the machine at all.

use serde::Serialize;

use crate::{RunManifest, TelemetryDocument};

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

/// A type of the public contract. Sealed: no other crate can declare its own types to be public.
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
