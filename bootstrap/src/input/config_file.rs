//! The config file: YAML whose keys are those of the inputs, and the JSON Schema of it for editors.
//!
//! The file is read as a tree and not by a serde derive of the inputs: a mistyped key is answered with the nearest known
//! one, no message quotes the file, and a value may be written as text, number or switch as in any other source.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema as schema};
use serde_json::{Map, Value, json};

use super::declaration::{AnyInput, Declaration, InputField};
use super::error::{ConfigFault, InputError};
use super::inputs::Inputs;
use super::value::nearest;

/// A config file holds forty short values; anything of this size is another file.
const MAX_BYTES: u64 = 256 * 1024;

/// Values by key, in the order of the file.
type Values = Vec<(&'static str, String)>;

/// Reads the file.
///
/// # Errors
/// What is wrong with the file or with its form. Values are not checked here.
pub(super) fn read(path: &Path) -> Result<Values, InputError> {
    let unreadable = |source| InputError::ConfigUnreadable { path: path.into(), source };
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
        .map_err(unreadable)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(InputError::ConfigTooLarge { path: path.into(), limit: MAX_BYTES });
    }
    parse(&text).map_err(|source| InputError::ConfigMalformed { path: path.into(), source })
}

fn parse(text: &str) -> Result<Values, ConfigFault> {
    let tree: Value = serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map(|place| (place.line(), place.column()));
        ConfigFault::NotYaml { place }
    })?;
    let mut values = Vec::new();
    match tree {
        Value::Null => {}
        Value::Object(object) => flatten("", object, &mut values)?,
        _ => return Err(ConfigFault::NotAMapping),
    }
    Ok(values)
}

fn flatten(parent: &str, object: Map<String, Value>, values: &mut Values) -> Result<(), ConfigFault> {
    for (name, value) in object {
        let key = if parent.is_empty() { name } else { format!("{parent}.{name}") };
        match (keys().find(|known| *known == key), value) {
            (Some(known), value) => values.push((known, scalar(known, value)?)),
            (None, Value::Object(inner)) if is_section(&key) => flatten(&key, inner, values)?,
            (None, _) if is_section(&key) => return Err(ConfigFault::NotASection { section: key }),
            (None, _) => return Err(unknown(&key)),
        }
    }
    Ok(())
}

fn specs() -> impl Iterator<Item = &'static Declaration> {
    Inputs::declared().inputs().into_iter().map(AnyInput::declaration)
}

fn keys() -> impl Iterator<Item = &'static str> {
    specs().map(|spec| spec.key.as_str())
}

fn is_section(key: &str) -> bool {
    keys().any(|known| known.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
}

fn unknown(key: &str) -> ConfigFault {
    let sections = keys().filter_map(|key| Some(key.split_once('.')?.0));
    // What is not shaped like a key is not repeated: it may be a value that slipped into the wrong place.
    let shaped = key.len() <= 64
        && key.bytes().all(|byte| byte.is_ascii_lowercase() || b"_.0123456789".contains(&byte));
    ConfigFault::UnknownKey {
        key: shaped.then(|| key.to_owned()),
        nearest: nearest(key, keys().chain(sections)).map(str::to_owned),
    }
}

fn scalar(key: &'static str, value: Value) -> Result<String, ConfigFault> {
    let key = key.to_owned();
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        // YAML reads 1.10 as the number 1.1, so a version has to be quoted.
        Value::Number(_) => Err(ConfigFault::Unquoted { key }),
        Value::Null => Err(ConfigFault::NoValue { key }),
        Value::Array(_) | Value::Object(_) => Err(ConfigFault::NotAScalar { key }),
    }
}

/// JSON Schema of the config file.
pub fn config_schema() -> Value {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Inputs>();
    // What the document is stands at its top: the order of keys is free, and people open the file too.
    let mut document =
        Map::from_iter(["$schema", "title"].map(|key| (key.to_owned(), json!(schema.get(key)))));
    document.extend(schema.as_object().cloned().unwrap_or_default());
    Value::Object(document)
}

impl JsonSchema for Inputs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Config file of Productive K3S".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut root = section();
        for spec in specs() {
            let (sections, name) = spec.key.rsplit_once('.').unwrap_or(("", &spec.key));
            let mut place = &mut root;
            for part in sections.split('.').filter(|part| !part.is_empty()) {
                let sections = &mut place["properties"];
                if sections.get(part).is_none() {
                    sections[part] = section();
                }
                place = &mut sections[part];
            }
            place["properties"][name] = property(spec, generator).to_value();
        }
        root.try_into().unwrap_or_else(|_| schema!(true))
    }
}

fn section() -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": {} })
}

/// The schema of the type, with the words and the default of this input.
fn property(spec: &Declaration, generator: &mut SchemaGenerator) -> Schema {
    let mut property = (spec.schema)(generator);
    let derived = spec.derived_default.map_or_else(String::new, |derived| format!(" [default: {derived}]"));
    property.insert("description".to_owned(), json!(format!("{}{derived}", spec.help)));
    if let Some(default) = spec.default {
        let is_text = property.get("type").is_none_or(|name| name == "string");
        // `true` and `20` are written the same in JSON, so that a default needs no second form.
        let value = if is_text { json!(default) } else { default.parse().unwrap_or(json!(default)) };
        property.insert("default".to_owned(), value);
    }
    property
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_all_types_are_read_by_key() {
        let text = "mode: agent\nagent:\n  server_url: https://s:6443\nlonghorn:\n  replica_count: 3\n  make_default: true\n";
        let expected = [
            ("mode", "agent"),
            ("agent.server_url", "https://s:6443"),
            ("longhorn.replica_count", "3"),
            ("longhorn.make_default", "true"),
        ];
        let found = parse(text).expect("valid");
        assert_eq!(found.iter().map(|(key, value)| (*key, value.as_str())).collect::<Vec<_>>(), expected);
        assert_eq!(parse(""), Ok(vec![]));
    }

    #[test]
    fn faults_are_named_without_values() {
        let unknown = |key: Option<&str>, nearest: Option<&str>| ConfigFault::UnknownKey {
            key: key.map(str::to_owned),
            nearest: nearest.map(str::to_owned),
        };
        for (text, fault) in [
            ("moed: server", unknown(Some("moed"), Some("mode"))),
            ("agent:\n  server_ulr: x", unknown(Some("agent.server_ulr"), Some("agent.server_url"))),
            ("agent: hunter2", ConfigFault::NotASection { section: "agent".to_owned() }),
            ("mode: [server]", ConfigFault::NotAScalar { key: "mode".to_owned() }),
            ("mode:", ConfigFault::NoValue { key: "mode".to_owned() }),
            ("versions:\n  k3s: 1.10", ConfigFault::Unquoted { key: "versions.k3s".to_owned() }),
            ("Secret Canary: 1", unknown(None, None)),
            ("- a\n- b", ConfigFault::NotAMapping),
        ] {
            assert_eq!(parse(text), Err(fault), "{text}");
        }
        for text in ["mode: server\nmode: agent", "a: [canary", "a: b: canary", "\"canary"] {
            assert!(matches!(parse(text), Err(ConfigFault::NotYaml { .. })), "{text}");
        }
    }

    #[test]
    fn the_committed_schema_is_that_of_the_inputs() {
        let committed: Value = serde_json::from_str(include_str!("../../config.schema.json")).expect("JSON");
        assert_eq!(
            committed,
            config_schema(),
            "fix it with: bootstrap config-schema > bootstrap/config.schema.json"
        );
    }
}
