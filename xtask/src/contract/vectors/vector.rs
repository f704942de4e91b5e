//! One vector: a document and its verdict; and the files that vectors are grouped in.

use schema::DocumentKind;
use serde::Serialize;
use serde_json::Value;

use crate::contract::file::{PublishedFile, name_of};

/// One vector: a test of a group.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Vector {
    #[serde(skip)]
    pub(super) schema: &'static str,
    /// The name and a colon, and what it is about.
    pub(super) description: String,
    #[serde(flatten)]
    pub(super) payload: Payload,
    pub(super) valid: bool,
    #[serde(flatten)]
    pub(super) expected: Option<ExpectedViolation>,
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
        let description = format!("{}: {}", name.into(), description.into());
        Self { description, schema: kind_of(&payload), valid: true, expected: None, payload }
    }

    /// A document that its schema refuses.
    pub(super) fn fail(
        name: impl Into<String>,
        description: impl Into<String>,
        document: Value,
        rule: &str,
        pointer: &str,
    ) -> Self {
        Self::refused(name, description, Payload::Document(document), rule, pointer, true)
    }

    pub(super) fn refused(
        name: impl Into<String>,
        description: impl Into<String>,
        payload: Payload,
        rule: &str,
        pointer: &str,
        schema_alone_refuses: bool,
    ) -> Self {
        let expected =
            ExpectedViolation { rule: rule.to_owned(), pointer: pointer.to_owned(), schema_alone_refuses };
        Self { valid: false, expected: Some(expected), ..Self::pass(name, description, payload) }
    }
}

#[cfg(test)]
impl Vector {
    /// Its document, if it is a JSON value and of this kind.
    pub(super) fn document_of(self, kind: DocumentKind) -> Option<Value> {
        match self.payload {
            Payload::Document(document) if self.schema == name_of(kind) => Some(document),
            _ => None,
        }
    }
}

/// Vectors of one subject that show one thing.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Name of the file.
    pub(super) subject: &'static str,
    pub(super) description: &'static str,
    pub(super) tests: Vec<Vector>,
}

/// Shorthand for a group.
pub(super) fn group(subject: &'static str, description: &'static str, tests: Vec<Vector>) -> Group {
    Group { subject, description, tests }
}

/// A group as its file holds it, in the layout of the JSON Schema test suite.
struct PublishedGroup<'a> {
    description: &'a str,
    schema: &'a str,
    tests: Vec<&'a Vector>,
}

/// The file of a subject. A group whose documents are of both kinds becomes two, as each names one schema.
pub(super) fn file(subject: &str, groups: &[&Group]) -> PublishedFile {
    let published: Vec<PublishedGroup<'_>> = groups
        .iter()
        .flat_map(|group| DocumentKind::ALL.map(|kind| (group, kind)))
        .map(|(group, kind)| PublishedGroup {
            description: group.description,
            schema: name_of(kind),
            tests: group.tests.iter().filter(|vector| vector.schema == name_of(kind)).collect(),
        })
        .filter(|group| !group.tests.is_empty())
        .collect();
    PublishedFile { path: format!("vectors/{subject}.json"), contents: text_of(&published) }
}

/// One line for each vector: a diff then shows which vectors changed, and the documents, which differ in one place from
/// each other, do not fill thousands of lines.
fn text_of(groups: &[PublishedGroup<'_>]) -> String {
    let group = |group: &PublishedGroup<'_>| {
        let tests: Vec<String> = group.tests.iter().map(|test| format!("      {}", json_of(test))).collect();
        format!(
            "  {{\n    \"description\": {},\n    \"schema\": {},\n    \"tests\": [\n{}\n    ]\n  }}",
            json_of(&group.description),
            json_of(&group.schema),
            tests.join(",\n"),
        )
    };
    let groups: Vec<String> = groups.iter().map(group).collect();
    format!("[\n{}\n]\n", groups.join(",\n"))
}

fn json_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("vectors are JSON")
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
