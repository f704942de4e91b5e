//! What a check of the host found.

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Pass,
    /// A run may go on if the operator accepts it.
    Warning,
    /// A run cannot go on.
    Failure,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name of the check.
    pub check: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, and what to do where something is wrong.
    pub message: String,
}

impl Finding {
    pub(crate) fn new(check: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self { check, severity, message: message.into() }
    }

    pub(crate) fn pass(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Severity::Pass, message)
    }

    pub(crate) fn warning(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Severity::Warning, message)
    }

    pub(crate) fn failure(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Severity::Failure, message)
    }
}
