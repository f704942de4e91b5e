//! The values that documents are made of: every property that is no object, with its place.

use serde_json::Value;

use super::generate::resolved;

/// A property that is no object.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Its place as one word, for columns.
    pub(super) name: String,
    /// The keys that lead to it.
    pub(super) path: Vec<String>,
    /// The possible values.
    pub(super) kind: LeafKind,
    /// Whether every object has it, and never null.
    pub(super) is_required: bool,
    /// Its meaning, without its purpose.
    pub(super) meaning: String,
}

/// The possible values of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LeafKind {
    Words(Vec<String>),
    Text { pattern: String },
    Integer { min: i64, max: i64 },
    Boolean,
    Time,
    Uuid,
}

/// The leaves of an object and of the objects inside it, except the members `without`.
pub(super) fn leaves(root: &Value, object: &Value, without: &[&str]) -> Vec<Leaf> {
    let mut found = Vec::new();
    let members = object["properties"].as_object().into_iter().flatten();
    for (name, property) in members.filter(|(name, _)| !without.contains(&name.as_str())) {
        let is_required =
            object["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name));
        let (inner, is_nullable) = without_null(root, property);
        let is_required = is_required && !is_nullable;
        if inner.get("properties").is_some() {
            for leaf in leaves(root, inner, &[]) {
                found.push(Leaf {
                    name: format!("{name}_{}", leaf.name),
                    path: std::iter::once(name.clone()).chain(leaf.path).collect(),
                    is_required: leaf.is_required && is_required,
                    ..leaf
                });
            }
        } else {
            let meaning = property["description"].as_str().unwrap_or_default();
            let meaning = meaning.split(" Purpose: ").next().unwrap_or_default().to_owned();
            let kind = kind_of(inner);
            found.push(Leaf { name: name.clone(), path: vec![name.clone()], kind, is_required, meaning });
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

fn kind_of(schema: &Value) -> LeafKind {
    let words =
        schema["enum"].as_array().cloned().or_else(|| schema.get("const").map(|word| vec![word.clone()]));
    if let Some(words) = words {
        return LeafKind::Words(
            words.iter().map(|word| word.as_str().unwrap_or_default().to_owned()).collect(),
        );
    }
    match (schema["format"].as_str(), schema["pattern"].as_str()) {
        (Some("date-time"), _) => LeafKind::Time,
        (Some("uuid"), _) => LeafKind::Uuid,
        (_, Some(pattern)) => LeafKind::Text { pattern: pattern.to_owned() },
        _ => match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            (Some(min), Some(max)) => LeafKind::Integer { min, max },
            _ => LeafKind::Boolean,
        },
    }
}
