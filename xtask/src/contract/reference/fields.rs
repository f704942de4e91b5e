//! The properties of objects in tables, and possible values in words.

use std::fmt::Write;

use schema::VOCABULARIES;
use serde_json::Value;

use crate::contract::generate::resolved;

const HEADING: &str = "| field | type, values, bounds | present | meaning | why it is collected | example |\n|---|---|---|---|---|---|\n";

/// The description of an object and a table of its properties, with the values from `example`.
pub(super) fn object(root: &Value, object: &Value, example: &Value) -> String {
    let description = object["description"].as_str().map(plain).unwrap_or_default();
    format!("{description}\n\n{}", table(root, object, example, |_| true))
}

/// A table of the properties of `object` that `wanted` names.
pub(super) fn table(root: &Value, object: &Value, example: &Value, wanted: impl Fn(&str) -> bool) -> String {
    let mut text = HEADING.to_owned();
    let properties = object["properties"].as_object().into_iter().flatten();
    for (name, property) in properties.filter(|(name, _)| wanted(name)) {
        let required =
            object["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name));
        let description = property["description"].as_str().map(plain).unwrap_or_default();
        // The lint demands a purpose of each property.
        let (meaning, purpose) = description.split_once(" Purpose: ").unwrap_or((&description, ""));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| `{name}` | {} | {} | {meaning} | {} | {} |",
            words_of(root, property),
            if required { "always" } else { "where it applies" },
            sentence(purpose),
            example_of(root, property, &example[name]),
        );
    }
    text
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// The value itself if it is short, else where to find it.
fn example_of(root: &Value, property: &Value, value: &Value) -> String {
    match value {
        Value::Object(_) => "see there".to_owned(),
        Value::Null => match resolved(root, property).1["title"].as_str() {
            Some(_) => "see there".to_owned(),
            None => "`null`".to_owned(),
        },
        value => format!("`{value}`"),
    }
}

/// A section for every object inside the root of a schema, in the order of their first mention.
pub(super) fn objects_below(root: &Value, example: &Value) -> String {
    let mut seen = Vec::new();
    let mut text = String::new();
    sections(root, root, example, &mut seen, &mut text);
    text
}

/// Adds a section for each object that `object` holds, and for those inside it.
pub(super) fn sections(
    root: &Value,
    object: &Value,
    example: &Value,
    seen: &mut Vec<String>,
    text: &mut String,
) {
    for (name, property) in object["properties"].as_object().into_iter().flatten() {
        let inner = resolved(root, property).1;
        let Some(title) = inner["title"].as_str() else { continue };
        // An object of several documents is described once; a link leads there.
        if seen.iter().any(|known| known == title) {
            continue;
        }
        seen.push(title.to_owned());
        let _ = write!(
            text,
            "### {title}\n\n{}\n",
            self::object(root, inner, &sample(root, inner, &example[name]))
        );
        sections(root, inner, &example[name], seen, text);
    }
}

/// The example, or where it lacks the object, the first word of each list.
fn sample(root: &Value, object: &Value, example: &Value) -> Value {
    if example.is_object() {
        return example.clone();
    }
    let properties = object["properties"].as_object().into_iter().flatten();
    properties.map(|(name, property)| (name.clone(), resolved(root, property).1["enum"][0].clone())).collect()
}

/// The anchor of a heading, as common renderers of Markdown make it.
pub(super) fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-").replace('`', "")
}

fn link(heading: &str) -> String {
    format!("[{heading}](#{})", anchor(heading))
}

/// Type, values and bounds of a property.
pub(super) fn words_of(root: &Value, property: &Value) -> String {
    if let Some(branches) = property["anyOf"].as_array() {
        let words: Vec<String> = branches.iter().map(|branch| words_of(root, branch)).collect();
        return words.join(" or ");
    }
    let (name, schema) = resolved(root, property);
    if !schema["const"].is_null() {
        return constant(name, &schema["const"]);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        only => only.as_str().into_iter().collect(),
    };
    let words: Vec<String> = types.iter().map(|kind| of_type(kind, name, schema)).collect();
    words.join(" or ")
}

/// A single value, with the meaning from its list of one word.
fn constant(name: Option<&str>, value: &Value) -> String {
    let list = VOCABULARIES.iter().find(|list| Some(list.name) == name);
    let meaning = list.and_then(|list| list.words.first()).map(|word| format!(": {}", plain(word.meaning)));
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("always `{value}`{}", meaning.unwrap_or_default().trim_end_matches('.'))
}

fn of_type(kind: &str, name: Option<&str>, schema: &Value) -> String {
    match (kind, name) {
        ("object", _) => format!("object: {}", link(schema["title"].as_str().unwrap_or_default())),
        ("string", Some(name)) => link(name),
        ("integer", _) => format!("integer from {} to {}", schema["minimum"], schema["maximum"]),
        (kind, _) => kind.to_owned(),
    }
}

/// The strings that are not words of a list: each definition with its form.
pub(super) fn forms(root: &Value) -> String {
    let mut text = String::from(
        "## Forms of strings\n\nPrintable ASCII only. A string must match its pattern as a whole, its length and, where \
         one is named, its format.\n",
    );
    let definitions = root["$defs"].as_object().into_iter().flatten();
    for (name, definition) in definitions.filter(|(_, definition)| definition.get("pattern").is_some()) {
        let field = |field: &str| definition[field].as_str().map(plain).unwrap_or_default();
        let examples = definition["examples"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let examples: Vec<String> = examples.map(|text| format!("`{text}`")).collect();
        let format = match field("format") {
            format if format.is_empty() => String::new(),
            format => format!(", format `{format}`"),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n### {name}\n\n{}\n\n- Pattern `{}`, at most {} characters{format}\n- For example {}\n",
            field("description"),
            field("pattern"),
            definition["maxLength"],
            examples.join(", "),
        );
    }
    text
}

/// Text of a doc comment on one line.
pub(super) fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
