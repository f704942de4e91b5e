//! Conformance vectors: documents that every receiver must accept, and documents that every receiver must refuse.
//!
//! They are generated from the types and the denylist and not written by hand, so that a new rule cannot be published
//! without vectors for its own hits. One file for each subject, in the layout of the JSON Schema test suite, which
//! validators of every language have a reader for.

mod denylist;
mod documents;
mod manifests;
mod pass;
mod raw;
mod telemetry;
mod vector;

pub(super) use documents::{
    command, command_event, component_event, delivery, manifest, mode_event, telemetry,
};

use super::file::PublishedFile;
use vector::Group;

/// The files of all vectors.
pub(super) fn files() -> Vec<PublishedFile> {
    let groups = groups();
    let mut subjects: Vec<&str> = groups.iter().map(|group| group.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let of = |subject| groups.iter().filter(|group| group.subject == subject).collect::<Vec<_>>();
    subjects.into_iter().map(|subject| vector::file(subject, &of(subject))).collect()
}

/// The documents of all vectors of a kind, except those that are not JSON values.
#[cfg(test)]
pub(super) fn documents_of(kind: schema::DocumentKind) -> Vec<serde_json::Value> {
    groups().into_iter().flat_map(|group| group.tests).filter_map(|vector| vector.document_of(kind)).collect()
}

fn groups() -> Vec<Group> {
    [pass::groups(), raw::groups(), manifests::groups(), telemetry::groups(), denylist::groups()].concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use schema::{CommandEventName, ComponentEventName, DeliveryEventName, Mode, ModeEventName, Status};

    /// The tests of every file, as receivers read them, each with the schema of its group.
    fn published(valid: bool) -> Vec<Value> {
        let mut tests = Vec::new();
        for file in files() {
            let groups: Vec<Value> = serde_json::from_str(&file.contents).expect("groups");
            for group in groups {
                let of_group = group["tests"].as_array().expect("tests").iter().cloned();
                tests.extend(of_group.map(|mut test| {
                    test["schema"] = group["schema"].clone();
                    test
                }));
            }
        }
        tests.retain(|test| test["valid"] == valid);
        tests
    }

    fn words_at(pointer: &str) -> BTreeSet<String> {
        let documents = published(true).into_iter();
        documents.filter_map(|vector| vector.pointer(pointer)?.as_str().map(str::to_owned)).collect()
    }

    #[test]
    fn there_are_as_many_vectors_as_the_contract_promises() {
        assert!(published(true).len() >= 60);
        assert!(published(false).len() >= 340);
    }

    #[test]
    fn names_are_unique_and_plain() {
        let vectors = groups().into_iter().flat_map(|group| group.tests);
        let names: Vec<String> = vectors
            .map(|vector| vector.description.split(": ").next().unwrap_or_default().to_owned())
            .collect();
        for name in &names {
            let is_plain =
                |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
            assert!(!name.is_empty() && name.chars().all(is_plain), "{name:?}");
        }
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
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
        let tripped: BTreeSet<String> =
            published(false).iter().filter_map(|vector| vector["rule"].as_str().map(str::to_owned)).collect();
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
        for vector in published(true).into_iter().filter(|vector| vector.get("document").is_some()) {
            let document = vector["document"].clone();
            let read = match vector["schema"].as_str() {
                Some("telemetry") => serde_json::from_value::<schema::TelemetryDocument>(document).map(drop),
                _ => serde_json::from_value::<schema::RunManifest>(document).map(drop),
            };
            assert!(read.is_ok(), "{}: {read:?}", vector["description"]);
        }
    }
}
