//! What was verified, as lines and as data.

use schema::Component;
use serde::Serialize;

use crate::host::{Host, ProbeError};
use crate::step::{Condition, Unmet};
use crate::terminal::{CheckMark, Line, check_line, help_line};

/// What one check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VerifyOutcome {
    /// It is as it should be.
    Ok,
    /// It is not.
    Failed,
    /// It could not be found out, which is not good either.
    Unknown,
    /// There is nothing to check, or it could only be checked with an input that was not given.
    Skipped,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifiedCheck {
    /// What it is about.
    pub component: Component,
    /// What must be so, in the words of a run.
    pub check: String,
    /// What it came to.
    pub outcome: VerifyOutcome,
    /// What was found, where the outcome does not say it all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The command with which to look at it, or that repairs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl VerifiedCheck {
    /// A check that is as it should be, unless the outcome is changed.
    pub(super) fn new(component: Component, check: impl Into<String>) -> Self {
        Self { component, check: check.into(), outcome: VerifyOutcome::Ok, evidence: None, help: None }
    }

    /// One condition, in the words of a run.
    pub(super) fn observed(component: Component, condition: &Condition, host: &Host) -> Self {
        let check = Self::new(component, condition.to_string());
        match (condition.observe(host), condition.hint()) {
            (Ok(()), _) => check,
            (Err(unmet), Some(hint)) => check.unmet(&unmet).help(hint),
            (Err(unmet), None) => check.unmet(&unmet),
        }
    }

    /// A condition does not hold. What could not be found out is not known to be wrong.
    pub(super) fn unmet(self, unmet: &Unmet) -> Self {
        match unmet {
            Unmet::Probe(error) => self.unknown(error.to_string()),
            unmet => self.failed(unmet.to_string()),
        }
    }

    fn with(self, outcome: VerifyOutcome, evidence: impl Into<String>) -> Self {
        Self { outcome, evidence: Some(evidence.into()), ..self }
    }

    /// It is as it should be, and there is more to say.
    pub(super) fn ok(self, evidence: impl Into<String>) -> Self {
        self.with(VerifyOutcome::Ok, evidence)
    }

    pub(super) fn failed(self, evidence: impl Into<String>) -> Self {
        self.with(VerifyOutcome::Failed, evidence)
    }

    pub(super) fn unknown(self, evidence: impl Into<String>) -> Self {
        self.with(VerifyOutcome::Unknown, evidence)
    }

    pub(super) fn skipped(self, evidence: impl Into<String>) -> Self {
        self.with(VerifyOutcome::Skipped, evidence)
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    fn lines(&self, width: usize) -> impl Iterator<Item = Line> {
        let Self { component, check, outcome, evidence, help } = self;
        let mark = match outcome {
            VerifyOutcome::Ok => CheckMark::Ok,
            VerifyOutcome::Failed => CheckMark::Failed,
            VerifyOutcome::Unknown => CheckMark::Unknown,
            VerifyOutcome::Skipped => CheckMark::Skipped,
        };
        let evidence = evidence.as_ref().map_or_else(String::new, |evidence| format!(": {evidence}"));
        let line = check_line(mark, (component.as_str(), width), format!("{check}{evidence}"));
        std::iter::once(line).chain(help.as_ref().map(|help| help_line(width, help)))
    }

    /// What `judge` makes of what was found; unknown if nothing could be.
    pub(super) fn judged<T>(self, found: Result<T, ProbeError>, judge: impl FnOnce(Self, T) -> Self) -> Self {
        match found {
            Ok(found) => judge(self, found),
            Err(error) => self.unknown(error.to_string()),
        }
    }
}

/// Every check, in the order in which components are installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct VerifyReport {
    /// The checks.
    pub checks: Vec<VerifiedCheck>,
}

impl VerifyReport {
    /// How many checks are not as they should be; what is unknown counts.
    pub fn problems(&self) -> usize {
        self.count(VerifyOutcome::Failed) + self.count(VerifyOutcome::Unknown)
    }

    /// How many checks came to `outcome`.
    pub fn count(&self, outcome: VerifyOutcome) -> usize {
        self.checks.iter().filter(|check| check.outcome == outcome).count()
    }

    /// `1 failed, 2 unknown, 20 ok`; what there is none of is left out.
    pub fn counts(&self) -> String {
        let counts = [
            (VerifyOutcome::Failed, "failed"),
            (VerifyOutcome::Unknown, "unknown"),
            (VerifyOutcome::Ok, "ok"),
            (VerifyOutcome::Skipped, "skipped"),
        ];
        let told = counts.iter().filter_map(|(outcome, word)| match self.count(*outcome) {
            0 => None,
            count => Some(format!("{count} {word}")),
        });
        told.collect::<Vec<_>>().join(", ")
    }

    /// A line for each check, and below it the command that helps, where there is one.
    pub fn lines(&self) -> Vec<Line> {
        let names = self.checks.iter().map(|check| check.component.as_str().len());
        let width = names.max().unwrap_or_default();
        self.checks.iter().flat_map(|check| check.lines(width)).collect()
    }
}
