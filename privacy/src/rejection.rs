//! Reports that name the rule and the place, and never the value.
//!
//! A report is printed, logged and stored with rejected documents, so it may itself leave the machine. So messages are
//! static text, and pointers show a key only if the contract has it: a key that a user invented may be a host name.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::published;

/// One rule that a document breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    rule: Cow<'static, str>,
    pointer: String,
    /// Receivers read this name, so it must not change after the contract is published.
    #[serde(rename = "words")]
    message: &'static str,
}

impl Violation {
    pub(crate) fn new(rule: impl Into<Cow<'static, str>>, pointer: String, message: &'static str) -> Self {
        Self { rule: rule.into(), pointer, message }
    }

    /// Id of the rule: `size`, `syntax`, `schema.<keyword>`, or an id of [`schema::denylist`].
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// JSON pointer (RFC 6901) of the place; segments that are no property of the contract and no index are `*`.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What the rule says, as a fragment of a sentence.
    pub fn message(&self) -> &'static str {
        self.message
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "the document" } else { &self.pointer };
        write!(f, "{} at {place}: {}", self.rule, self.message)
    }
}

impl std::error::Error for Violation {}

/// Why a document was refused: at least one violation, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    violations: Vec<Violation>,
}

impl Rejection {
    /// Most violations that one report holds; a foreign document may break a rule at every place.
    pub const MAX_VIOLATIONS: usize = 64;

    /// The violations, never none.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}

/// A rule that a key or a string breaks, before its place is known.
///
/// The checks of single texts do not know the pointer, and to write it for each text would cost more than the checks.
#[derive(Clone, Copy)]
pub(crate) struct RuleViolation {
    pub(crate) rule: &'static str,
    pub(crate) message: &'static str,
}

impl RuleViolation {
    /// The violation at `pointer`.
    pub(crate) fn at(self, pointer: String) -> Violation {
        Violation::new(self.rule, pointer, self.message)
    }
}

/// Violations as they are found: each once, and no more than a report holds, so that a hostile document cannot make it
/// grow.
#[derive(Default)]
pub(crate) struct Violations {
    violations: Vec<Violation>,
}

impl Violations {
    pub(crate) fn add(&mut self, violation: Violation) {
        if !self.is_full() && !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.violations.len() >= Rejection::MAX_VIOLATIONS
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.violations.is_empty()
    }

    /// The rejection with these violations, if there are any.
    pub(crate) fn into_result(self) -> Result<(), Rejection> {
        let Self { violations } = self;
        if violations.is_empty() { Ok(()) } else { Err(Rejection { violations }) }
    }
}

impl From<Violation> for Rejection {
    fn from(violation: Violation) -> Self {
        Self { violations: vec![violation] }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.violations.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{violation}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejection {}

/// One step from a value to a value inside it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Segment<'a> {
    Key(&'a str),
    Index(usize),
}

/// The pointer of a place (RFC 6901), with every key that is no property of the contract written as `*`.
pub(crate) fn masked<'a>(path: impl IntoIterator<Item = Segment<'a>>) -> String {
    written(path, |key| if published::is_property(key) { Cow::Borrowed(key) } else { Cow::Borrowed("*") })
}

/// The pointer of a place (RFC 6901) with every key as it is: for comparing, never for a report.
pub(crate) fn exact<'a>(path: impl IntoIterator<Item = Segment<'a>>) -> String {
    written(path, |key| {
        if key.contains(['~', '/']) {
            Cow::Owned(key.replace('~', "~0").replace('/', "~1"))
        } else {
            Cow::Borrowed(key)
        }
    })
}

fn written<'a>(
    path: impl IntoIterator<Item = Segment<'a>>,
    name: impl Fn(&'a str) -> Cow<'a, str>,
) -> String {
    let mut pointer = String::new();
    for segment in path {
        // Writing to a String cannot fail.
        let _ = match segment {
            Segment::Key(key) => write!(pointer, "/{}", name(key)),
            Segment::Index(index) => write!(pointer, "/{index}"),
        };
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(number: usize) -> Violation {
        Violation::new("key", format!("/{number}"), "a message")
    }

    #[test]
    fn each_violation_is_reported_once_and_no_more_of_them_than_a_report_holds() {
        let mut found = Violations::default();
        for number in (0..Rejection::MAX_VIOLATIONS + 5).flat_map(|number| [number, number]) {
            found.add(violation(number));
        }
        found.add(violation(0));
        let rejection = found.into_result().expect_err("violations");
        let wanted: Vec<Violation> = (0..Rejection::MAX_VIOLATIONS).map(violation).collect();
        assert_eq!(rejection.violations, wanted);
    }

    #[test]
    fn a_rejection_says_all_of_its_violations() {
        let rejection = Rejection { violations: vec![violation(1), violation(2)] };
        assert_eq!(rejection.to_string(), "key at /1: a message; key at /2: a message");
        let whole = Violation::new("size", String::new(), "a message");
        assert_eq!(whole.to_string(), "size at the document: a message");
    }
}
