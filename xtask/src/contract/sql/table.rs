//! What is stored of a document: tables and columns, without a dialect.

use schema::DocumentKind;
use serde_json::Value;

use crate::contract::generate::{resolved, schema_of};

/// One table; the id of the event is in each of them.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    /// Columns that tell rows apart.
    pub(super) key: &'static [&'static str],
    pub(super) columns: Vec<Column>,
    pub(super) rows: Rows,
}

/// What a document has rows of.
#[derive(Debug)]
pub(super) enum Rows {
    /// The document itself.
    Document,
    /// The object at this place, where it has one.
    Object(&'static str),
    /// Each member of the object at this place, whose name is the column `component`; the members that it may have.
    Members(&'static str, Vec<String>),
}

/// One column, and where its value is in the document or in the member.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) path: Vec<String>,
    pub(super) kind: ColumnKind,
    pub(super) is_required: bool,
    pub(super) meaning: String,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Words(Vec<String>),
    Text { pattern: String },
    Integer { min: i64, max: i64 },
    Boolean,
    Time,
    Uuid,
}

/// Every table.
pub(super) fn all() -> Vec<Table> {
    let root = schema_of(DocumentKind::Telemetry).to_value();
    let branches = root["anyOf"].as_array().cloned().unwrap_or_default();
    let events =
        union(branches.iter().map(|branch| columns(&root, resolved(&root, branch).1, &["manifest"])));
    let manifest = schema_of(DocumentKind::RunManifest).to_value();
    let components = resolved(&manifest, &manifest["properties"]["components"]).1;
    let members = components["properties"].as_object().cloned().unwrap_or_default();
    let records =
        union(members.values().map(|record| columns(&manifest, resolved(&manifest, record).1, &[])));
    let event_id = events.iter().find(|column| column.name == "event_id").cloned();
    let with_id =
        |columns: Vec<Column>| event_id.clone().into_iter().chain(columns).filter_map(informative).collect();
    vec![
        Table {
            name: "telemetry_event",
            meaning: "One row for each document.",
            key: &["event_id"],
            columns: events.into_iter().filter_map(informative).collect(),
            rows: Rows::Document,
        },
        Table {
            name: "run_manifest",
            meaning: "One row for each delivered manifest.",
            key: &["event_id"],
            columns: with_id(below("manifest", columns(&manifest, &manifest, &["components"]))),
            rows: Rows::Object("manifest"),
        },
        Table {
            name: "run_component",
            meaning: "One row for each component of a delivered manifest.",
            key: &["event_id", "component"],
            columns: with_id(records),
            rows: Rows::Members("manifest.components", members.keys().cloned().collect()),
        },
    ]
}

/// Nothing for a column that can hold one value only.
fn informative(column: Column) -> Option<Column> {
    let says_nothing = matches!(&column.kind, ColumnKind::Words(words) if words.len() < 2);
    (!says_nothing).then_some(column)
}

fn below(prefix: &str, columns: Vec<Column>) -> Vec<Column> {
    let inside = |column: Column| Column {
        path: std::iter::once(prefix.to_owned()).chain(column.path).collect(),
        ..column
    };
    columns.into_iter().map(inside).collect()
}

/// The columns of several kinds of rows in one table: with the words of all, and required where all have them.
fn union(kinds: impl Iterator<Item = Vec<Column>>) -> Vec<Column> {
    let kinds: Vec<Vec<Column>> = kinds.collect();
    let mut columns: Vec<Column> = Vec::new();
    for column in kinds.iter().flatten() {
        match columns.iter_mut().find(|known| known.name == column.name) {
            None => columns.push(column.clone()),
            Some(known) => add_words(&mut known.kind, &column.kind),
        }
    }
    for column in &mut columns {
        let has_it =
            |kind: &Vec<Column>| kind.iter().any(|known| known.name == column.name && known.is_required);
        column.is_required = kinds.iter().all(has_it);
    }
    columns
}

fn add_words(kind: &mut ColumnKind, other: &ColumnKind) {
    if let (ColumnKind::Words(words), ColumnKind::Words(others)) = (kind, other) {
        let new: Vec<String> = others.iter().filter(|word| !words.contains(word)).cloned().collect();
        words.extend(new);
    }
}

/// The columns of an object and of the objects inside it, but for the members `without`.
fn columns(root: &Value, object: &Value, without: &[&str]) -> Vec<Column> {
    let mut found = Vec::new();
    let members = object["properties"].as_object().into_iter().flatten();
    for (name, property) in members.filter(|(name, _)| !without.contains(&name.as_str())) {
        let is_required =
            object["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name));
        let (inner, is_nullable) = without_null(root, property);
        let is_required = is_required && !is_nullable;
        if inner.get("properties").is_some() {
            for column in columns(root, inner, &[]) {
                found.push(Column {
                    name: format!("{name}_{}", column.name),
                    path: std::iter::once(name.clone()).chain(column.path).collect(),
                    is_required: column.is_required && is_required,
                    ..column
                });
            }
        } else {
            let meaning = property["description"].as_str().unwrap_or_default();
            let meaning = meaning.split(" Purpose: ").next().unwrap_or_default().to_owned();
            let kind = kind_of(inner);
            found.push(Column { name: name.clone(), path: vec![name.clone()], kind, is_required, meaning });
        }
    }
    found
}

/// The schema behind a property, and whether the value may be null.
fn without_null<'a>(root: &'a Value, property: &'a Value) -> (&'a Value, bool) {
    let is_null = |schema: &Value| schema["type"] == "null";
    if let Some(branches) = property["anyOf"].as_array() {
        let inner = branches.iter().find(|branch| !is_null(branch)).unwrap_or(property);
        return (resolved(root, inner).1, branches.iter().any(is_null));
    }
    let inner = resolved(root, property).1;
    (inner, inner["type"].as_array().is_some_and(|types| types.iter().any(|kind| kind == "null")))
}

fn kind_of(schema: &Value) -> ColumnKind {
    let words =
        schema["enum"].as_array().cloned().or_else(|| schema.get("const").map(|word| vec![word.clone()]));
    if let Some(words) = words {
        return ColumnKind::Words(
            words.iter().map(|word| word.as_str().unwrap_or_default().to_owned()).collect(),
        );
    }
    match (schema["format"].as_str(), schema["pattern"].as_str()) {
        (Some("date-time"), _) => ColumnKind::Time,
        (Some("uuid"), _) => ColumnKind::Uuid,
        (_, Some(pattern)) => ColumnKind::Text { pattern: pattern.to_owned() },
        _ => match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            (Some(min), Some(max)) => ColumnKind::Integer { min, max },
            _ => ColumnKind::Boolean,
        },
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
            for column in columns(&root, resolved(&root, branch).1, &["manifest"]) {
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
        let required = |table: &Table, name: &str| {
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
