//! A place in a schema, seen together with the way to it.

use serde_json::{Map, Value};

/// Keywords that say nothing about which documents are accepted.
pub(super) const ANNOTATIONS: [&str; 3] = ["title", "description", "examples"];

/// One step into a schema.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// To a property of an object.
    Property(String),
    /// To a branch of a union.
    Branch(usize),
}

/// A node of a schema with references resolved.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub(super) root: &'a Value,
    pub(super) steps: Vec<Step>,
    /// What the schema says there; a referenced definition with the words of the reference over its own.
    pub(super) says: Map<String, Value>,
    /// The definition that is referenced.
    reference: Option<String>,
}

impl<'a> Node<'a> {
    pub(super) fn root(root: &'a Value) -> Self {
        Self::at(root, root, Vec::new())
    }

    fn at(root: &'a Value, schema: &Value, steps: Vec<Step>) -> Self {
        let mut own = schema.as_object().cloned().unwrap_or_default();
        let reference = match own.remove("$ref") {
            Some(Value::String(reference)) => Some(reference),
            _ => None,
        };
        let target = reference.as_deref().and_then(|name| root.pointer(name.trim_start_matches('#')));
        let mut says = target.and_then(Value::as_object).cloned().unwrap_or_default();
        says.extend(own);
        Self { root, steps, says, reference }
    }

    fn child(&self, schema: &Value, step: Step) -> Self {
        Self::at(self.root, schema, [self.steps.clone(), vec![step]].concat())
    }

    /// The alternatives: the branches of a union, or the node itself.
    pub(super) fn branches(&self) -> Vec<Self> {
        match self.says.get("anyOf").and_then(Value::as_array) {
            Some(branches) => branches
                .iter()
                .enumerate()
                .map(|(index, branch)| self.child(branch, Step::Branch(index)))
                .collect(),
            None => vec![self.clone()],
        }
    }

    /// What tells this branch from the others of its union.
    pub(super) fn label(&self) -> String {
        self.reference
            .clone()
            .unwrap_or_else(|| self.says.get("type").map(Value::to_string).unwrap_or_default())
    }

    pub(super) fn properties(&self) -> impl Iterator<Item = &String> {
        self.says.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys)
    }

    pub(super) fn property(&self, name: &str) -> Option<Self> {
        let schema = self.says.get("properties")?.get(name)?;
        Some(self.child(schema, Step::Property(name.to_owned())))
    }

    pub(super) fn requires(&self, name: &str) -> bool {
        let required = self.says.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|known| known == name))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.says.get("additionalProperties") == Some(&Value::Bool(false))
    }

    /// The types that a value may have; nothing where all may be.
    pub(super) fn types(&self) -> Option<Vec<&str>> {
        match self.says.get("type")? {
            Value::String(name) => Some(vec![name]),
            Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect()),
            _ => None,
        }
    }

    pub(super) fn has_type(&self, name: &str) -> bool {
        self.types().is_none_or(|types| types.contains(&name))
    }

    /// The values that are listed; nothing where no list bounds them.
    pub(super) fn words(&self) -> Option<Vec<Value>> {
        match (self.says.get("const"), self.says.get("enum")) {
            (Some(only), _) => Some(vec![only.clone()]),
            (None, Some(Value::Array(words))) => Some(words.clone()),
            _ => None,
        }
    }

    pub(super) fn number(&self, keyword: &str) -> Option<i64> {
        self.says.get(keyword).and_then(Value::as_i64)
    }

    /// JSON pointer of the place in a document.
    pub(super) fn pointer(&self) -> String {
        self.steps.iter().fold(String::new(), |pointer, step| match step {
            Step::Property(name) => format!("{pointer}/{name}"),
            Step::Branch(_) => pointer,
        })
    }
}
