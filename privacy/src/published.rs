//! The published schemas, embedded as they are.
//!
//! The text is that of the files that receivers read, and not generated again from the types: what the gate checks can
//! then differ from what was published only if the file does.

use std::collections::HashSet;
use std::sync::OnceLock;

use schema::DocumentKind;
use serde_json::Value;

/// The text of the published schema of `kind`, as receivers read it: the file that the gate was compiled from, so that
/// what a program explains about a document can never differ from what the gate lets pass.
pub const fn published_schema(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::RunManifest => include_str!("../../schema/contract/v1/run-manifest.schema.json"),
        DocumentKind::Telemetry => include_str!("../../schema/contract/v1/telemetry.schema.json"),
    }
}

/// Whether `key` is a property of the contract, so that a report that shows it reveals nothing.
pub(crate) fn is_property(key: &str) -> bool {
    // Only reports need the names, so the schemas are parsed once the first document was rejected: a cold start of a
    // program whose documents all pass does not pay for it.
    static PROPERTIES: OnceLock<HashSet<String>> = OnceLock::new();
    let properties = PROPERTIES.get_or_init(|| {
        let mut names = HashSet::new();
        for kind in DocumentKind::ALL {
            // A test parses both files. If one were broken, its keys would be masked, which is safe.
            if let Ok(schema) = serde_json::from_str(published_schema(kind)) {
                collect_properties(&schema, &mut names);
            }
        }
        names
    });
    properties.contains(key)
}

fn collect_properties(schema: &Value, names: &mut HashSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                names.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| collect_properties(member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_properties(item, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_found_wherever_a_schema_has_them() {
        let schema = serde_json::json!({
            "properties": { "a": { "properties": { "b": {} } } },
            "$defs": { "C": { "oneOf": [{ "properties": { "d": {} } }] } },
        });
        let mut names = HashSet::new();
        collect_properties(&schema, &mut names);
        assert_eq!(names, ["a", "b", "d"].map(str::to_owned).into());
    }

    #[test]
    fn properties_of_both_documents_may_be_shown_and_no_other_keys() {
        for key in ["run_id", "components", "local_hosts", "event_name", "telemetry_meta"] {
            assert!(is_property(key), "{key}");
        }
        for key in ["properties", "$defs", "alice", "", "Run_id"] {
            assert!(!is_property(key), "{key}");
        }
    }
}
