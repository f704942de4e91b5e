//! Whether a host meets the requirements of a run. Looks, and changes nothing.
//!
//! A failure is what k3s or a component certainly cannot do without; everything else is a warning that the operator may
//! accept, because a host that is only smaller or newer than what was tested often works. What a component needs beyond
//! that stands with the component, see [`crate::component::Spec::preflight`].

mod cluster;
mod host;
mod resources;

use schema::{Mode, Platform};
use serde::Serialize;

pub use crate::component::{Finding, Severity};

use crate::component::{Probe, selected};
use crate::host::Host;
use crate::settings::Settings;
use crate::terminal::Printer;

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

    /// Prints a line for each finding.
    pub fn show(&self, printer: &mut Printer) {
        for finding in &self.findings {
            printer.wrapped(&label(finding), &finding.message);
        }
    }

    /// Tells what a run should not go on over.
    pub fn show_problems(&self, printer: &mut Printer) {
        for finding in self.findings.iter().filter(|finding| finding.severity > Severity::Pass) {
            printer.item(&label(finding), &finding.message);
        }
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
    // The bounds are those of the platform components; a bare server or agent needs far less.
    if matches!(settings.mode, Mode::SingleNode | Mode::Stack) {
        findings.extend(resources::check(host, settings));
    }
    findings.extend(host::role(host, settings));
    findings.extend(crate::component::pins::check(settings));
    // The cluster comes last: it is the slowest to ask, and nothing above depends on it.
    let probe = Probe::new(host, settings);
    // What is skipped cannot stand in the way of the run.
    let wanted = selected(settings).filter(|spec| spec.wanted(settings));
    findings.extend(wanted.flat_map(|spec| spec.preflight(&probe)));
    findings.extend(cluster::check(&probe));
    PreflightReport { findings }
}

fn label(finding: &Finding) -> String {
    let mark = match finding.severity {
        Severity::Pass => "ok  ",
        Severity::Warning => "warn",
        Severity::Failure => "FAIL",
    };
    format!("  {mark}  {:<13}  ", finding.check)
}
