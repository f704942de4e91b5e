//! How far a document can tell one host from all others, in bits, computed from the types.
//!
//! For every property this counts the values that it can have, and states the cause of the value. Bits add up as if all
//! values were as likely and none followed from another, so that every total is an upper bound: what a real fleet
//! reveals is less. A new property has no cause and fails the tests until a person has considered it, and the budget
//! until its bits are accepted.

use std::collections::HashMap;
use std::fmt::Write;

use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, Input};
use schema::DocumentKind;
use serde_json::Value;

use super::generate::{resolved, schema_of};
use super::leaf::{Leaf, LeafKind, leaves};

/// The cause of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// What the host is, or was before the run.
    Host,
    /// What the operator chose.
    Choice,
    /// How the run went.
    Outcome,
    /// Which release was installed: built into the program, and the same on every host that has it.
    Release,
    /// How deliveries went.
    Delivery,
    /// When it happened. A reader who knows that about a host does not need the document.
    Moment,
    /// Drawn at random for a session, a run or an event.
    Random,
}

impl Cause {
    /// The counted ones: their values are similar in the next document of the same host, or describe the host.
    const COUNTED: [Self; 3] = [Self::Host, Self::Choice, Self::Outcome];

    const fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Choice => "choice",
            Self::Outcome => "outcome",
            Self::Release => "release",
            Self::Delivery => "delivery",
            Self::Moment => "moment",
            Self::Random => "random",
        }
    }
}

/// Most bits that a kind of document may have room for: those that the host causes, and all that are counted. Raising one
/// is a decision about every host, and belongs into the changelog of the contract.
#[cfg(test)]
const BUDGET: [(&str, u32, u32); 4] = [
    ("Command event", 0, 9),
    ("Mode event", 0, 11),
    ("Component event", 0, 6),
    ("Manifest delivery", 52, 187),
];

/// `None` for a place that no one has considered.
fn cause_of(path: &[&str]) -> Option<Cause> {
    Some(match path {
        ["manifest", inside @ ..] => return cause_of(inside),
        ["platform", _] | ["components", _, "detected_before"] => Cause::Host,
        ["features", _]
        | ["components", _, "issuer"]
        | ["command", "name" | "mode" | "execution"]
        | ["enabled_component", "name"]
        | ["component" | "bootstrap_mode" | "execution"] => Cause::Choice,
        ["components", _, "planned_action" | "result"]
        | ["failure", _]
        | ["command" | "enabled_component", "result"]
        | ["status" | "exit_code" | "current_step" | "event_name"] => Cause::Outcome,
        ["client" | "tool", "version"] | ["telemetry_meta", "contract_version"] => Cause::Release,
        ["delivery_attempt" | "retry_attempt" | "is_retry"] => Cause::Delivery,
        ["occurred_at" | "sent_at" | "started_at" | "finished_at"] => Cause::Moment,
        ["event_id" | "session_id" | "run_id" | "parent_run_id"] => Cause::Random,
        _ => return None,
    })
}

/// A property of a kind of document.
struct Share {
    path: String,
    cause: Option<Cause>,
    values: f64,
}

impl Share {
    fn of(leaf: &Leaf) -> Self {
        let path: Vec<&str> = leaf.path.iter().map(String::as_str).collect();
        // Absence is one more value.
        let values = values_of(&leaf.kind) + if leaf.is_required { 0.0 } else { 1.0 };
        Self { path: path.join("."), cause: cause_of(&path), values }
    }

    fn bits(&self) -> f64 {
        self.values.log2()
    }
}

/// A kind of document, and every property of it that can have more than one value.
struct Profile {
    title: String,
    shares: Vec<Share>,
}

impl Profile {
    fn bits(&self, cause: Cause) -> f64 {
        self.shares
            .iter()
            .filter(|share| share.cause == Some(cause))
            .map(Share::bits)
            .fold(0.0, |sum, bits| sum + bits)
    }

    fn counted(&self) -> f64 {
        Cause::COUNTED.into_iter().map(|cause| self.bits(cause)).sum()
    }
}

fn profiles() -> Vec<Profile> {
    let root = schema_of(DocumentKind::Telemetry).to_value();
    let branches = root["anyOf"].as_array().cloned().unwrap_or_default();
    let profile = |branch: &Value| {
        let kind = resolved(&root, branch).1;
        let shares =
            leaves(&root, kind, &[]).iter().map(Share::of).filter(|share| share.values > 1.0).collect();
        Profile { title: kind["title"].as_str().unwrap_or_default().to_owned(), shares }
    };
    branches.iter().map(profile).collect()
}

/// How many values there are.
fn values_of(kind: &LeafKind) -> f64 {
    match kind {
        LeafKind::Words(words) => bounded(words.len()),
        LeafKind::Integer { min, max } => bounded(usize::try_from(max - min).unwrap_or_default()) + 1.0,
        LeafKind::Boolean => 2.0,
        LeafKind::Text { pattern } => strings_of(pattern),
        // Version and variant of a UUID are fixed, and no time is before the year 1970 or finer than a second.
        LeafKind::Uuid => 122.0_f64.exp2(),
        LeafKind::Time => 253_402_300_800.0,
    }
}

/// Numbers of the contract are far below what a float holds exactly.
fn bounded(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

/// How many strings match an anchored pattern: the paths through its automaton, one byte after the other.
fn strings_of(pattern: &str) -> f64 {
    const LONGEST: usize = 64;
    let automaton = dense::DFA::new(pattern).expect("the lint has read every pattern");
    let start = automaton.start_state_forward(&Input::new("").anchored(Anchored::Yes)).expect("a start");
    let mut ways: HashMap<StateID, f64> = HashMap::from([(start, 1.0)]);
    let mut count = 0.0;
    for _ in 0..=LONGEST {
        let ends =
            ways.iter().filter(|(state, _)| automaton.is_match_state(automaton.next_eoi_state(**state)));
        count += ends.map(|(_, number)| number).sum::<f64>();
        let mut next: HashMap<StateID, f64> = HashMap::new();
        for (state, number) in ways {
            for byte in b' '..=b'~' {
                let reached = automaton.next_state(state, byte);
                if !automaton.is_dead_state(reached) {
                    *next.entry(reached).or_default() += number;
                }
            }
        }
        ways = next;
    }
    count
}

/// The tables of the chapter: totals, then every property.
pub(super) fn tables() -> String {
    let profiles = profiles();
    let mut text = "| document | host | choice | outcome | together |\n|---|---|---|---|---|".to_owned();
    for profile in &profiles {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n| {} |", profile.title);
        for cause in Cause::COUNTED {
            let _ = write!(text, " {:.1} |", profile.bits(cause));
        }
        let _ = write!(text, " {:.1} |", profile.counted());
    }
    text.push_str("\n\n| property | values | bits | caused by |\n|---|---|---|---|");
    let mut told: Vec<&str> = Vec::new();
    for share in profiles.iter().flat_map(|profile| &profile.shares) {
        let Some(cause) = share.cause else { continue };
        if !told.contains(&share.path.as_str()) {
            told.push(&share.path);
            let counted = Cause::COUNTED.contains(&cause);
            let bits = if counted { format!("{:.1}", share.bits()) } else { "-".to_owned() };
            let values = if counted { share.values.to_string() } else { "-".to_owned() };
            let _ = write!(text, "\n| `{}` | {values} | {bits} | {} |", share.path, cause.word());
        }
    }
    text
}

/// Bits of a document: those that the host causes, and all that are counted.
#[derive(Clone, Copy)]
pub(super) struct Bits {
    pub(super) host: f64,
    pub(super) counted: f64,
}

/// The bits of the document with the most, and of the one that comes after it.
pub(super) fn fullest() -> [Bits; 2] {
    let of = |profile: &Profile| Bits { host: profile.bits(Cause::Host), counted: profile.counted() };
    let mut all: Vec<Bits> = profiles().iter().map(of).collect();
    all.sort_by(|one, other| other.counted.total_cmp(&one.counted));
    [all[0], all[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_has_thought_about_every_property() {
        for profile in profiles() {
            for share in profile.shares {
                assert!(share.cause.is_some(), "{}: who causes it? see cause_of", share.path);
            }
        }
    }

    #[test]
    fn no_document_exceeds_its_budget() {
        let profiles = profiles();
        let rounded = |bits: f64| bits.ceil().to_string();
        let found: Vec<(&str, String, String)> = profiles
            .iter()
            .map(|profile| {
                (profile.title.as_str(), rounded(profile.bits(Cause::Host)), rounded(profile.counted()))
            })
            .collect();
        // Equal, so that bits that a document loses cannot be used later without a review.
        let budget = BUDGET.map(|(title, host, all)| (title, host.to_string(), all.to_string()));
        assert_eq!(found, budget);
    }

    #[test]
    fn strings_are_counted() {
        for (pattern, count) in
            [("^a$", 1.0), ("^[0-9]{1,2}$", 110.0), ("^(x|[ab]{2}(c|d)?)$", 13.0), ("^$", 1.0)]
        {
            assert!((strings_of(pattern) - count).abs() < 0.5, "{pattern}: {}", strings_of(pattern));
        }
        let os_versions = (110.0 + 100.0) * 111.0 + 1.0;
        assert!((strings_of(schema::OsVersion::PATTERN) - os_versions).abs() < 0.5);
    }
}
