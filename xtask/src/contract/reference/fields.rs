//! Tables of the properties of objects.

use std::fmt::Write;

use serde_json::Value;

use super::kinds::{resolved, words_of};
use super::plain;

const HEADING: &str = "| field | type, values, bounds | present | meaning | why it is collected | example |\n|---|---|---|---|---|---|\n";

/// What an object is and a table of its properties, with the values that `example` has.
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

/// The value itself where it is short, else where to see it.
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
