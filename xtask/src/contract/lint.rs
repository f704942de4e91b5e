//! A lint over the generated schemas: proves that the contract holds no free text.
//!
//! It reads the schemas and not the Rust types, because receivers and the gate check the schemas; so it also finds a type
//! with a wrong schema. What is not known to be harmless is a fault.

use schema::DocumentKind;
use serde_json::Value;

use super::generate::schema_of;

/// A place in a schema that breaks a rule of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    /// JSON pointer into the schema.
    pointer: String,
    /// What is wrong there.
    rule: &'static str,
}

/// Formats that validators of every language know. Others are refused by strict ones.
const STANDARD_FORMATS: [&str; 2] = ["date-time", "uuid"];

/// The faults of every published schema, ready to print.
pub(crate) fn faults_of_all() -> Vec<String> {
    let kinds = DocumentKind::ALL.into_iter();
    kinds
        .flat_map(|kind| {
            let faults = lint(&schema_of(kind).to_value()).into_iter();
            faults.map(move |Fault { pointer, rule }| format!("{}: {pointer}: {rule}", kind.schema_file()))
        })
        .collect()
}

/// Every keyword that the contract uses. Strict validators refuse to load a schema with a keyword that they do not know,
/// and one that is ignored says nothing: a new keyword is a decision, so it is added here first.
const KEYWORDS: [&str; 21] = [
    "$schema",
    "$id",
    "$defs",
    "$ref",
    "title",
    "description",
    "examples",
    "type",
    "const",
    "enum",
    "anyOf",
    "not",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "properties",
    "required",
    "additionalProperties",
];

/// Everything in `schema` that breaks a rule; empty for a sound schema.
fn lint(schema: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    let titled = schema.get("title").is_some() && schema.get("$id").is_some();
    if !titled {
        faults.push(Fault { pointer: String::new(), rule: "a published schema has a title and an $id" });
    }
    visit(schema, "", &mut faults);
    for (name, definition) in schema.get("$defs").and_then(Value::as_object).into_iter().flatten() {
        visit(definition, &format!("/$defs/{name}"), &mut faults);
    }
    faults
}

fn visit(schema: &Value, pointer: &str, faults: &mut Vec<Fault>) {
    let mut check = |holds: bool, rule| {
        if !holds {
            faults.push(Fault { pointer: pointer.to_owned(), rule });
        }
    };
    let Some(object) = schema.as_object() else {
        return check(false, "a schema that is only true or false says nothing of its values");
    };
    let is = |name: &str| match object.get("type") {
        Some(Value::Array(names)) => names.iter().any(|known| known == name),
        known => known.is_some_and(|known| known == name),
    };
    let fixed = object.contains_key("enum") || object.contains_key("const");
    let elsewhere = object.contains_key("$ref") || object.contains_key("anyOf");
    check(
        object.keys().all(|keyword| KEYWORDS.contains(&keyword.as_str())),
        "keywords are those of the dialect",
    );
    check(fixed || elsewhere || object.contains_key("type"), "a schema states a type");
    check(
        // Validators of older drafts know this keyword, and not `unevaluatedProperties`.
        !is("object") || object.get("additionalProperties") == Some(&Value::Bool(false)),
        "an object is closed",
    );
    check(!is("object") || object.contains_key("properties"), "an object names its properties");
    // Nothing needs one, and the length and order of a list help to distinguish hosts.
    check(!is("array"), "the contract has no lists");
    // Languages write fractions differently, so the same document would have several texts.
    check(!is("number"), "numbers are whole");
    check(!is("integer") || bounded(object), "an integer has both bounds");
    check(
        !is("string") || fixed || patterned(object),
        "a string is a word of a list, or has an anchored pattern and a maximum length",
    );
    check(!object.contains_key("patternProperties"), "properties are named one by one");
    let format = object.get("format").and_then(Value::as_str);
    check(format.is_none_or(|format| STANDARD_FORMATS.contains(&format)), "formats are standard ones");
    visit_children(object, pointer, faults);
}

fn bounded(object: &serde_json::Map<String, Value>) -> bool {
    object.contains_key("minimum") && object.contains_key("maximum")
}

fn patterned(object: &serde_json::Map<String, Value>) -> bool {
    let pattern = object.get("pattern").and_then(Value::as_str).unwrap_or_default();
    // `\\d` and `\\w` mean other characters in each language; without both anchors a pattern is only searched for.
    pattern.is_ascii()
        && pattern.starts_with('^')
        && pattern.ends_with('$')
        && !pattern.contains("\\d")
        && !pattern.contains("\\w")
        && object.contains_key("maxLength")
}

fn visit_children(object: &serde_json::Map<String, Value>, pointer: &str, faults: &mut Vec<Fault>) {
    for (name, property) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let pointer = format!("{pointer}/properties/{name}");
        let description = property.get("description").and_then(Value::as_str).unwrap_or_default();
        if !description.contains("Purpose: ") {
            faults.push(Fault {
                pointer: pointer.clone(),
                rule: "a property says its meaning and its purpose",
            });
        }
        visit(property, &pointer, faults);
    }
    for (index, branch) in object.get("anyOf").and_then(Value::as_array).into_iter().flatten().enumerate() {
        // Null has no bounds to check.
        if branch.get("type").is_none_or(|name| name != "null") {
            visit(branch, &format!("{pointer}/anyOf/{index}"), faults);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_published_schemas_are_sound() {
        assert_eq!(faults_of_all(), Vec::<String>::new());
    }

    #[test]
    fn every_list_of_words_is_registered() {
        let mut declared = BTreeSet::new();
        for kind in DocumentKind::ALL {
            let schema = schema_of(kind).to_value();
            let definitions = schema["$defs"].as_object().cloned().unwrap_or_default();
            let is_list = |definition: &Value| {
                definition.get("enum").or(definition.get("const")).is_some_and(|words| !words.is_boolean())
            };
            declared.extend(definitions.into_iter().filter(|(_, list)| is_list(list)).map(|(name, _)| name));
        }
        let registered: BTreeSet<String> =
            schema::VOCABULARIES.iter().map(|vocabulary| vocabulary.name.to_owned()).collect();
        assert_eq!(registered, declared);
    }

    /// A sound schema with `property` as its only property.
    fn with_property(property: &Value) -> Value {
        json!({ "title": "T", "$id": "urn:x", "type": "object", "additionalProperties": false,
                "properties": { "p": property } })
    }

    #[test]
    fn each_rule_finds_its_fault() {
        let described = |mut schema: Value| {
            schema["description"] = json!("A thing. Purpose: to test.");
            with_property(&schema)
        };
        let faulty = [
            described(json!({ "type": "object", "properties": {} })),
            described(json!({ "type": "object", "additionalProperties": false })),
            described(
                json!({ "type": "object", "additionalProperties": { "type": "boolean" }, "properties": {} }),
            ),
            described(json!({ "type": "string" })),
            described(json!({ "type": "string", "pattern": "^a$" })),
            described(json!({ "type": "string", "maxLength": 3 })),
            described(json!({ "type": "string", "pattern": "a", "maxLength": 3 })),
            described(json!({ "type": "string", "pattern": "^\\d$", "maxLength": 3 })),
            described(json!({ "type": ["string", "null"] })),
            described(json!({ "type": "integer" })),
            described(json!({ "type": "integer", "minimum": 0 })),
            described(json!({ "type": "number", "minimum": 0, "maximum": 1 })),
            described(json!({ "type": "array" })),
            described(json!({})),
            described(json!({ "type": "boolean", "x-note": 1 })),
            described(json!({ "type": "integer", "minimum": 0, "maximum": 9, "multipleOf": 2 })),
            described(json!({ "enum": ["a"], "format": "uint8" })),
            with_property(&json!({ "type": "boolean" })),
            with_property(&json!({ "type": "boolean", "description": "No reason given." })),
            with_property(&json!(true)),
            json!({ "type": "object", "additionalProperties": false, "properties": {} }),
        ];
        for schema in faulty {
            assert!(!lint(&schema).is_empty(), "no fault found in {schema}");
        }
        assert_eq!(lint(&described(json!({ "type": "boolean" }))), []);
    }
}
