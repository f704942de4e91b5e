//! Reading JSON strictly: what a lenient reader would correct silently is refused.
//!
//! `serde_json::Value` silently keeps the last of two equal keys. Another parser may keep the first, and then
//! the gate would have checked a document that the receiver never sees. So the tree is built here, on top of the
//! tokeniser of `serde_json`, which is strict about the syntax itself.

use std::fmt;

use schema::denylist::DOCUMENT_RULES;
use schema::limits::{MAX_DEPTH, MAX_DOCUMENT_BYTES};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::rejection::{Segment, Violation, masked};

/// Reads one document. Duplicate keys, too deep nesting, and text after the document are refused.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, Violation> {
    // Before anything is parsed: the size is what bounds the work for a hostile document.
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(violation("size", String::new()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| violation("utf8", String::new()))?;
    match parse(text) {
        Err(refused) if refused.rule() == "syntax" => parse_with_large_numbers(text).unwrap_or(Err(refused)),
        read => read,
    }
}

fn parse(text: &str) -> Result<Value, Violation> {
    let mut state = ReadState::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let value = ValueSeed { state: &mut state, depth: 1 }
        .deserialize(&mut json)
        .and_then(|value| json.end().map(|()| value));
    value.map_err(|_| match state.fault {
        Some(rule) => violation(rule, masked(state.trail.iter().rev().map(OwnedSegment::as_segment))),
        None => violation("syntax", String::new()),
    })
}

/// Reads once more a text that is refused for numbers beyond 64 bits, if it is: `1e400` is JSON (RFC 8259, section 6),
/// and a report of a syntax error would be misleading. The largest number that can be held replaces it, which every
/// bound of the contract refuses as well.
///
/// Only after a failure, because the tokeniser reads numbers itself and has no option for large ones.
fn parse_with_large_numbers(text: &str) -> Option<Result<Value, Violation>> {
    let mut bounded = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_changed = false;
    let is_of_number = |letter: char| letter.is_ascii_digit() || "+-.eE".contains(letter);
    while let Some(start) = rest.find(|letter: char| letter == '"' || is_of_number(letter)) {
        let (before, token) = rest.split_at(start);
        bounded.push_str(before);
        let is_string = token.starts_with('"');
        let length =
            if is_string { string_length(token) } else { token.find(|letter| !is_of_number(letter)) };
        let (token, after) = token.split_at(length.unwrap_or(token.len()));
        // Rust reads more forms of a number than JSON has; those stay as they are, and stay faults.
        let is_too_large = !is_string
            && token.parse::<f64>().is_ok_and(f64::is_infinite)
            && serde_json::from_str::<&RawValue>(token).is_ok();
        is_changed |= is_too_large;
        bounded.push_str(match (is_too_large, token.starts_with('-')) {
            (false, _) => token,
            (true, false) => "1e308",
            (true, true) => "-1e308",
        });
        rest = after;
    }
    bounded.push_str(rest);
    is_changed.then(|| parse(&bounded))
}

/// Bytes of the string that `text` begins with, both quotes included; nothing where it has no end.
fn string_length(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    Some(end? + 2)
}

fn violation(rule: &'static str, pointer: String) -> Violation {
    let message = DOCUMENT_RULES.iter().find(|known| known.id == rule).map_or("", |known| known.words);
    Violation::new(rule, pointer, message)
}

/// The fault, and its path from the inside out: collected while the error is returned, so that a document
/// without fault pays nothing for it.
#[derive(Default)]
struct ReadState {
    fault: Option<&'static str>,
    trail: Vec<OwnedSegment>,
}

impl ReadState {
    fn fail<T, E: Error>(&mut self, rule: &'static str) -> Result<T, E> {
        self.fault = Some(rule);
        Err(E::custom(rule))
    }
}

/// A segment of the pointer that outlives the parser's borrow of the key.
enum OwnedSegment {
    Key(String),
    Index(usize),
}

impl OwnedSegment {
    fn as_segment(&self) -> Segment<'_> {
        match self {
            Self::Key(key) => Segment::Key(key),
            Self::Index(index) => Segment::Index(*index),
        }
    }
}

/// Builds the value at one depth of nesting.
struct ValueSeed<'a> {
    state: &'a mut ReadState,
    depth: usize,
}

impl ValueSeed<'_> {
    fn child(&mut self) -> ValueSeed<'_> {
        ValueSeed { state: self.state, depth: self.depth + 1 }
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("syntax"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        if self.depth > MAX_DEPTH {
            return self.state.fail("depth");
        }
        let mut array = Vec::new();
        loop {
            match items.next_element_seed(self.child()) {
                Ok(Some(item)) => array.push(item),
                Ok(None) => return Ok(Value::Array(array)),
                Err(error) => {
                    self.state.trail.push(OwnedSegment::Index(array.len()));
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        if self.depth > MAX_DEPTH {
            return self.state.fail("depth");
        }
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let vacant = match object.entry(key) {
                Entry::Vacant(vacant) => vacant,
                Entry::Occupied(occupied) => {
                    self.state.trail.push(OwnedSegment::Key(occupied.key().clone()));
                    return self.state.fail("duplicate_key");
                }
            };
            match members.next_value_seed(self.child()) {
                Ok(value) => drop(vacant.insert(value)),
                Err(error) => {
                    self.state.trail.push(OwnedSegment::Key(vacant.key().clone()));
                    return Err(error);
                }
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: impl AsRef<[u8]>, expected: Result<(), (&str, &str)>) {
        let read = read(document.as_ref());
        let found = read.as_ref().map(drop).map_err(|violation| (violation.rule(), violation.pointer()));
        assert_eq!(found, expected);
    }

    #[test]
    fn bent_documents_are_refused_with_rule_and_place() {
        check("{\"a\": [1, -2, 3.5, null, true, \"x\"]}", Ok(()));
        check(" {} \n", Ok(()));
        check("", Err(("syntax", "")));
        check("{} {}", Err(("syntax", "")));
        check("\u{feff}{}", Err(("syntax", "")));
        check("{\"a\": NaN}", Err(("syntax", "")));
        check("{\"a\": \"\\ud800\"}", Err(("syntax", "")));
        check("{\"a\": \"\n\"}", Err(("syntax", "")));
        check(b"{\"a\": \"\xff\"}", Err(("utf8", "")));
        check("{\"status\": 1, \"status\": 1}", Err(("duplicate_key", "/status")));
        check("{\"status\": 1, \"st\\u0061tus\": 1}", Err(("duplicate_key", "/status")));
        check("{\"tool\": [0, {\"alice\": 1, \"alice\": 2}]}", Err(("duplicate_key", "/tool/1/*")));
    }

    #[test]
    fn large_numbers_are_json() {
        let number = |text: &str| read(text.as_bytes()).ok().and_then(|value| value["a"].as_f64());
        assert_eq!(number("{\"a\": 1e999, \"b\": \"1e999\\\"1e999\"}"), Some(1e308));
        assert_eq!(number("{\"a\":-1E+999}"), Some(-1e308));
        assert_eq!(number(&format!("{{\"a\":{}}}", "9".repeat(400))), Some(1e308));
        assert_eq!(number("{\"a\":1e308}"), Some(1e308));
        let text = "{\"a\":1e999,\"b\":\"\u{e9} 1e999 \\\\\"}";
        assert_eq!(read(text.as_bytes()).expect("JSON")["b"], "\u{e9} 1e999 \\");
        let text = "{\"b\": \"\\\"1e999\", \"c\": 5, \"a\": 1e999}";
        let beside = serde_json::json!({ "b": "\"1e999", "c": 5, "a": 1e308 });
        assert_eq!(read(text.as_bytes()), Ok(beside), "what stands beside it is as it was");
        for fault in ["01e999", "+1e999", "1e999.", ".1e999", "1e999x", "1e", "-", "1e999,1e999", "\"1e999"] {
            check(format!("{{\"a\":{fault}}}"), Err(("syntax", "")));
        }
        check("{\"status\":1e999,\"status\":1}", Err(("duplicate_key", "/status")));
    }

    #[test]
    fn the_limits_are_the_last_that_pass() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        check(nested(MAX_DEPTH), Ok(()));
        check(nested(MAX_DEPTH + 1), Err(("depth", &"/0".repeat(MAX_DEPTH))));
        check(nested(5000), Err(("depth", &"/0".repeat(MAX_DEPTH))));
        check(format!("\"{}\"", "x".repeat(MAX_DOCUMENT_BYTES - 2)), Ok(()));
        check(format!("\"{}\"", "x".repeat(MAX_DOCUMENT_BYTES - 1)), Err(("size", "")));
    }
}
