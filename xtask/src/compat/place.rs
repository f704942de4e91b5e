//! A place in a schema with its path, and small documents that have a value there.

use serde_json::{Map, Value, json};

/// Keywords that do not affect which documents are accepted.
const ANNOTATIONS: [&str; 3] = ["title", "description", "examples"];

/// One step into a schema.
#[derive(Clone, Debug)]
enum PathStep {
    /// To a property of an object.
    Property(String),
    /// To a branch of a union.
    Branch(usize),
}

/// A place in a schema with references resolved.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    root: &'a Value,
    steps: Vec<PathStep>,
    /// The schema at this place; a referenced definition with the keywords of the reference over its own.
    says: Map<String, Value>,
    /// The definition that is referenced.
    reference: Option<String>,
}

impl<'a> Place<'a> {
    pub(super) fn root(root: &'a Value) -> Self {
        Self::at(root, root, Vec::new())
    }

    fn at(root: &'a Value, schema: &Value, steps: Vec<PathStep>) -> Self {
        let mut own = schema.as_object().cloned().unwrap_or_default();
        let reference = match own.remove("$ref") {
            Some(Value::String(reference)) => Some(reference),
            _ => None,
        };
        let target = reference.as_deref().and_then(|name| root.pointer(name.trim_start_matches('#')));
        // 2020-12 allows keywords beside a reference; ours are descriptions, which are closer to the property.
        let mut says = target.and_then(Value::as_object).cloned().unwrap_or_default();
        says.extend(own);
        Self { root, steps, says, reference }
    }

    fn child(&self, schema: &Value, step: PathStep) -> Self {
        Self::at(self.root, schema, [self.steps.clone(), vec![step]].concat())
    }

    /// JSON pointer of the place in a document.
    pub(super) fn pointer(&self) -> String {
        self.steps.iter().fold(String::new(), |pointer, step| match step {
            PathStep::Property(name) => format!("{pointer}/{name}"),
            PathStep::Branch(_) => pointer,
        })
    }

    pub(super) fn is_union(&self) -> bool {
        self.says.contains_key("anyOf")
    }

    /// The alternatives: the branches of a union, or the place itself.
    pub(super) fn branches(&self) -> Vec<Self> {
        match self.says.get("anyOf").and_then(Value::as_array) {
            Some(branches) => (0..)
                .zip(branches)
                .map(|(index, branch)| self.child(branch, PathStep::Branch(index)))
                .collect(),
            None => vec![self.clone()],
        }
    }

    /// What distinguishes this branch from the others of its union: the name of the definition, because its contents
    /// may have changed. By their order, branches would be confused when one is inserted.
    pub(super) fn label(&self) -> String {
        self.reference
            .clone()
            .unwrap_or_else(|| self.says.get("type").map(Value::to_string).unwrap_or_default())
    }

    pub(super) fn is_object(&self) -> bool {
        self.says.get("type").is_some_and(|name| name == "object")
    }

    pub(super) fn is_closed(&self) -> bool {
        self.says.get("additionalProperties") == Some(&Value::Bool(false))
    }

    pub(super) fn properties(&self) -> impl Iterator<Item = &String> {
        self.says.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys)
    }

    pub(super) fn property(&self, name: &str) -> Option<Self> {
        let schema = self.says.get("properties")?.get(name)?;
        Some(self.child(schema, PathStep::Property(name.to_owned())))
    }

    pub(super) fn requires(&self, name: &str) -> bool {
        let required = self.says.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|known| known == name))
    }

    /// Whether the descriptions of the two places are the same.
    pub(super) fn is_described_as(&self, other: &Self) -> bool {
        ANNOTATIONS.iter().all(|keyword| self.says.get(*keyword) == other.says.get(*keyword))
    }

    /// The schema of the place as a complete one, without its description.
    pub(super) fn schema(&self) -> Value {
        let mut schema = self.says.clone();
        schema.retain(|keyword, _| !ANNOTATIONS.contains(&keyword.as_str()));
        // Only what holds other schemas can refer to definitions: the place's own reference is resolved.
        if let (true, Some(definitions)) = (self.is_union() || self.is_object(), self.root.get("$defs")) {
            schema.insert("$defs".to_owned(), definitions.clone());
        }
        schema.into()
    }

    /// The smallest value that the schema accepts here.
    pub(super) fn smallest(&self) -> Value {
        if self.is_union() {
            return self.branches().first().map(Self::smallest).unwrap_or_default();
        }
        let listed = self.says.get("enum").and_then(|words| words.get(0));
        if let Some(word) = self.says.get("const").or(listed) {
            return word.clone();
        }
        let types = self.says.get("type");
        let first = types.and_then(|types| types.get(0)).or(types).and_then(Value::as_str);
        let says = |keyword: &str| self.says.get(keyword).cloned();
        match first.unwrap_or("null") {
            "object" => self.smallest_object(),
            // Every patterned string of the contract has examples, and a test holds them to the pattern.
            "string" => {
                says("examples").and_then(|examples| examples.get(0).cloned()).unwrap_or_else(|| json!("a"))
            }
            "integer" | "number" => says("minimum").or_else(|| says("maximum")).unwrap_or_else(|| json!(0)),
            "boolean" => json!(false),
            "array" => json!([]),
            _ => Value::Null,
        }
    }

    /// An object with what the schema requires here.
    pub(super) fn smallest_object(&self) -> Value {
        let required = self.properties().filter(|name| self.requires(name));
        let members = required.filter_map(|name| Some((name.clone(), self.property(name)?.smallest())));
        members.collect::<Map<_, _>>().into()
    }

    /// The smallest whole document with `value` at this place.
    pub(super) fn document(&self, value: Value) -> Value {
        enclose(&Place::root(self.root), &self.steps, value)
    }
}

fn enclose(outer: &Place<'_>, steps: &[PathStep], value: Value) -> Value {
    let Some((step, rest)) = steps.split_first() else { return value };
    match step {
        PathStep::Branch(index) => match outer.branches().get(*index) {
            Some(branch) => enclose(branch, rest, value),
            None => value,
        },
        PathStep::Property(name) => {
            let mut object = outer.smallest_object();
            if let Some(property) = outer.property(name) {
                object[name] = enclose(&property, rest, value);
            }
            object
        }
    }
}
