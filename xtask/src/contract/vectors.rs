//! Conformance vectors: documents that every receiver must take, and documents that every receiver must refuse.
//!
//! They are generated from the types and the denylist and not written by hand, so that a new rule cannot be published
//! without vectors for its own hits. One file for each, because receivers of other languages read them in their tests.

mod denylist;
mod documents;
mod manifests;
mod pass;
mod raw;
mod telemetry;
mod vector;

pub(super) use documents::{command_event, component_event, delivery, manifest, mode_event};

use super::file::PublishedFile;

/// The files of all vectors. Each group has numbers of its own with room for more, so that a new vector renames none of another
/// group.
pub(super) fn files() -> Vec<PublishedFile> {
    let groups = [
        (1, pass::vectors()),
        (101, raw::vectors()),
        (201, manifests::vectors()),
        (351, telemetry::vectors()),
        (401, denylist::keys()),
        (501, denylist::values()),
        (701, denylist::disguises()),
    ];
    let numbered = groups.into_iter().flat_map(|(first, vectors)| (first..).zip(vectors));
    numbered.map(|(number, vector)| vector.file(number)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

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
