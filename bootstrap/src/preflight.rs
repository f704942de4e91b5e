//! Whether a host is fit for a run. Looks, and changes nothing.

pub mod cluster;
mod host;
mod inputs;
mod resources;

use schema::{Mode, Platform};
use serde::Serialize;

use crate::host::Host;
use crate::settings::Settings;

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
    fn new(check: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self { check, severity, message: message.into() }
    }

    fn pass(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Severity::Pass, message)
    }

    fn warning(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Severity::Warning, message)
    }

    fn failure(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Severity::Failure, message)
    }
}

/// Everything that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PreflightReport {
    /// The findings in the order of the checks.
    pub findings: Vec<Finding>,
}

impl PreflightReport {
    /// The findings of one severity.
    pub fn of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.severity == severity)
    }

    /// The worst severity among the findings.
    pub fn worst(&self) -> Severity {
        self.findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Pass)
    }
}

/// Checks the host for a run with these settings.
pub fn check(host: &Host, platform: &Platform, settings: &Settings) -> PreflightReport {
    let mut findings = vec![
        host::operating_system(platform),
        host::architecture(platform),
        host::init_system(host),
        host::privilege(host),
    ];
    findings.extend(host::commands(host, settings));
    if matches!(settings.mode, Mode::SingleNode | Mode::Stack) {
        findings.extend(resources::check(host, settings));
    }
    findings.extend(inputs::check(host, settings));
    findings.extend(cluster::check(host, settings));
    PreflightReport { findings }
}
