//! Conformance vectors: documents that every receiver must take, and documents that every receiver must refuse.

mod base;
mod bodies;
mod disguises;
mod events;
mod forms;
mod keys;
mod pass;
mod raw;
mod structure;
mod values;

pub(super) use base::{command_event, component_event, delivery, manifest, mode_event};

use serde::Serialize;
use serde_json::Value;

use super::PublishedFile;
use schema::DocumentKind;

/// One vector, as its file holds it.
#[derive(Clone, Debug, Serialize)]
struct Vector {
    #[serde(skip)]
    name: String,
    description: String,
    schema: &'static str,
    #[serde(flatten)]
    refusal: Option<Refusal>,
    #[serde(flatten)]
    payload: Payload,
}

/// Why a document must be refused.
#[derive(Clone, Debug, Serialize)]
struct Refusal {
    /// Id of a rule that must trip; others may trip as well.
    rule: String,
    /// Where it must trip, masked.
    pointer: String,
    /// Whether a validator refuses the document by the published schema alone.
    schema_alone_refuses: bool,
}

/// What is to be checked.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Payload {
    /// A JSON value.
    Document(Value),
    /// Text that no JSON value can stand for.
    Raw(String),
    /// Bytes that are no text.
    RawBase64(&'static str),
}

impl Vector {
    fn pass(name: impl Into<String>, description: impl Into<String>, payload: Payload) -> Self {
        let (name, description) = (name.into(), description.into());
        Self { name, description, schema: kind_of(&payload), refusal: None, payload }
    }

    /// A document that its schema refuses.
    fn fail(
        name: impl Into<String>,
        description: impl Into<String>,
        document: Value,
        rule: &str,
        pointer: &str,
    ) -> Self {
        let refusal =
            Refusal { rule: rule.to_owned(), pointer: pointer.to_owned(), schema_alone_refuses: true };
        Self { refusal: Some(refusal), ..Self::pass(name, description, Payload::Document(document)) }
    }

    /// Says that the schema has room for the document, so that only the denylist or a strict reader refuses it.
    fn beyond_the_schema(mut self) -> Self {
        if let Some(refusal) = &mut self.refusal {
            refusal.schema_alone_refuses = false;
        }
        self
    }

    fn file(&self, number: usize) -> PublishedFile {
        let verdict = if self.refusal.is_some() { "fail" } else { "pass" };
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
    super::name_of(if telemetry { DocumentKind::Telemetry } else { DocumentKind::RunManifest })
}

/// The files of all vectors. Each group has its own hundred of numbers, so that a new vector renames none of another
/// group.
pub(super) fn files() -> Vec<PublishedFile> {
    let groups = [
        (1, pass::vectors()),
        (101, raw::vectors()),
        (201, [structure::vectors(), forms::vectors()].concat()),
        (301, [events::vectors(), bodies::vectors()].concat()),
        (401, keys::vectors()),
        (501, values::vectors()),
        (701, disguises::vectors()),
    ];
    let numbered = groups.into_iter().flat_map(|(first, vectors)| (first..).zip(vectors));
    numbered.map(|(number, vector)| vector.file(number)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use schema::{CommandEventName, ComponentEventName, DeliveryEventName, Mode, ModeEventName, Status};

    fn contents(verdict: &str) -> Vec<Value> {
        let files = files().into_iter().filter(|file| file.path.ends_with(verdict));
        files.map(|file| serde_json::from_str(&file.contents).expect("JSON")).collect()
    }

    fn words_at(pointer: &str) -> BTreeSet<String> {
        let documents = contents(".pass.json").into_iter();
        documents.filter_map(|vector| vector.pointer(pointer)?.as_str().map(str::to_owned)).collect()
    }

    #[test]
    fn there_are_as_many_vectors_as_the_contract_promises() {
        assert!(contents(".pass.json").len() >= 12);
        assert!(contents(".fail.json").len() >= 80);
    }

    #[test]
    fn groups_do_not_run_into_each_other() {
        let numbers: Vec<String> = files().iter().map(|file| file.path[8..11].to_owned()).collect();
        assert!(numbers.is_sorted_by(|before, after| before < after), "{numbers:?}");
        let names: BTreeSet<String> = files().iter().map(|file| file.path[12..].to_owned()).collect();
        assert_eq!(names.len(), files().len());
    }

    #[test]
    fn every_event_mode_and_status_is_shown_to_pass() {
        let events = CommandEventName::ALL
            .iter()
            .map(|name| name.as_str())
            .chain(ModeEventName::ALL.iter().map(|name| name.as_str()))
            .chain(ComponentEventName::ALL.iter().map(|name| name.as_str()))
            .chain(DeliveryEventName::ALL.iter().map(|name| name.as_str()));
        assert_eq!(words_at("/document/event_name"), events.map(str::to_owned).collect());
        let modes = Mode::ALL.iter().map(|mode| mode.as_str().to_owned()).collect();
        assert_eq!(words_at("/document/bootstrap_mode"), modes);
        let statuses = Status::ALL.iter().map(|status| status.as_str().to_owned()).collect();
        assert_eq!(words_at("/document/status"), statuses);
    }

    #[test]
    fn every_rule_of_the_denylist_has_a_vector_that_trips_it() {
        let tripped: BTreeSet<String> = contents(".fail.json")
            .iter()
            .filter_map(|vector| vector["rule"].as_str().map(str::to_owned))
            .collect();
        let keys = schema::denylist::KEYS;
        let rules = schema::denylist::DOCUMENT_RULES
            .iter()
            .map(|rule| rule.id)
            .chain([keys.shape.id, keys.token.id, keys.sequence.id])
            .chain(schema::denylist::VALUE_RULES.iter().map(|rule| rule.id));
        for rule in rules {
            assert!(tripped.contains(rule), "{rule} has no vector");
        }
    }

    #[test]
    fn pass_vectors_are_documents_of_the_types() {
        for vector in contents(".pass.json").into_iter().filter(|vector| vector.get("document").is_some()) {
            let document = vector["document"].clone();
            let read = match vector["schema"].as_str() {
                Some("telemetry") => serde_json::from_value::<schema::TelemetryDocument>(document).map(drop),
                _ => serde_json::from_value::<schema::RunManifest>(document).map(drop),
            };
            assert!(read.is_ok(), "{}: {read:?}", vector["description"]);
        }
    }
}
