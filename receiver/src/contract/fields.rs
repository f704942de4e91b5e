//! The fields of the published schema, as the gate checks them.

use privacy::published_schema;
use schema::DocumentKind;
use serde_json::{Map, Value};

/// A field of the telemetry documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContractField {
    /// Its place, as a JSON pointer.
    pub(crate) pointer: String,
    /// Its meaning.
    pub(crate) meaning: String,
    /// Why it is collected.
    pub(crate) purpose: String,
    /// Its possible values.
    pub(crate) values: String,
    /// A value that it may have.
    pub(crate) example: Option<String>,
}

/// Every field, in the order of the schema; a field that several documents have is there once.
pub(crate) fn fields() -> Vec<ContractField> {
    let schema: Value = serde_json::from_str(published_schema(DocumentKind::Telemetry)).unwrap_or_default();
    let mut found = Vec::new();
    walk(&schema, &schema, "", &mut found);
    found
}

fn walk(root: &Value, node: &Value, pointer: &str, found: &mut Vec<ContractField>) {
    let node = resolved(root, node);
    for branch in ["anyOf", "oneOf"].iter().filter_map(|keyword| node.get(*keyword)?.as_array()).flatten() {
        walk(root, branch, pointer, found);
    }
    for (name, property) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let pointer = format!("{pointer}/{name}");
        let field = field(root, property, pointer.clone());
        match found.iter_mut().find(|known| known.pointer == pointer) {
            None => found.push(field),
            // Each document has its own words for some fields.
            Some(known) if !known.values.contains(&field.values) => {
                known.values = format!("{}, {}", known.values, field.values);
            }
            Some(_) => {}
        }
        walk(root, property, &pointer, found);
    }
}

/// The schema that a reference names; keywords beside the reference stay.
fn resolved(root: &Value, node: &Value) -> Value {
    let target = node
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| root.pointer(reference.trim_start_matches('#')));
    let mut merged = target.and_then(Value::as_object).cloned().unwrap_or_default();
    merged.extend(node.as_object().cloned().unwrap_or_default());
    Value::Object(merged)
}

fn field(root: &Value, property: &Value, pointer: String) -> ContractField {
    let node = resolved(root, property);
    let description = node["description"].as_str().unwrap_or_default().replace('\n', " ");
    let (meaning, purpose) = description.split_once(" Purpose: ").unwrap_or((&description, ""));
    ContractField {
        pointer,
        meaning: plain(meaning),
        purpose: plain(purpose),
        values: values(root, &definition(root, property)),
        example: example(root, &node),
    }
}

/// What a property refers to, with the description of that: what the values look like is described there, and not where one
/// of them is used.
fn definition(root: &Value, property: &Value) -> Value {
    let mut reference = property.clone();
    if let Some(members) = reference.as_object_mut().filter(|members| members.contains_key("$ref")) {
        members.remove("description");
    }
    resolved(root, &reference)
}

fn values(root: &Value, node: &Value) -> String {
    let list = |words: &[Value]| words.iter().map(shown).collect::<Vec<_>>().join(", ");
    if let Some(constant) = node.get("const") {
        return shown(constant);
    }
    if let Some(words) = node["enum"].as_array() {
        return list(words);
    }
    if let Some(branches) = node["anyOf"].as_array().or(node["oneOf"].as_array()) {
        return branches
            .iter()
            .map(|branch| values(root, &resolved(root, branch)))
            .collect::<Vec<_>>()
            .join(", or ");
    }
    match (node["type"].as_str(), node.get("minimum"), node.get("maximum")) {
        (Some("integer"), Some(low), Some(high)) => format!("{low} to {high}"),
        (Some("string"), ..) => node["description"].as_str().map_or("string".to_owned(), first_sentence),
        (Some(kind), ..) => kind.to_owned(),
        _ => node["type"].as_array().map_or("object".to_owned(), |kinds| list(kinds)),
    }
}

fn first_sentence(text: &str) -> String {
    plain(text.split(" Purpose: ").next().and_then(|text| text.split(". ").next()).unwrap_or_default())
}

/// A description on one line, without the marks of its formatting.
fn plain(text: &str) -> String {
    text.trim().replace('\n', " ").replace('`', "")
}

fn example(root: &Value, node: &Value) -> Option<String> {
    let of = |node: &Map<String, Value>| {
        let first = |keyword: &str| node.get(keyword)?.as_array()?.first();
        first("examples")
            .or_else(|| node.get("const"))
            .or_else(|| first("enum"))
            .or_else(|| node.get("minimum"))
            .map(shown)
            .or_else(|| (node.get("type")? == "boolean").then(|| true.to_string()))
    };
    let branches = node["anyOf"].as_array().into_iter().flatten();
    of(node.as_object()?)
        .or_else(|| branches.into_iter().find_map(|branch| of(resolved(root, branch).as_object()?)))
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
