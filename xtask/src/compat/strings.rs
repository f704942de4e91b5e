//! Which strings a pattern and its bounds accept, decided exactly: both sides become automata over printable ASCII, and
//! the shortest string that one accepts and the other refuses is searched.

use std::collections::{HashSet, VecDeque};
use std::ops::RangeInclusive;

use anyhow::Context;
use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, Input};
use serde_json::Value;

use super::node::Node;

/// A string longer than this tells nothing that a shorter one does not.
const LONGEST: usize = 128;

/// The strings that a node accepts, its format left aside.
struct Language {
    automaton: dense::DFA<Vec<u32>>,
    lengths: RangeInclusive<usize>,
}

impl Language {
    fn of(node: &Node<'_>) -> anyhow::Result<Self> {
        let pattern = node.says.get("pattern").and_then(Value::as_str).unwrap_or("");
        let length = |keyword, absent| {
            node.number(keyword).and_then(|length| usize::try_from(length).ok()).unwrap_or(absent)
        };
        // A pattern of JSON Schema is searched for: anything may stand around the match.
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

/// The shortest string that `one` accepts and `other` refuses, if there is any.
pub(super) fn difference(one: &Node<'_>, other: &Node<'_>) -> anyhow::Result<Option<String>> {
    let (one, other) = (Language::of(one)?, Language::of(other)?);
    let mut seen = HashSet::new();
    let mut queue = VecDeque::from([(one.start()?, other.start()?, String::new())]);
    while let Some((left, right, text)) = queue.pop_front() {
        if one.accepts(left, text.len()) && !other.accepts(right, text.len()) {
            return Ok(Some(text));
        }
        if one.automaton.is_dead_state(left) || text.len() >= LONGEST {
            continue;
        }
        for byte in b' '..=b'~' {
            let left = one.automaton.next_state(left, byte);
            let right = other.automaton.next_state(right, byte);
            if seen.insert((left, right, text.len())) {
                queue.push_back((left, right, format!("{text}{}", char::from(byte))));
            }
        }
    }
    Ok(None)
}
