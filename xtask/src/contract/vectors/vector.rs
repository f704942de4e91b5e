//! One vector: a document, and what must be said of it.

use schema::DocumentKind;
use serde::Serialize;
use serde_json::Value;

use crate::contract::file::{PublishedFile, name_of};

/// One vector, as its file holds it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Vector {
    #[serde(skip)]
    pub(super) name: String,
    pub(super) description: String,
    pub(super) schema: &'static str,
    #[serde(flatten)]
    pub(super) expected: Option<ExpectedViolation>,
    #[serde(flatten)]
    pub(super) payload: Payload,
}

/// Why a document must be refused.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ExpectedViolation {
    /// Id of a rule that must trip; others may trip as well.
    pub(super) rule: String,
    /// Where it must trip, masked.
    pub(super) pointer: String,
    /// Whether a validator refuses the document by the published schema alone.
    pub(super) schema_alone_refuses: bool,
}

/// What is to be checked.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Payload {
    /// A JSON value.
    Document(Value),
    /// Text that no JSON value can stand for.
    Raw(String),
    /// Bytes that are no text.
    RawBase64(&'static str),
}

impl Vector {
    pub(super) fn pass(name: impl Into<String>, description: impl Into<String>, payload: Payload) -> Self {
        let (name, description) = (name.into(), description.into());
        Self { name, description, schema: kind_of(&payload), expected: None, payload }
    }

    /// A document that its schema refuses.
    pub(super) fn fail(
        name: impl Into<String>,
        description: impl Into<String>,
        document: Value,
        rule: &str,
        pointer: &str,
    ) -> Self {
        let expected = ExpectedViolation {
            rule: rule.to_owned(),
            pointer: pointer.to_owned(),
            schema_alone_refuses: true,
        };
        Self { expected: Some(expected), ..Self::pass(name, description, Payload::Document(document)) }
    }

    pub(super) fn file(&self, number: usize) -> PublishedFile {
        let verdict = if self.expected.is_some() { "fail" } else { "pass" };
        PublishedFile::json(format!("vectors/{number:03}-{}.{verdict}.json", self.name), self)
    }
}

/// A telemetry document tells itself by its `event_family`; text that is no object is judged as a run manifest.
fn kind_of(payload: &Payload) -> &'static str {
    let telemetry = match payload {
        Payload::Document(document) => document.get("event_family").is_some(),
        Payload::Raw(text) => text.contains("\"event_family\""),
        Payload::RawBase64(_) => false,
    };
    name_of(if telemetry { DocumentKind::Telemetry } else { DocumentKind::RunManifest })
}

/// `document` with `value` at `pointer`.
pub(super) fn with(mut document: Value, pointer: &str, value: impl Into<Value>) -> Value {
    let place = pointer.rsplit_once('/').and_then(|(parent, key)| Some((document.pointer_mut(parent)?, key)));
    let (parent, key) = place.expect("vectors change places that exist");
    parent[key] = value.into();
    document
}

/// `document` without the property at `pointer`.
pub(super) fn without(mut document: Value, pointer: &str) -> Value {
    let place = pointer.rsplit_once('/').and_then(|(parent, key)| Some((document.pointer_mut(parent)?, key)));
    let (parent, key) = place.expect("vectors change places that exist");
    parent.as_object_mut().and_then(|parent| parent.remove(key)).expect("vectors remove what exists");
    document
}
