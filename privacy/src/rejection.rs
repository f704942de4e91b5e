//! Reports that name the rule and the place, and never the value.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// One rule that a document breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    rule: Cow<'static, str>,
    pointer: String,
    words: &'static str,
}

impl Violation {
    pub(crate) fn new(rule: impl Into<Cow<'static, str>>, pointer: String, words: &'static str) -> Self {
        Self { rule: rule.into(), pointer, words }
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
    pub fn words(&self) -> &'static str {
        self.words
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "the document" } else { &self.pointer };
        write!(f, "{} at {place}: {}", self.rule, self.words)
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

/// Violations as they are found: each once, and no more than a report holds, so that a hostile document cannot make it
/// grow.
#[derive(Default)]
pub(crate) struct Findings {
    violations: Vec<Violation>,
}

impl Findings {
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

    /// The rejection that these violations amount to, if there are any.
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
