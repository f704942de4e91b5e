//! How large a document can be.

use serde_json::{Value, json};

use super::generate::resolved;

/// Bytes of the largest document that `schema` accepts, written without white space and without needless escapes: strings
/// of the contract are printable ASCII and hold neither quotes nor backslashes.
pub(super) fn largest(root: &Value, schema: &Value) -> usize {
    let schema = resolved(root, schema).1;
    let text = |value: &Value| value.to_string().len();
    if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
        return branches.iter().map(|branch| largest(root, branch)).max().unwrap_or_default();
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().map(text).max().unwrap_or_default();
    }
    if let Some(word) = schema.get("const") {
        return text(word);
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    types
        .iter()
        .map(|kind| largest_of_type(root, schema, kind.as_str().unwrap_or_default()))
        .max()
        .unwrap_or_default()
}

fn largest_of_type(root: &Value, schema: &Value, kind: &str) -> usize {
    let text = |value: &Value| value.to_string().len();
    match kind {
        "object" => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            // Quotes around the name, a colon, and a comma; the last comma stands for one of the braces.
            let members = properties.map(|(name, property)| name.len() + 4 + largest(root, property));
            members.sum::<usize>() + 1
        }
        "string" => {
            schema["maxLength"].as_u64().and_then(|length| usize::try_from(length).ok()).unwrap_or(0) + 2
        }
        "integer" => text(&schema["minimum"]).max(text(&schema["maximum"])),
        "boolean" => text(&json!(false)),
        "null" => text(&Value::Null),
        // The lint lets no other type pass.
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use schema::DocumentKind;

    use super::*;
    use crate::contract::generate::schema_of;
    use crate::contract::vectors;

    #[test]
    fn the_largest_is_the_largest() {
        let schema = json!({ "type": "object", "properties": {
            "a": { "enum": ["x", "four"] },
            "b": { "anyOf": [{ "$ref": "#/$defs/B" }, { "type": "null" }] },
            "c": { "type": ["integer", "null"], "minimum": -100, "maximum": 9 },
        }, "$defs": { "B": { "type": "string", "maxLength": 2 } } });
        let document = json!({ "a": "four", "b": null, "c": -100 }).to_string();
        assert_eq!(largest(&schema, &schema), document.len());
    }

    #[test]
    fn no_document_is_larger() {
        let schema = schema_of(DocumentKind::Telemetry).to_value();
        let most = largest(&schema, &schema);
        let maximal = vectors::delivery().to_string().len();
        assert!(maximal <= most && most < 2 * maximal, "{maximal} {most}");
        assert!(most < schema::limits::MAX_DOCUMENT_BYTES);
    }
}
