//! The config file: YAML whose keys are those of the inputs.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::declaration::{DECLARATIONS, Declaration};
use super::error::{ConfigFault, InputError};
use super::value::nearest;

/// A config file holds forty short values; anything of this size is another file.
const MAX_BYTES: u64 = 256 * 1024;

/// A value of the file, as it would be written in a flag.
type Entry = (&'static Declaration, String);

/// Reads the file and returns its values by input, in the order of the file.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, InputError> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
        .map_err(|source| InputError::UnreadableConfig { path: path.to_owned(), source })?;
    if text.len() as u64 > MAX_BYTES {
        return Err(InputError::LargeConfig { path: path.to_owned(), max: MAX_BYTES });
    }
    parse(&text).map_err(|fault| InputError::Config { path: path.to_owned(), fault })
}

fn parse(text: &str) -> Result<Vec<Entry>, ConfigFault> {
    let tree: Value = serde_saphyr::from_str(text).map_err(|error| ConfigFault::Yaml {
        place: error.location().map(|place| (place.line(), place.column())),
    })?;
    let mut values = Vec::new();
    match tree {
        Value::Null => {}
        Value::Object(object) => flatten("", object, &mut values)?,
        _ => return Err(ConfigFault::NoMapping),
    }
    Ok(values)
}

fn flatten(prefix: &str, object: Map<String, Value>, values: &mut Vec<Entry>) -> Result<(), ConfigFault> {
    for (name, value) in object {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match (Declaration::find(&key), value) {
            (None, Value::Object(inner)) if is_section(&key) => flatten(&key, inner, values)?,
            (None, _) if is_section(&key) => return Err(ConfigFault::NoSection(key)),
            (None, _) => return Err(unknown(&key)),
            (Some(input), value) => values.push((input, scalar(key, value)?)),
        }
    }
    Ok(())
}

fn is_section(key: &str) -> bool {
    DECLARATIONS.iter().any(|input| input.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
}

fn unknown(key: &str) -> ConfigFault {
    let keys = DECLARATIONS.iter().map(|input| input.key.as_str());
    let sections = DECLARATIONS.iter().filter_map(|input| Some(input.key.split_once('.')?.0));
    let shaped = key.len() <= 64
        && key.bytes().all(|byte| byte.is_ascii_lowercase() || b"_.0123456789".contains(&byte));
    ConfigFault::UnknownKey {
        key: shaped.then(|| key.to_owned()),
        nearest: nearest(key, keys.chain(sections)).map(str::to_owned),
    }
}

fn scalar(key: String, value: Value) -> Result<String, ConfigFault> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        Value::Number(_) => Err(ConfigFault::Unquoted(key)),
        Value::Null => Err(ConfigFault::NoValue(key)),
        Value::Array(_) | Value::Object(_) => Err(ConfigFault::NotSingle(key)),
    }
}

/// JSON Schema of the config file, from the types of the inputs.
pub fn config_schema() -> Value {
    let mut generator =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).into_generator();
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Config file of Productive K3S",
        "type": "object",
        "additionalProperties": false,
        "properties": {},
    });
    for input in DECLARATIONS.iter() {
        let mut place = &mut root;
        let mut parts = input.key.split('.').peekable();
        while let Some(part) = parts.next() {
            let fresh = if parts.peek().is_some() {
                json!({ "type": "object", "additionalProperties": false, "properties": {} })
            } else {
                described(input, input.schema(&mut generator).to_value())
            };
            let properties = &mut place["properties"];
            if properties.get(part).is_none() {
                properties[part] = fresh;
            }
            place = &mut properties[part];
        }
    }
    root
}

/// The schema of a value with what the declaration says of it beyond its type.
fn described(input: &Declaration, mut schema: Value) -> Value {
    schema["description"] = json!(input.help);
    if let Some(default) = input.default {
        // The file takes a number or a switch bare; a version must stay text.
        let is_text = schema["type"] == "string" || !input.words.is_empty();
        let bare = serde_json::from_str::<Value>(default).ok().filter(|_| !is_text);
        schema["default"] = bare.unwrap_or_else(|| json!(default));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Result<Vec<(&'static str, String)>, String> {
        let values = parse(text).map_err(|fault| fault.to_string())?;
        Ok(values.into_iter().map(|(input, value)| (input.key.as_str(), value)).collect())
    }

    #[test]
    fn values_of_all_types_are_read_by_key() {
        let text = "mode: agent\nagent:\n  server_url: https://s:6443\nlonghorn:\n  replica_count: 3\n  make_default: true\n";
        let expected = [
            ("mode", "agent"),
            ("agent.server_url", "https://s:6443"),
            ("longhorn.replica_count", "3"),
            ("longhorn.make_default", "true"),
        ];
        let found = keys(text).expect("valid");
        assert_eq!(found.iter().map(|(key, value)| (*key, value.as_str())).collect::<Vec<_>>(), expected);
        assert_eq!(keys(""), Ok(vec![]));
    }

    #[test]
    fn faults_are_named_without_values() {
        for (text, message) in [
            ("moed: server", "unknown key moed; did you mean mode?"),
            ("agent:\n  server_ulr: x", "unknown key agent.server_ulr; did you mean agent.server_url?"),
            ("agent: hunter2", "agent must be a mapping"),
            ("mode: [server]", "mode must be a single value"),
            ("mode:", "mode has no value"),
            ("versions:\n  k3s: 1.10", "versions.k3s must be in quotes, or it is read as a number"),
            ("Secret Canary: 1", "unknown key"),
            ("- a\n- b", "must be a mapping of keys to values"),
        ] {
            assert_eq!(keys(text), Err(message.to_owned()), "{text}");
        }
        for text in ["mode: server\nmode: agent", "a: [canary", "a: b: canary", "\"canary"] {
            let message = keys(text).expect_err("malformed");
            assert!(message.starts_with("not valid YAML") && !message.contains("canary"), "{message}");
        }
    }

    #[test]
    fn the_committed_schema_is_what_the_table_says() {
        let committed: Value = serde_json::from_str(include_str!("../../config.schema.json")).expect("JSON");
        assert_eq!(
            committed,
            config_schema(),
            "regenerate it: bootstrap config-schema > bootstrap/config.schema.json"
        );
    }
}
