//! Whether one schema accepts everything that another accepts.
//!
//! The `canonical` module of the crate jsonschema answers it: it brings both schemas to a normal form and subtracts one
//! from the other. An answer that it does not know counts as "no", so a change that cannot be judged counts as one that
//! breaks something. The one question that it leaves open too often for us is about two patterns that differ; those
//! become automata here, which are compared exactly. A comparison keyword by keyword was rejected: it had to know every
//! keyword, and had to forbid the others.

use std::collections::{HashSet, VecDeque};
use std::ops::RangeInclusive;

use anyhow::Context;
use jsonschema::PatternOptions;
use jsonschema::canonical::{self, CanonicalSchema, CanonicalView, Containment, Satisfiability};
use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, Input};
use serde_json::{Map, Value};

/// Keywords that say which strings are accepted, apart from formats.
const FORM: [&str; 3] = ["pattern", "minLength", "maxLength"];

/// What one schema accepts and another does not.
pub(super) enum Difference {
    /// Nothing.
    Nothing,
    /// Exactly these values.
    Values(Vec<Value>),
    /// Strings, this one among them if one was found.
    Strings(Option<String>),
    /// The values of this schema, or possibly none.
    Schema(Value),
}

/// Whether it is proved that `wide` accepts every document that `narrow` accepts.
pub(super) fn covers(wide: &Value, narrow: &Value) -> bool {
    let mut wide = wide.clone();
    if let (Some(wide), Some(narrow)) = (definitions_of(&mut wide), narrow["$defs"].as_object()) {
        for (name, definition) in wide {
            narrow.get(name).into_iter().for_each(|narrow| take_covered_form(definition, narrow));
        }
    }
    let answer = || canonical(&wide)?.covers(&canonical(narrow)?);
    matches!(answer(), Ok(Containment::Yes))
}

/// What `one` accepts and `other` does not.
pub(super) fn difference(one: &Value, other: &Value) -> Difference {
    let mut covering = other.clone();
    take_covered_form(&mut covering, one);
    let subtract = || canonical(one)?.subtract(&canonical(&covering)?);
    // What cannot be expressed counts as a difference of which only the beginning is known.
    let Ok(left) = subtract() else { return Difference::Schema(one.clone()) };
    if left.satisfiability() == Satisfiability::No {
        return Difference::Nothing;
    }
    match left.view() {
        CanonicalView::Const(value) => Difference::Values(vec![value]),
        CanonicalView::Enum(values) => Difference::Values(values),
        CanonicalView::String(_) => Difference::Strings(string_beyond(one, other).ok().flatten()),
        _ => {
            let mut schema = left.to_json_schema();
            schema.as_object_mut().map(|schema| schema.remove("$schema"));
            Difference::Schema(schema)
        }
    }
}

/// The normal form, with formats asserted, which is how receivers must read the schemas.
fn canonical(schema: &Value) -> Result<CanonicalSchema, canonical::CanonicalizationError> {
    canonical::options()
        .should_validate_formats(true)
        // The engine of the gate: linear in time, and the dialect that the patterns are written in.
        .with_pattern_options(PatternOptions::regex())
        .offline()
        .canonicalize(schema)
}

fn definitions_of(schema: &mut Value) -> Option<&mut Map<String, Value>> {
    schema.get_mut("$defs")?.as_object_mut()
}

/// Gives `wide` the form of the strings of `narrow` where the form of `wide` accepts all of them. What is covered
/// by less is covered by `wide` as well, and of equal forms the normal form can tell that one covers the other.
fn take_covered_form(wide: &mut Value, narrow: &Value) {
    let differs = FORM.iter().any(|keyword| wide.get(keyword) != narrow.get(keyword));
    let both_have_one = wide.get("pattern").is_some() && narrow.get("pattern").is_some();
    if !(differs && both_have_one && matches!(string_beyond(narrow, wide), Ok(None))) {
        return;
    }
    let Some(wide) = wide.as_object_mut() else { return };
    for keyword in FORM {
        match narrow.get(keyword) {
            Some(value) => wide.insert(keyword.to_owned(), value.clone()),
            None => wide.remove(keyword),
        };
    }
}

/// A longer string shows no more than a shorter one.
const LONGEST: usize = 128;

/// The strings of one form.
struct Language {
    automaton: dense::DFA<Vec<u32>>,
    lengths: RangeInclusive<usize>,
}

impl Language {
    fn of(schema: &Value) -> anyhow::Result<Self> {
        let pattern = schema["pattern"].as_str().unwrap_or("");
        let length = |keyword: &str, absent| {
            schema[keyword].as_u64().and_then(|length| usize::try_from(length).ok()).unwrap_or(absent)
        };
        // A pattern of JSON Schema is searched for: anything may surround the match.
        let whole = format!("(?s)^.*(?:{pattern}).*$");
        let automaton =
            dense::DFA::new(&whole).with_context(|| format!("failed to read the pattern {pattern}"))?;
        Ok(Self { automaton, lengths: length("minLength", 0)..=length("maxLength", LONGEST) })
    }

    fn start(&self) -> anyhow::Result<StateID> {
        Ok(self.automaton.start_state_forward(&Input::new("").anchored(Anchored::Yes))?)
    }

    fn accepts(&self, state: StateID, length: usize) -> bool {
        self.lengths.contains(&length) && self.automaton.is_match_state(self.automaton.next_eoi_state(state))
    }
}

/// The shortest string that the form of `one` accepts and that of `other` refuses, if there is any: both automata run
/// side by side over every byte, printable ones first, because such a string is the better example.
fn string_beyond(one: &Value, other: &Value) -> anyhow::Result<Option<String>> {
    let (one, other) = (Language::of(one)?, Language::of(other)?);
    let mut seen = HashSet::new();
    let mut queue = VecDeque::from([(one.start()?, other.start()?, Vec::new(), 0)]);
    while let Some((left, right, text, length)) = queue.pop_front() {
        if one.accepts(left, length) && !other.accepts(right, length) {
            return Ok(Some(String::from_utf8(text)?));
        }
        if one.automaton.is_dead_state(left) || length >= LONGEST {
            continue;
        }
        for byte in (b' '..=b'~').chain(0..b' ').chain(0x7F..=0xFF) {
            let left = one.automaton.next_state(left, byte);
            let right = other.automaton.next_state(right, byte);
            // Lengths of JSON Schema count characters: bytes after the first of a character are not counted.
            let length = length + usize::from(byte & 0xC0 != 0x80);
            if seen.insert((left, right, length)) {
                queue.push_back((left, right, [text.as_slice(), &[byte]].concat(), length));
            }
        }
    }
    Ok(None)
}
