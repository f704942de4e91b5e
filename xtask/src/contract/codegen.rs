//! `codegen/*.schema.json`: the shapes of the strict schemas, written so that code generators make types a person would.
//!
//! Validators read any schema that says the same in the same way; generators do not. Numbered classes, untagged unions
//! and lost names come from forms that these files avoid: a description beside a `$ref`, a definition without a title of its own,
//! a list of one word somewhere else than in its property, and a union without a discriminator. Tests hold
//! each file to its strict schema: both accept and refuse the same documents.

#[cfg(test)]
mod equivalence;

use schema::{CONTRACT_VERSION, DocumentKind};
use serde_json::{Map, Value, json};

use super::file::{PublishedFile, name_of};
use super::generate::{resolved, schema_of};

/// The property that distinguishes the telemetry documents.
const DISCRIMINATOR: &str = "event_name";

/// The property that has one word in each kind of document.
const TAG: &str = "event_category";

/// The files for generators.
pub(super) fn files() -> Vec<PublishedFile> {
    let of_kind = DocumentKind::ALL
        .map(|kind| PublishedFile::json(format!("codegen/{}", kind.schema_file()), &schema_for(kind)));
    let tagged = PublishedFile::json("codegen/telemetry-tagged.schema.json", &tagged());
    of_kind.into_iter().chain([tagged]).collect()
}

/// The schema of `kind` for generators: definitions with a title each, bare references, and a union with a discriminator.
pub(super) fn schema_for(kind: DocumentKind) -> Value {
    // Where a generator can see it: behind a reference it makes a type of one word.
    titled(kind, &|definition| definition.get("const").is_some())
}

/// The schema of `kind` with a title for each definition, those written in place that `in_place` says.
fn titled(kind: DocumentKind, in_place: &dyn Fn(&Value) -> bool) -> Value {
    let strict = schema_of(kind).to_value();
    let mut schema = rewritten(&strict, &strict, in_place);
    let definitions = schema["$defs"].as_object_mut().into_iter().flatten();
    for (name, definition) in definitions {
        definition["title"] = json!(name);
        // The pattern is stricter. Generators that see the format make a type that also accepts upper case and versions that
        // are no random ids.
        let of_uuid =
            definition.as_object_mut().filter(|members| members.get("format") == Some(&json!("uuid")));
        of_uuid.and_then(|members| members.remove("format"));
    }
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        definitions.retain(|_, definition| !in_place(definition));
    }
    schema["title"] = json!(root_name(kind));
    schema["$id"] =
        json!(format!("urn:productive-k3s:contract:codegen:{}:{CONTRACT_VERSION}", name_of(kind)));
    if let Some(branches) = schema.as_object_mut().and_then(|root| root.remove("anyOf")) {
        schema["discriminator"] = discriminator(&schema, &branches);
        schema["oneOf"] = branches;
    }
    schema
}

/// Name of the root in generated code.
pub(super) const fn root_name(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::RunManifest => "RunManifest",
        DocumentKind::Telemetry => "TelemetryDocument",
    }
}

/// The telemetry schema with its branches in place, for generators that look for the tag of a union in the branches and
/// not behind references, as typify does. Of the lists of one word, only the tags are written in place: it makes free
/// text of a constant, and a type of a definition.
fn tagged() -> Value {
    let strict = schema_of(DocumentKind::Telemetry).to_value();
    let tags: Vec<Value> = strict["anyOf"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|branch| resolved(&strict, &resolved(&strict, branch).1["properties"][TAG]).1.clone())
        .collect();
    let mut schema = titled(DocumentKind::Telemetry, &|definition| tags.contains(definition));
    for definition in schema["$defs"].as_object_mut().into_iter().flatten().map(|(_, definition)| definition)
    {
        if let Some(word) = definition.as_object_mut().and_then(|members| members.remove("const")) {
            definition["enum"] = json!([word]);
        }
    }
    let definitions = schema["$defs"].as_object().cloned().unwrap_or_default();
    let mut inlined = Vec::new();
    for branch in schema["oneOf"].as_array_mut().into_iter().flatten() {
        if let Some(name) = definition_of(branch)
            && let Some(definition) = definitions.get(&name)
        {
            *branch = definition.clone();
            inlined.push(name);
        }
    }
    if let Some(root) = schema.as_object_mut() {
        root.remove("discriminator");
        if let Some(definitions) = root.get_mut("$defs").and_then(Value::as_object_mut) {
            definitions.retain(|name, _| !inlined.contains(name));
        }
    }
    schema["$id"] = json!(format!("urn:productive-k3s:contract:codegen:telemetry-tagged:{CONTRACT_VERSION}"));
    schema
}

/// The OpenAPI object: which definition each word of the discriminator leads to.
fn discriminator(schema: &Value, branches: &Value) -> Value {
    let mut mapping = Map::new();
    for branch in branches.as_array().into_iter().flatten() {
        let kind = definition_of(branch).map_or(&Value::Null, |name| &schema["$defs"][name]);
        for word in words_of(schema, &kind["properties"][DISCRIMINATOR]) {
            mapping.insert(word, branch["$ref"].clone());
        }
    }
    json!({ "propertyName": DISCRIMINATOR, "mapping": mapping })
}

/// The words that a property may be.
pub(super) fn words_of(schema: &Value, property: &Value) -> Vec<String> {
    let list = definition_of(property).map_or(property, |name| &schema["$defs"][name]);
    let words = list["enum"].as_array().cloned().unwrap_or_else(|| vec![list["const"].clone()]);
    words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

/// Name of the definition that `schema` refers to.
pub(super) fn definition_of(schema: &Value) -> Option<String> {
    schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()).map(str::to_owned)
}

/// `schema` with bare references, and in place of some what they refer to.
fn rewritten(root: &Value, schema: &Value, in_place: &dyn Fn(&Value) -> bool) -> Value {
    match schema {
        Value::Object(members) => match definition_of(schema) {
            Some(name) if in_place(&root["$defs"][&name]) => {
                let mut constant = root["$defs"][&name].clone();
                constant["description"] =
                    members.get("description").cloned().unwrap_or_else(|| constant["description"].clone());
                constant
            }
            Some(_) => json!({ "$ref": members["$ref"] }),
            None => members
                .iter()
                .map(|(name, member)| (name.clone(), rewritten(root, member, in_place)))
                .collect(),
        },
        Value::Array(items) => items.iter().map(|item| rewritten(root, item, in_place)).collect(),
        other => other.clone(),
    }
}
