//! The fields of a table in `BigQuery`, whose rows are the documents as they are: it nests records, so that lines of JSON
//! load without a mapping.

use schema::DocumentKind;
use serde_json::{Map, Value, json};

use crate::contract::generate::{resolved, schema_of};

/// The field list of the one table.
pub(super) fn fields() -> Value {
    let root = schema_of(DocumentKind::Telemetry).to_value();
    let branches = root["anyOf"].as_array().cloned().unwrap_or_default();
    let kinds: Vec<Vec<Value>> =
        branches.iter().map(|branch| fields_of(&root, resolved(&root, branch).1)).collect();
    let mut all: Vec<Value> = Vec::new();
    for field in kinds.iter().flatten() {
        if all.iter().all(|known| known["name"] != field["name"]) {
            all.push(field.clone());
        }
    }
    for field in &mut all {
        // What one kind of document lacks is absent in its rows.
        if kinds.iter().any(|kind| kind.iter().all(|known| known["name"] != field["name"])) {
            field["mode"] = json!("NULLABLE");
        }
    }
    Value::Array(all)
}

fn fields_of(root: &Value, object: &Value) -> Vec<Value> {
    let members = object["properties"].as_object().into_iter().flatten();
    members.map(|(name, property)| field(root, name, property, &object["required"])).collect()
}

fn field(root: &Value, name: &str, property: &Value, required: &Value) -> Value {
    let branches = property["anyOf"].as_array();
    let inner = branches.and_then(|branches| branches.first()).unwrap_or(property);
    let inner = resolved(root, inner).1;
    let types: Vec<&str> = match &inner["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let is_required = required.as_array().is_some_and(|names| names.iter().any(|known| known == name))
        && branches.is_none()
        && !types.contains(&"null");
    let mut field = Map::new();
    field.insert("name".to_owned(), json!(name));
    field.insert("type".to_owned(), json!(type_of(inner, &types)));
    field.insert("mode".to_owned(), json!(if is_required { "REQUIRED" } else { "NULLABLE" }));
    field.insert("description".to_owned(), property["description"].clone());
    if types.contains(&"object") {
        field.insert("fields".to_owned(), Value::Array(fields_of(root, inner)));
    }
    Value::Object(field)
}

fn type_of(schema: &Value, types: &[&str]) -> &'static str {
    match (types.first(), schema["format"].as_str()) {
        (Some(&"object"), _) => "RECORD",
        (Some(&"integer"), _) => "INTEGER",
        (Some(&"boolean"), _) => "BOOLEAN",
        (_, Some("date-time")) => "TIMESTAMP",
        _ => "STRING",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::vectors;

    /// The faults that a loader would find in `object`.
    fn fault(fields: &Value, object: &Value) -> Option<String> {
        let fields = fields.as_array()?;
        for (name, value) in object.as_object()? {
            let Some(field) = fields.iter().find(|field| field["name"] == **name) else {
                return Some(format!("no field for {name}"));
            };
            let fits = match field["type"].as_str()? {
                "RECORD" => value.is_object(),
                "INTEGER" => value.is_u64(),
                "BOOLEAN" => value.is_boolean(),
                _ => value.is_string(),
            };
            let may_lack_it = value.is_null() && field["mode"] == "NULLABLE";
            if !fits && !may_lack_it {
                return Some(format!("{name} holds {value}"));
            }
            if let Some(inside) = field.get("fields").and_then(|inner| fault(inner, value)) {
                return Some(inside);
            }
        }
        let is_missing = |field: &&Value| {
            field["mode"] == "REQUIRED" && object.get(field["name"].as_str().unwrap_or_default()).is_none()
        };
        fields.iter().find(is_missing).map(|field| format!("{} is missing", field["name"]))
    }

    #[test]
    fn every_document_loads() {
        let fields = fields();
        let documents = [
            vectors::command_event(),
            vectors::mode_event(),
            vectors::component_event(),
            vectors::delivery(),
        ];
        for document in documents {
            assert_eq!(fault(&fields, &document), None);
        }
        let mut broken = vectors::delivery();
        broken["manifest"]["platform"]["kernel"] = json!("6.8");
        assert_eq!(fault(&fields, &broken).as_deref(), Some("no field for kernel"));
        let mut broken = vectors::delivery();
        broken["session_id"] = Value::Null;
        assert_eq!(fault(&fields, &broken).as_deref(), Some("session_id holds null"));
    }
}
