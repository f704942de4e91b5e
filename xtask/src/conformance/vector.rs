//! A vector, a verdict on it, and whether the two agree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// One test of a file of `vectors/`.
pub(super) struct PublishedVector {
    /// The part of its description before the colon.
    pub(super) name: String,
    /// The schema that applies.
    schema: String,
    /// What must trip; `None` where the document must pass.
    pub(super) expected: Option<Expected>,
    /// The document itself.
    pub(super) bytes: Vec<u8>,
}

/// What a vector that must be refused demands.
pub(super) struct Expected {
    rule: String,
    pointer: String,
    schema_alone_refuses: bool,
}

/// What kind of rule a vector is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum VectorClass {
    /// It must pass.
    Pass,
    /// A rule about the document as a whole: the schema is not used.
    Document,
    /// A keyword of the schema.
    Schema,
    /// A rule for keys or values.
    Denylist,
}

impl VectorClass {
    pub(super) const ALL: [Self; 4] = [Self::Pass, Self::Document, Self::Schema, Self::Denylist];
}

/// The verdict of an implementation on one vector.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct VectorVerdict {
    /// Whether the schema accepts it; `None` where it could not be used.
    pub(super) schema_accepts: Option<bool>,
    /// The rules that tripped, with their pointers.
    pub(super) tripped: Vec<(String, String)>,
}

/// Verdicts by the name of the vector.
pub(super) type Verdicts = BTreeMap<String, VectorVerdict>;

/// The vectors of a contract, in the order of their files.
pub(super) fn load(contract: &Path) -> anyhow::Result<Vec<PublishedVector>> {
    let directory = contract.join("vectors");
    let names = crate::workspace::files_below(&directory)
        .with_context(|| format!("failed to list {}", directory.display()))?;
    let mut vectors = Vec::new();
    for name in names {
        let context = || format!("failed to read the vectors of {name}");
        let text = fs::read_to_string(directory.join(&name)).with_context(context)?;
        let groups: Vec<Value> = serde_json::from_str(&text).with_context(context)?;
        for group in &groups {
            let tests = group["tests"].as_array().with_context(context)?;
            for test in tests {
                vectors.push(read(group, test).with_context(context)?);
            }
        }
    }
    Ok(vectors)
}

fn read(group: &Value, vector: &Value) -> anyhow::Result<PublishedVector> {
    let field = |name: &str| vector[name].as_str().map(str::to_owned);
    let description = field("description").context("a vector has a description")?;
    let name = description.split(": ").next().unwrap_or_default().to_owned();
    // Exactly one of the three is present. A document is serialised again: its text decides nothing.
    let bytes = match (field("raw_base64"), field("raw")) {
        (Some(encoded), _) => STANDARD.decode(encoded).ok().context("base64")?,
        (_, Some(raw)) => raw.into_bytes(),
        _ => vector["document"].to_string().into_bytes(),
    };
    let expected = if vector["valid"].as_bool().context("a vector is valid or not")? {
        None
    } else {
        Some(Expected {
            rule: field("rule").context("a rule")?,
            pointer: field("pointer").context("a pointer")?,
            schema_alone_refuses: vector["schema_alone_refuses"].as_bool().context("what the schema says")?,
        })
    };
    let schema = group["schema"].as_str().context("a group names its schema")?.to_owned();
    Ok(PublishedVector { name, schema, expected, bytes })
}

impl PublishedVector {
    pub(super) fn class(&self) -> VectorClass {
        match &self.expected {
            None => VectorClass::Pass,
            Some(expected) if expected.rule.starts_with("schema.") => VectorClass::Schema,
            Some(expected) if expected.rule.contains('.') => VectorClass::Denylist,
            Some(_) => VectorClass::Document,
        }
    }

    /// A row for programs that are fed with telemetry documents: what the schema alone says, whether a word is outside its
    /// list, and whether a table stores that word.
    pub(super) fn telemetry_row(&self) -> Option<Value> {
        let document: Value =
            serde_json::from_slice(&self.bytes).ok().filter(|_| self.schema == "telemetry")?;
        // A text that only a strict reader refuses is no test of types.
        if !document.is_object() || self.class() == VectorClass::Document {
            return None;
        }
        let rule = self.expected.as_ref().map_or("", |expected| expected.rule.as_str());
        Some(json!({
            "name": self.name,
            "valid": self.expected.as_ref().is_none_or(|expected| !expected.schema_alone_refuses),
            "wrong_word": matches!(rule, "schema.enum" | "schema.const"),
            // Lists of one word are not stored.
            "stored": rule == "schema.enum",
            "document": document,
        }))
    }

    /// What is wrong with the verdict of our own gate, if anything is: it names keyword and place of what its schema
    /// refuses.
    pub(super) fn fault(&self, verdict: &VectorVerdict) -> Option<String> {
        let Some(expected) = &self.expected else {
            let passes = verdict.schema_accepts == Some(true) && verdict.tripped.is_empty();
            return (!passes).then(|| format!("must pass: {verdict:?}"));
        };
        // Others may trip as well: an encoded URL is also a domain name.
        let named = verdict
            .tripped
            .iter()
            .any(|(rule, pointer)| (rule, pointer) == (&expected.rule, &expected.pointer));
        let by_schema = verdict.schema_accepts == Some(!expected.schema_alone_refuses);
        let holds = named && (by_schema || self.class() == VectorClass::Document);
        (!holds).then(|| format!("must trip {} at {:?}: {verdict:?}", expected.rule, expected.pointer))
    }

    /// Where another implementation differs from our gate: in the verdict of the schema, or in any rule of the denylist.
    pub(super) fn disagreement(&self, verdict: &VectorVerdict, ours: &VectorVerdict) -> Option<String> {
        // For a document that breaks a rule as a whole, each JSON reader passes something else to the schema.
        let by_schema =
            self.class() == VectorClass::Document || verdict.schema_accepts == ours.schema_accepts;
        let agrees = by_schema && verdict.beyond_the_schema() == ours.beyond_the_schema();
        (!agrees).then(|| format!("{verdict:?}, and our gate: {ours:?}"))
    }
}

impl VectorVerdict {
    /// What tripped apart from the keywords of the schema.
    fn beyond_the_schema(&self) -> BTreeSet<&(String, String)> {
        self.tripped.iter().filter(|(rule, _)| !rule.starts_with("schema.")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(rule: Option<&str>, schema_alone_refuses: bool) -> PublishedVector {
        let expected = rule.map(|rule| Expected {
            rule: rule.to_owned(),
            pointer: "/run_id".to_owned(),
            schema_alone_refuses,
        });
        PublishedVector { name: String::new(), schema: String::new(), expected, bytes: Vec::new() }
    }

    fn verdict(schema_accepts: Option<bool>, rules: &[&str]) -> VectorVerdict {
        VectorVerdict {
            schema_accepts,
            tripped: rules.iter().map(|rule| ((*rule).to_owned(), "/run_id".to_owned())).collect(),
        }
    }

    #[test]
    fn our_gate_must_say_what_the_vector_says() {
        let check = |vector: &PublishedVector, verdict: &VectorVerdict, holds: bool| {
            assert_eq!(vector.fault(verdict).is_none(), holds, "{verdict:?}");
        };
        let pass = vector(None, false);
        check(&pass, &verdict(Some(true), &[]), true);
        check(&pass, &verdict(Some(false), &[]), false);
        check(&pass, &verdict(None, &[]), false);
        check(&pass, &verdict(Some(true), &["value.fqdn"]), false);
        let denied = vector(Some("value.fqdn"), false);
        check(&denied, &verdict(Some(true), &["value.path", "value.fqdn"]), true);
        check(&denied, &verdict(Some(true), &["value.path"]), false);
        check(&denied, &verdict(Some(false), &["value.fqdn"]), false);
        let refused = vector(Some("schema.pattern"), true);
        check(&refused, &verdict(Some(false), &["schema.pattern"]), true);
        check(&refused, &verdict(Some(false), &["schema.type"]), false);
        check(&vector(Some("syntax"), false), &verdict(None, &["syntax"]), true);
        check(&vector(Some("syntax"), false), &verdict(None, &[]), false);
    }

    #[test]
    fn others_must_say_what_our_gate_says() {
        let check = |vector: &PublishedVector, theirs: &VectorVerdict, ours: &VectorVerdict, agrees: bool| {
            assert_eq!(vector.disagreement(theirs, ours).is_none(), agrees, "{theirs:?} {ours:?}");
        };
        let refused = vector(Some("schema.pattern"), true);
        check(&refused, &verdict(Some(false), &[]), &verdict(Some(false), &["schema.pattern"]), true);
        check(&refused, &verdict(Some(true), &[]), &verdict(Some(false), &["schema.pattern"]), false);
        check(
            &refused,
            &verdict(Some(false), &["value.path"]),
            &verdict(Some(false), &["schema.pattern"]),
            false,
        );
        check(
            &refused,
            &verdict(Some(false), &[]),
            &verdict(Some(false), &["schema.pattern", "value.path"]),
            false,
        );
        let bent = vector(Some("duplicate_key"), false);
        check(
            &bent,
            &verdict(Some(false), &["duplicate_key"]),
            &verdict(Some(true), &["duplicate_key"]),
            true,
        );
        check(&bent, &verdict(Some(true), &[]), &verdict(Some(true), &["duplicate_key"]), false);
    }
}
