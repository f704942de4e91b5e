//! What is stored of a document: tables and columns, without a dialect.

use schema::DocumentKind;

use crate::contract::generate::{resolved, schema_of};
use crate::contract::leaf::{Leaf, LeafKind, leaves};

/// One table; the id of the event is in each of them.
#[derive(Debug)]
pub(super) struct StoredTable {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    /// Columns that identify a row.
    pub(super) key: &'static [&'static str],
    pub(super) columns: Vec<Leaf>,
    pub(super) rows: RowSource,
}

/// What becomes the rows of a document.
#[derive(Debug)]
pub(super) enum RowSource {
    /// The document itself.
    Document,
    /// The object at this place, where it has one.
    Object(&'static str),
    /// Each member of the object at this place, whose name is the column `component`; the members that it may have.
    Members(&'static str, Vec<String>),
}

/// Every table.
pub(super) fn all() -> Vec<StoredTable> {
    let root = schema_of(DocumentKind::Telemetry).to_value();
    let branches = root["anyOf"].as_array().cloned().unwrap_or_default();
    let events = union(branches.iter().map(|branch| leaves(&root, resolved(&root, branch).1, &["manifest"])));
    let manifest = schema_of(DocumentKind::RunManifest).to_value();
    let components = resolved(&manifest, &manifest["properties"]["components"]).1;
    let members = components["properties"].as_object().cloned().unwrap_or_default();
    let records = union(members.values().map(|record| leaves(&manifest, resolved(&manifest, record).1, &[])));
    let event_id = events.iter().find(|column| column.name == "event_id").cloned();
    let with_id =
        |columns: Vec<Leaf>| event_id.clone().into_iter().chain(columns).filter_map(informative).collect();
    vec![
        StoredTable {
            name: "telemetry_event",
            meaning: "One row for each document.",
            key: &["event_id"],
            columns: events.into_iter().filter_map(informative).collect(),
            rows: RowSource::Document,
        },
        StoredTable {
            name: "run_manifest",
            meaning: "One row for each delivered manifest.",
            key: &["event_id"],
            columns: with_id(below("manifest", leaves(&manifest, &manifest, &["components"]))),
            rows: RowSource::Object("manifest"),
        },
        StoredTable {
            name: "run_component",
            meaning: "One row for each component of a delivered manifest.",
            key: &["event_id", "component"],
            columns: with_id(records),
            rows: RowSource::Members("manifest.components", members.keys().cloned().collect()),
        },
    ]
}

/// `None` for a column that can hold only one value.
fn informative(column: Leaf) -> Option<Leaf> {
    let says_nothing = matches!(&column.kind, LeafKind::Words(words) if words.len() < 2);
    (!says_nothing).then_some(column)
}

fn below(prefix: &str, columns: Vec<Leaf>) -> Vec<Leaf> {
    let inside = |column: Leaf| Leaf {
        path: std::iter::once(prefix.to_owned()).chain(column.path).collect(),
        ..column
    };
    columns.into_iter().map(inside).collect()
}

/// The columns of several kinds of rows in one table: with the words of all, and required where all have them.
fn union(kinds: impl Iterator<Item = Vec<Leaf>>) -> Vec<Leaf> {
    let kinds: Vec<Vec<Leaf>> = kinds.collect();
    let mut columns: Vec<Leaf> = Vec::new();
    for column in kinds.iter().flatten() {
        match columns.iter_mut().find(|known| known.name == column.name) {
            None => columns.push(column.clone()),
            Some(known) => add_words(&mut known.kind, &column.kind),
        }
    }
    for column in &mut columns {
        let has_it =
            |kind: &Vec<Leaf>| kind.iter().any(|known| known.name == column.name && known.is_required);
        column.is_required = kinds.iter().all(has_it);
    }
    columns
}

fn add_words(kind: &mut LeafKind, other: &LeafKind) {
    if let (LeafKind::Words(words), LeafKind::Words(others)) = (kind, other) {
        let new: Vec<String> = others.iter().filter(|word| !words.contains(word)).cloned().collect();
        words.extend(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_is_stored_or_says_nothing() {
        let tables = all();
        let stored: Vec<String> =
            tables.iter().flat_map(|table| &table.columns).map(|column| column.path.join(".")).collect();
        let root = schema_of(DocumentKind::Telemetry).to_value();
        for branch in root["anyOf"].as_array().expect("branches") {
            for column in leaves(&root, resolved(&root, branch).1, &["manifest"]) {
                let path = column.path.join(".");
                let says_nothing = [
                    "schema_version",
                    "client.name",
                    "telemetry_meta.delivery_mode",
                    "telemetry_meta.anonymous_by_contract",
                ];
                assert_eq!(stored.contains(&path), !says_nothing.contains(&path.as_str()), "{path}");
            }
        }
    }

    #[test]
    fn names_are_unique_and_only_the_common_columns_are_required() {
        for table in all() {
            let mut names: Vec<&String> = table.columns.iter().map(|column| &column.name).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), table.columns.len(), "{}", table.name);
        }
        let [events, manifests, components] = &all()[..] else { panic!("three tables") };
        let required = |table: &StoredTable, name: &str| {
            table.columns.iter().find(|column| column.name == name).map(|column| column.is_required)
        };
        assert_eq!(required(events, "session_id"), Some(true));
        assert_eq!(required(events, "parent_run_id"), Some(false));
        assert_eq!(required(events, "command_mode"), Some(false));
        assert_eq!(required(manifests, "exit_code"), Some(false));
        assert_eq!(required(manifests, "platform_os_id"), Some(true));
        assert_eq!(required(components, "result"), Some(true));
        assert_eq!(required(components, "issuer"), Some(false));
    }
}
