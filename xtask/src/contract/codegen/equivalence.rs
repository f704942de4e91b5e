//! The schemas for generators and `openapi.json` against the strict schemas: on every vector, and on documents that are
//! generated from the strict schemas and then broken in one place.

use jsonschema::{Draft, PatternOptions, Validator};
use schema::DocumentKind;
use serde_json::{Map, Value, json};

use super::{root_name, schema_for, tagged};
use crate::contract::generate::{resolved, schema_of};
use crate::contract::{openapi, vectors};

const DOCUMENTS: usize = 10_000;

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .offline()
        .build(schema)
        .expect("a schema")
}

/// A document of the contract's kind as a validator of the strict schema sees it, and everything that must agree with it.
struct Candidates {
    strict: Validator,
    others: Vec<(&'static str, Validator)>,
}

impl Candidates {
    fn of(kind: DocumentKind) -> Self {
        let mut others = vec![("codegen", validator(&schema_for(kind)))];
        let api = openapi::document();
        let reference = format!("#/components/schemas/{}", root_name(kind));
        others.push(("openapi", validator(&json!({ "$ref": reference, "components": api["components"] }))));
        if kind == DocumentKind::Telemetry {
            others.push(("tagged", validator(&tagged())));
        }
        Self { strict: validator(&schema_of(kind).to_value()), others }
    }

    /// What the strict schema says; all others must say the same.
    fn accept(&self, document: &Value) -> bool {
        let accepts = self.strict.is_valid(document);
        for (name, other) in &self.others {
            assert_eq!(other.is_valid(document), accepts, "{name}: {document}");
        }
        accepts
    }
}

#[test]
fn they_agree_on_every_vector() {
    for kind in DocumentKind::ALL {
        let candidates = Candidates::of(kind);
        let documents = vectors::documents_of(kind);
        let accepted = documents.iter().filter(|document| candidates.accept(document)).count();
        assert!(accepted >= 20 && documents.len() - accepted >= 50, "{accepted} of {}", documents.len());
    }
}

#[test]
fn they_agree_on_generated_documents() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for kind in DocumentKind::ALL {
        let schema = schema_of(kind).to_value();
        let candidates = Candidates::of(kind);
        let mut accepted = 0;
        for number in 0..DOCUMENTS / 2 {
            let mut document = generate(&schema, &schema, &mut random);
            // One place is broken, so that what is refused is near to what is accepted.
            let is_whole = number % 3 == 0;
            if !is_whole {
                break_one_place(&mut document, &mut random);
            }
            let is_accepted = candidates.accept(&document);
            assert!(is_accepted || !is_whole, "generated from the schema: {document}");
            accepted += usize::from(is_accepted);
        }
        let refused = DOCUMENTS / 2 - accepted;
        assert!(refused > DOCUMENTS / 5, "too few were broken to show anything: {refused}");
    }
}

/// The same numbers in every run, so that a failure can be seen again (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap_or_default() % bound
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// A document that `schema` accepts.
fn generate(root: &Value, schema: &Value, random: &mut Random) -> Value {
    let schema = resolved(root, schema).1;
    if let Some(word) = schema.get("const") {
        return word.clone();
    }
    for list in ["anyOf", "enum", "examples"] {
        match schema.get(list).and_then(Value::as_array) {
            Some(branches) if list == "anyOf" => return generate(root, random.pick(branches), random),
            Some(values) => return random.pick(values).clone(),
            None => {}
        }
    }
    let kind = match &schema["type"] {
        Value::Array(types) => random.pick(types).clone(),
        one => one.clone(),
    };
    match kind.as_str() {
        Some("object") => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let properties = schema["properties"].as_object().into_iter().flatten();
            let mut members = Map::new();
            for (name, property) in properties {
                if required.contains(&json!(name)) || random.below(2) == 0 {
                    members.insert(name.clone(), generate(root, property, random));
                }
            }
            Value::Object(members)
        }
        Some("integer") => random.pick(&[schema["minimum"].clone(), schema["maximum"].clone()]).clone(),
        Some("boolean") => json!(random.below(2) == 0),
        _ => Value::Null,
    }
}

/// Changes one place at random: another value, a property less or a property more.
fn break_one_place(document: &mut Value, random: &mut Random) {
    let values = [
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(70_000),
        json!(1.5),
        json!(""),
        json!("1"),
        json!("success"),
        json!("core.command.started"),
        json!("usage"),
        json!("k3s"),
        json!("9f86d081884c7d65\n"),
        json!("2026-02-30T00:00:00Z"),
        json!("0D5A1C7E-6A53-4A9E-8C0F-51B7A2F4D3C8"),
        json!("192.168.1.10"),
        json!([]),
        json!({}),
    ];
    let mut place = document;
    // One step down at least, so that most of the document stays.
    while let Value::Object(members) = place {
        let names: Vec<String> = members.keys().cloned().collect();
        if names.is_empty() {
            break;
        }
        let name = random.pick(&names).clone();
        let is_deeper = members[&name].is_object() && random.below(4) > 0;
        if !is_deeper {
            match random.below(6) {
                0 => drop(members.remove(&name)),
                1 => drop(members.insert("note".to_owned(), json!("x"))),
                _ => drop(members.insert(name, random.pick(&values).clone())),
            }
            return;
        }
        place = place.as_object_mut().and_then(|members| members.get_mut(&name)).expect("a member");
    }
    *place = random.pick(&values).clone();
}
