//! What a check of the host found.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Something recommended is missing: a run goes on if the operator accepts it.
    Warning,
    /// Something required is missing: a run cannot go on.
    Failed,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// Stable name of the check.
    pub check: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, and what is required or recommended where it differs.
    pub evidence: String,
    /// The command that fixes it, or the line to add and the file that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// A line of the log, without what was found: that may name the host or a place on it.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "preflight: {:?} {}", self.severity, self.check)
    }
}

impl Finding {
    pub(crate) fn new(check: &'static str, severity: Severity, evidence: impl Into<String>) -> Self {
        Self { check, severity, evidence: evidence.into(), help: None }
    }

    pub(crate) fn pass(check: &'static str, evidence: impl Into<String>) -> Self {
        Self::new(check, Severity::Ok, evidence)
    }

    pub(crate) fn warning(check: &'static str, evidence: impl Into<String>) -> Self {
        Self::new(check, Severity::Warning, evidence)
    }

    pub(crate) fn failure(check: &'static str, evidence: impl Into<String>) -> Self {
        Self::new(check, Severity::Failed, evidence)
    }

    /// Adds what fixes it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
