//! JSON Schemas from the types.

use schema::{CONTRACT_VERSION, DocumentKind, RunManifest, TelemetryDocument};
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::file::name_of;

/// The schema of `kind` as it is published: JSON Schema 2020-12, self-contained, closed.
pub(super) fn schema_of(kind: DocumentKind) -> Schema {
    let mut schema = match kind {
        DocumentKind::RunManifest => generate::<RunManifest>(),
        DocumentKind::Telemetry => generate::<TelemetryDocument>(),
    };
    let name = name_of(kind);
    // A URN names the exact version and cannot be fetched: a validator that tried would inform a server.
    schema.insert("$id".to_owned(), json!(format!("urn:productive-k3s:contract:{name}:{CONTRACT_VERSION}")));
    schema
}

/// The definition that `schema` refers to, with its name; `schema` itself where it refers to none.
pub(super) fn resolved<'a>(root: &'a Value, schema: &'a Value) -> (Option<&'a str>, &'a Value) {
    let reference = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    match reference.and_then(|pointer| Some((pointer.rsplit('/').next()?, root.pointer(pointer)?))) {
        Some((name, target)) => (Some(name), target),
        None => (None, schema),
    }
}

fn generate<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        // What the program writes is what receivers check; reading is more lenient about absent fields.
        .for_serialize()
        .with_transform(AbsentIsNotNull)
        .with_transform(RecursiveTransform(drop_integer_formats))
        .with_transform(RecursiveTransform(guard_strings))
        .into_generator()
        .into_root_schema_for::<T>()
}

/// An optional property without a value is absent, never null: two forms with one meaning would make
/// receivers handle both.
#[derive(Clone, Debug)]
struct AbsentIsNotNull;

impl Transform for AbsentIsNotNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        let required: Vec<String> = object
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
            .unwrap_or_default();
        let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else { return };
        for (name, property) in properties.iter_mut() {
            if let (false, Some(property)) = (required.contains(name), property.as_object_mut()) {
                drop_null(property);
            }
        }
    }
}

fn drop_null(property: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            property.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(branches)) = property.get_mut("anyOf") else { return };
    branches.retain(|branch| branch.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(only)] = branches.as_slice() {
        let only = only.clone();
        property.remove("anyOf");
        property.extend(only);
    }
}

/// Formats such as `uint8` are this generator's own: strict validators refuse formats they do not know.
fn drop_integer_formats(schema: &mut Schema) {
    let numeric = schema.get("type").is_some_and(|kind| {
        kind == "integer" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("integer")))
    });
    if numeric && let Some(object) = schema.as_object_mut() {
        object.remove("format");
    }
}

/// In some languages `$` also matches before a trailing line feed, so each patterned string is limited to printable ASCII
/// as well.
fn guard_strings(schema: &mut Schema) {
    if let Some(object) = schema.as_object_mut()
        && object.contains_key("pattern")
        && object.contains_key("maxLength")
        // A string with a format has a fixed length, so nothing can follow it.
        && !object.contains_key("format")
    {
        object.insert("not".to_owned(), json!({ "pattern": "[^ -~]" }));
    }
}
