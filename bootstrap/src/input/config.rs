//! The config file: YAML whose keys are those of the table.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::nearest::suggestion;
use super::table::{INPUTS, Input};
use crate::exit::Failure;

/// A config file holds forty short values; anything of this size is another file.
const MAX_BYTES: u64 = 256 * 1024;

/// Reads the file and returns its values by input, in the order of the file.
pub(super) fn read(path: &Path) -> Result<Vec<(&'static Input, String)>, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("cannot read config {}: {error}", path.display()));
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
        .map_err(unreadable)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Failure::usage(format!("config {} is larger than {MAX_BYTES} bytes", path.display())));
    }
    parse(&text).map_err(|problem| {
        Failure::usage(format!("config {}: {problem}", path.display()))
            .hint("`bootstrap config-schema` prints the JSON Schema of the file")
    })
}

fn parse(text: &str) -> Result<Vec<(&'static Input, String)>, String> {
    // The parser's own message quotes the file, which may hold anything, so only the place is told.
    let tree: Value = serde_saphyr::from_str(text).map_err(|error| match error.location() {
        Some(place) => format!("not valid YAML at line {}, column {}", place.line(), place.column()),
        None => "not valid YAML".to_owned(),
    })?;
    let mut values = Vec::new();
    match tree {
        Value::Null => {}
        Value::Object(object) => flatten("", object, &mut values)?,
        _ => return Err("must be a mapping of keys to values".to_owned()),
    }
    Ok(values)
}

fn flatten(
    prefix: &str,
    object: Map<String, Value>,
    values: &mut Vec<(&'static Input, String)>,
) -> Result<(), String> {
    for (name, value) in object {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match (Input::find(&key), value) {
            (None, Value::Object(inner)) if is_section(&key) => flatten(&key, inner, values)?,
            (None, _) if is_section(&key) => return Err(format!("{key} must be a mapping")),
            (None, _) => return Err(unknown(&key)),
            (Some(input), value) => values.push((input, scalar(&key, value)?)),
        }
    }
    Ok(())
}

fn is_section(key: &str) -> bool {
    INPUTS.iter().any(|input| input.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
}

fn unknown(key: &str) -> String {
    let keys = INPUTS.iter().map(|input| input.key);
    let sections = INPUTS.iter().filter_map(|input| Some(input.key.split_once('.')?.0));
    // What is not shaped like a key is not repeated: it may be a value that slipped into the wrong place.
    let shaped = key.len() <= 64
        && key.bytes().all(|byte| byte.is_ascii_lowercase() || b"_.0123456789".contains(&byte));
    let name = if shaped { format!("unknown key {key}") } else { "unknown key".to_owned() };
    format!("{name}{}", suggestion(key, keys.chain(sections)))
}

fn scalar(key: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        // YAML reads 1.10 as the number 1.1, so a version has to be quoted.
        Value::Number(_) => Err(format!("{key} must be in quotes, or it is read as a number")),
        Value::Null => Err(format!("{key} has no value")),
        Value::Array(_) | Value::Object(_) => Err(format!("{key} must be a single value")),
    }
}

/// JSON Schema of the config file.
pub fn json_schema() -> Value {
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Config file of Productive K3S",
        "type": "object",
        "additionalProperties": false,
        "properties": {},
    });
    for input in INPUTS {
        let mut place = &mut root;
        let mut parts = input.key.split('.').peekable();
        while let Some(part) = parts.next() {
            let fresh = match parts.peek() {
                Some(_) => json!({ "type": "object", "additionalProperties": false, "properties": {} }),
                None => property(input),
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

fn property(input: &Input) -> Value {
    let mut schema = match input.kind {
        Kind::Mode => json!({ "enum": schema::Mode::ALL }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::HttpsUrl => json!({ "type": "string", "pattern": "^https://" }),
        _ => json!({ "type": "string", "minLength": 1 }),
    };
    schema["description"] = json!(input.help);
    if let Some(default) = input.default {
        schema["default"] = match input.kind {
            Kind::Switch => json!(default == "true"),
            Kind::Integer { .. } => json!(default.parse::<u32>().ok()),
            _ => json!(default),
        };
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Result<Vec<(&'static str, String)>, String> {
        parse(text).map(|values| values.into_iter().map(|(input, value)| (input.key, value)).collect())
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
            json_schema(),
            "mend it with: bootstrap config-schema > bootstrap/config.schema.json"
        );
    }
}
