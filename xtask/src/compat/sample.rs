//! Small documents that a schema accepts, made from the schema itself.

use serde_json::{Map, Value, json};

use super::node::{Node, Step};

/// The smallest value that `node` accepts.
pub(super) fn smallest(node: &Node<'_>) -> Value {
    if let Some(branch) = node.says.get("anyOf").and_then(|_| node.branches().into_iter().next()) {
        return smallest(&branch);
    }
    if let Some(word) = node.words().and_then(|words| words.into_iter().next()) {
        return word;
    }
    of_type(node, node.types().and_then(|types| types.first().copied()).unwrap_or("null"))
}

/// The smallest value of one of the types of `node`.
pub(super) fn of_type(node: &Node<'_>, name: &str) -> Value {
    match name {
        "object" => {
            let required = node.properties().filter(|name| node.requires(name));
            required
                .filter_map(|name| Some((name.clone(), smallest(&node.property(name)?))))
                .collect::<Map<_, _>>()
                .into()
        }
        "string" => {
            // Every patterned string of the contract has examples, and a test holds them to the pattern.
            node.says
                .get("examples")
                .and_then(|examples| examples.get(0))
                .cloned()
                .unwrap_or_else(|| json!("a"))
        }
        "integer" | "number" => json!(node.number("minimum").unwrap_or(0)),
        "boolean" => json!(false),
        "array" => json!([]),
        _ => Value::Null,
    }
}

/// The smallest whole document with `value` at the place of `node`.
pub(super) fn document(node: &Node<'_>, value: Value) -> Value {
    enclose(&Node::root(node.root), &node.steps, value)
}

fn enclose(outer: &Node<'_>, steps: &[Step], value: Value) -> Value {
    let Some((step, rest)) = steps.split_first() else { return value };
    match step {
        Step::Branch(index) => match outer.branches().get(*index) {
            Some(branch) => enclose(branch, rest, value),
            None => value,
        },
        Step::Property(name) => {
            let mut object = of_type(outer, "object");
            if let Some(property) = outer.property(name) {
                object[name] = enclose(&property, rest, value);
            }
            object
        }
    }
}
