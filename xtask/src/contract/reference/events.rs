//! The telemetry documents: which events there are, what all have in common, and what each adds.

use std::fmt::Write;

use serde_json::Value;

use super::kinds::{resolved, words_of};
use super::{fields, plain, vectors};
use schema::VOCABULARIES;

/// Properties that the table of events tells.
const TOLD_BY_THE_EVENT: [&str; 3] = ["event_family", "event_category", "event_name"];

/// Everything about the telemetry documents.
pub(super) fn tables(root: &Value) -> String {
    let branches = root["anyOf"].as_array().into_iter().flatten();
    let kinds: Vec<&Value> = branches.map(|branch| resolved(root, branch).1).collect();
    let Some(first) = kinds.first() else { return String::new() };
    let is_common = |name: &str| kinds.iter().all(|kind| kind["properties"].get(name).is_some());
    let in_envelope = |name: &str| is_common(name) && !TOLD_BY_THE_EVENT.contains(&name);
    let mut text = format!(
        "One document is the body of one request. {}\n\n### Events\n\n{}\n### Envelope\n\nWhat every document has.\n\n{}\n{}",
        root["description"].as_str().map(plain).unwrap_or_default(),
        events(root, &kinds),
        fields::table(root, first, &vectors::command_event(), in_envelope),
        told_by_the_event(root, first),
    );
    // Writing to a String cannot fail.
    let mut seen = vec!["Run manifest".to_owned()];
    for (kind, example) in kinds.iter().zip(examples()) {
        let body = fields::table(root, kind, &example, |name| !is_common(name));
        let title = kind["title"].as_str().unwrap_or_default();
        let description = kind["description"].as_str().map(plain).unwrap_or_default();
        let _ = write!(text, "### {title}\n\n{description} Beside the envelope:\n\n{body}\n");
        fields::sections(root, kind, &example, &mut seen, &mut text);
    }
    text
}

fn examples() -> [Value; 4] {
    [vectors::command_event(), vectors::mode_event(), vectors::component_event(), vectors::delivery()]
}

/// The three properties whose values each kind of event has of its own.
fn told_by_the_event(root: &Value, first: &Value) -> String {
    let table =
        fields::table(root, first, &vectors::command_event(), |name| TOLD_BY_THE_EVENT.contains(&name));
    format!(
        "And these, whose values go together as the table of events says; here those of a command event:\n\n{table}\n"
    )
}

/// One row an event.
fn events(root: &Value, kinds: &[&Value]) -> String {
    let mut text = String::from(
        "| `event_name` | `event_family` | `event_category` | adds | sent when |\n|---|---|---|---|---|\n",
    );
    for kind in kinds {
        let property = |name: &str| resolved(root, &kind["properties"][name]);
        let constant = |name: &str| property(name).1["const"].as_str().unwrap_or_default();
        let body = kind["properties"].as_object().and_then(|properties| properties.iter().next_back());
        let body = body.map(|(name, body)| format!("`{name}`, {}", words_of(root, body))).unwrap_or_default();
        let names = VOCABULARIES.iter().find(|list| Some(list.name) == property("event_name").0);
        for word in names.into_iter().flat_map(|list| list.words) {
            let _ = writeln!(
                text,
                "| `{}` | `{}` | `{}` | {body} | {} |",
                word.word,
                constant("event_family"),
                constant("event_category"),
                plain(word.meaning),
            );
        }
    }
    text
}
