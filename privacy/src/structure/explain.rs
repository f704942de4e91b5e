//! Which keywords of the published schema a refused document breaks, and where.
//!
//! The published schemas use a dozen keywords, and all of them are here. A compiler for all of JSON Schema would explain no
//! more, and was a tenth of the program: the tests compare this module with it.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex_automata::meta::Regex;
use schema::DocumentKind;
use serde_json::{Map, Value};

use crate::published::published_schema;
use crate::rejection::Segment;

/// A keyword that a place in a document breaks.
#[derive(Clone, Debug)]
pub(super) struct BrokenKeyword<'a> {
    pub(super) keyword: &'static str,
    pub(super) path: Vec<Segment<'a>>,
}

/// Every keyword that `document` breaks, in the order of the schema. For a union, this describes the branch that the
/// document is nearest to: all branches together would report every event because of one wrong field.
pub(super) fn faults(kind: DocumentKind, document: &Value) -> Vec<BrokenKeyword<'_>> {
    let mut found = Vec::new();
    if let Some(schema) = Schema::of(kind) {
        SchemaWalk { schema, path: Vec::new() }.check(&schema.root, document, &mut found);
    }
    found.into_iter().flat_map(Breakage::described).collect()
}

/// A published schema, ready to explain with.
struct Schema {
    root: Value,
    patterns: HashMap<String, Regex>,
}

impl Schema {
    /// Read when the first document was refused: a program whose documents all pass does not pay for it.
    fn of(kind: DocumentKind) -> Option<&'static Self> {
        static SCHEMAS: [OnceLock<Option<Schema>>; 2] = [OnceLock::new(), OnceLock::new()];
        let slot = match kind {
            DocumentKind::RunManifest => &SCHEMAS[0],
            DocumentKind::Telemetry => &SCHEMAS[1],
        };
        slot.get_or_init(|| Self::read(published_schema(kind))).as_ref()
    }

    fn read(text: &str) -> Option<Self> {
        let root = serde_json::from_str(text).ok()?;
        let mut patterns = HashMap::new();
        collect_patterns(&root, &mut patterns);
        Some(Self { root, patterns })
    }

    /// The schema that a `$ref` of the published file names. All of them are in its own `$defs`.
    fn named(&self, reference: &Value) -> Option<&Value> {
        self.root.pointer(reference.as_str()?.strip_prefix('#')?)
    }
}

fn collect_patterns(schema: &Value, patterns: &mut HashMap<String, Regex>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(pattern)) = members.get("pattern")
                && let Ok(regex) = Regex::new(pattern)
            {
                patterns.insert(pattern.clone(), regex);
            }
            members.values().for_each(|member| collect_patterns(member, patterns));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_patterns(item, patterns)),
        _ => {}
    }
}

/// A fault as it is found: of a union it is not yet known which branch to describe.
enum Breakage<'a> {
    Plain(BrokenKeyword<'a>),
    /// The findings of each branch of a union, and where the union is.
    Union(usize, Vec<Vec<Breakage<'a>>>),
}

impl<'a> Breakage<'a> {
    fn described(self) -> Vec<BrokenKeyword<'a>> {
        match self {
            Self::Plain(fault) => vec![fault],
            Self::Union(depth, branches) => {
                let nearest = branches.into_iter().min_by_key(|branch| distance(depth, branch));
                nearest.into_iter().flatten().flat_map(Self::described).collect()
            }
        }
    }
}

/// How far a branch of a union at `depth` is from the document: first whether the type of the value matches, then whether
/// the name of the event does, then the number of faults.
fn distance(depth: usize, branch: &[Breakage<'_>]) -> (bool, bool, usize) {
    let plain = || {
        branch.iter().filter_map(|finding| match finding {
            Breakage::Plain(fault) => Some(fault),
            Breakage::Union(..) => None,
        })
    };
    let wrong_type = plain().any(|fault| fault.keyword == "type" && fault.path.len() == depth);
    let wrong_event = plain().any(|fault| matches!(fault.path.as_slice(), [Segment::Key("event_name")]));
    (wrong_type, wrong_event, branch.len())
}

/// A walk through a document beside its schema.
struct SchemaWalk<'a> {
    schema: &'static Schema,
    path: Vec<Segment<'a>>,
}

impl<'a> SchemaWalk<'a> {
    fn check(&mut self, schema: &'static Value, value: &'a Value, found: &mut Vec<Breakage<'a>>) {
        let Value::Object(keywords) = schema else { return };
        for (keyword, argument) in keywords {
            match keyword.as_str() {
                "$ref" => {
                    if let Some(named) = self.schema.named(argument) {
                        self.check(named, value, found);
                    }
                }
                "anyOf" => self.any_of(argument, value, found),
                "properties" => self.properties(argument, value, found),
                "required" => {
                    let missing = missing(argument, value);
                    (0..missing).for_each(|_| self.fault("required", found));
                }
                "additionalProperties" if has_unknown(keywords, value) => {
                    self.fault("additionalProperties", found);
                }
                "not" if self.holds(argument, value) => self.fault("not", found),
                keyword => {
                    if let Some(keyword) = self.broken(keyword, argument, value) {
                        self.fault(keyword, found);
                    }
                }
            }
        }
    }

    /// The keyword, if it checks only the value itself and the value breaks it.
    fn broken(&self, keyword: &str, argument: &Value, value: &Value) -> Option<&'static str> {
        let (name, holds) = match (keyword, value) {
            ("type", value) => ("type", has_type(argument, value)),
            ("const", value) => ("const", argument == value),
            ("enum", value) => ("enum", argument.as_array().is_none_or(|words| words.contains(value))),
            ("minimum", Value::Number(_)) => ("minimum", value.as_f64() >= argument.as_f64()),
            ("maximum", Value::Number(_)) => ("maximum", value.as_f64() <= argument.as_f64()),
            ("maxLength", Value::String(text)) => {
                let most = argument.as_u64().and_then(|most| usize::try_from(most).ok());
                ("maxLength", most.is_none_or(|most| text.chars().count() <= most))
            }
            ("pattern", Value::String(text)) => ("pattern", self.matches(argument, text)),
            ("format", Value::String(_)) => ("format", has_format(argument, value)),
            _ => return None,
        };
        (!holds).then_some(name)
    }

    fn matches(&self, pattern: &Value, text: &str) -> bool {
        let regex = pattern.as_str().and_then(|pattern| self.schema.patterns.get(pattern));
        regex.is_none_or(|regex| regex.is_match(text))
    }

    /// Whether `value` satisfies `schema`.
    fn holds(&mut self, schema: &'static Value, value: &'a Value) -> bool {
        let mut found = Vec::new();
        self.check(schema, value, &mut found);
        found.is_empty()
    }

    fn any_of(&mut self, branches: &'static Value, value: &'a Value, found: &mut Vec<Breakage<'a>>) {
        let mut failed = Vec::new();
        for branch in branches.as_array().into_iter().flatten() {
            let mut found = Vec::new();
            self.check(branch, value, &mut found);
            if found.is_empty() {
                return;
            }
            failed.push(found);
        }
        found.push(Breakage::Union(self.path.len(), failed));
    }

    fn properties(&mut self, properties: &'static Value, value: &'a Value, found: &mut Vec<Breakage<'a>>) {
        let (Value::Object(properties), Value::Object(members)) = (properties, value) else { return };
        for (name, schema) in properties {
            if let Some((key, member)) = members.get_key_value(name) {
                self.path.push(Segment::Key(key));
                self.check(schema, member, found);
                self.path.pop();
            }
        }
    }

    fn fault(&self, keyword: &'static str, found: &mut Vec<Breakage<'a>>) {
        found.push(Breakage::Plain(BrokenKeyword { keyword, path: self.path.clone() }));
    }
}

/// How many of the names in `required` the value lacks.
fn missing(required: &Value, value: &Value) -> usize {
    let Value::Object(members) = value else { return 0 };
    let names = required.as_array().into_iter().flatten().filter_map(Value::as_str);
    names.filter(|name| !members.contains_key(*name)).count()
}

/// Whether the value has a property that `properties` beside `additionalProperties: false` does not name.
fn has_unknown(keywords: &Map<String, Value>, value: &Value) -> bool {
    let known = |key: &String| keywords.get("properties").is_some_and(|names| names.get(key).is_some());
    keywords.get("additionalProperties") == Some(&Value::Bool(false))
        && value.as_object().is_some_and(|members| !members.keys().all(known))
}

fn has_type(types: &Value, value: &Value) -> bool {
    let is = |name: &Value| match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
        // `1.0` is an integer (JSON Schema 2020-12, Validation, 6.1.1).
        Value::Number(number) => {
            let is_whole = !number.is_f64() || number.as_f64().is_some_and(|number| number.fract() == 0.0);
            name == "number" || name == "integer" && is_whole
        }
    };
    types.as_array().map_or_else(|| is(types), |types| types.iter().any(is))
}

/// Formats are checked by the same generated code that decides; there is no second implementation of RFC 3339.
fn has_format(format: &Value, value: &Value) -> bool {
    match format.as_str() {
        Some("date-time") => DateTimeFormat::is_valid(value),
        Some("uuid") => UuidFormat::is_valid(value),
        _ => true,
    }
}

#[jsonschema::validator(
    schema = r#"{ "format": "date-time" }"#,
    draft = Draft202012,
    validate_formats = true,
    methods = { is_valid = true, validate = false, iter_errors = false }
)]
struct DateTimeFormat;

#[jsonschema::validator(
    schema = r#"{ "format": "uuid" }"#,
    draft = Draft202012,
    validate_formats = true,
    methods = { is_valid = true, validate = false, iter_errors = false }
)]
struct UuidFormat;

#[cfg(test)]
mod tests;
