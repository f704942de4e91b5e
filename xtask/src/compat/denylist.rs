//! Two versions of the denylist. A stricter one refuses documents that passed before, a laxer one lets documents pass
//! that old receivers refuse; both are minor, for privacy comes before compatibility, and what legitimate documents
//! contain is harmless by the schema's own words.

use serde_json::{Map, Value};

use super::change::{Breaks, ContractChange, VersionLevel};

const FILE: &str = "denylist.json";

/// Members that explain and do not decide.
const EXPLAIN: [&str; 7] = ["words", "reason", "notes", "contract_version", "hits", "innocents", "forms"];

/// Everything that decides differently.
pub(super) fn compare(old: &Value, new: &Value) -> Vec<ContractChange> {
    let mut changes = Vec::new();
    values("", old, new, &mut changes);
    // The version differs after every release, and says nothing about the rules.
    if changes.is_empty() && without_version(old) != without_version(new) {
        changes.push(ContractChange::new(
            FILE,
            "",
            "the words about it differ".to_owned(),
            Breaks::Nobody,
            None,
        ));
    }
    changes
}

fn without_version(denylist: &Value) -> Map<String, Value> {
    let mut members = denylist.as_object().cloned().unwrap_or_default();
    members.remove("contract_version");
    members
}

fn values(pointer: &str, old: &Value, new: &Value, changes: &mut Vec<ContractChange>) {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
            for name in names.filter(|name| !EXPLAIN.contains(&name.as_str())) {
                let member = |members: &Map<String, Value>| members.get(name).cloned().unwrap_or_default();
                values(&format!("{pointer}/{name}"), &member(before), &member(after), changes);
            }
        }
        (Value::Array(before), Value::Array(after)) => lists(pointer, before, after, changes),
        _ if old != new => {
            changes.push(change(pointer, format!("was {old}, is {new}"), Breaks::OldDocuments, None));
        }
        _ => {}
    }
}

/// Entries are identified by their `id` or `pointer`, or else by their value.
fn lists(pointer: &str, old: &[Value], new: &[Value], changes: &mut Vec<ContractChange>) {
    let label = |entry: &Value| {
        ["id", "pointer"]
            .into_iter()
            .find_map(|name| entry.get(name).cloned())
            .unwrap_or_else(|| entry.clone())
    };
    let find = |entries: &[Value], wanted: &Value| {
        entries.iter().find(|entry| label(entry) == label(wanted)).cloned()
    };
    for before in old {
        match find(new, before) {
            Some(after) if before.is_object() => {
                values(&format!("{pointer}/{}", plain(&label(before))), before, &after, changes);
            }
            Some(_) => {}
            None => changes.push(change(
                pointer,
                format!("{} was removed", label(before)),
                Breaks::OldReceivers,
                example(before),
            )),
        }
    }
    for after in new.iter().filter(|after| find(old, after).is_none()) {
        changes.push(change(
            pointer,
            format!("{} was added", label(after)),
            Breaks::OldDocuments,
            example(after),
        ));
    }
}

/// Minor in either direction, see above, whatever the same direction means for a schema.
fn change(pointer: &str, what: String, breaks: Breaks, example: Option<Value>) -> ContractChange {
    ContractChange { level: VersionLevel::Minor, ..ContractChange::new(FILE, pointer, what, breaks, example) }
}

/// The subject of an entry: a string that a rule hits, or the word of a table itself.
fn example(entry: &Value) -> Option<Value> {
    entry
        .get("hits")
        .and_then(|hits| hits.get(0))
        .cloned()
        .or_else(|| entry.is_string().then(|| entry.clone()))
}

fn plain(label: &Value) -> String {
    label.as_str().map_or_else(|| label.to_string(), str::to_owned)
}
