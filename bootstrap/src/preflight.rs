//! Whether a host meets the requirements of a run. Looks, and changes nothing.
//!
//! A failure is what k3s or a component certainly cannot do without; everything else is a warning that the operator may
//! accept, because a host that is only smaller or newer than what was tested often works. What a component needs beyond
//! that stands with the component, see [`crate::component::Spec::preflight`].

mod artifacts;
mod cluster;
mod firewall;
mod host;
mod join;
mod join_token;
mod k3s_config;
mod kernel;
mod network;
mod node;
mod packages;
mod resources;
mod versions;

use schema::{Component, Mode, Platform};
use schemars::JsonSchema;
use serde::Serialize;

pub use crate::component::{Finding, Severity};
pub use host::os_release;
pub use join::SERVER_CHECK;
pub use resources::{free_bytes, memory_kib, processors};

use crate::component::{Probe, selected, spec_of};
use crate::host::Host;
use crate::settings::Settings;
use crate::terminal::{CheckMark, Line, Verbosity, check_line, help_line};
use k3s_config::K3sConfig;

/// Everything that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
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
        self.findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok)
    }

    /// How many findings there are of each severity, and below it what stands in the way of a run: what failed with what
    /// fixes it, and what warns. With `-v` every finding.
    pub fn summary(&self, verbosity: Verbosity) -> Vec<Line> {
        let all = verbosity >= Verbosity::Verbose;
        let mut shown: Vec<&Finding> = self.findings.iter().collect();
        if !all {
            shown.retain(|finding| finding.severity > Severity::Ok);
            // What makes a run impossible first; otherwise the order of the checks.
            shown.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        }
        std::iter::once(Line::heading(format!("Preflight: {}", self.counts())))
            .chain(shown.into_iter().flat_map(|finding| {
                let fix = finding.help.as_ref().filter(|_| all || finding.severity == Severity::Failed);
                std::iter::once(of_finding(finding)).chain(fix.map(|fix| help_line(NAME_COLUMNS, fix)))
            }))
            .collect()
    }

    /// A line for each finding, and what fixes it.
    pub fn lines(&self) -> Vec<Line> {
        self.summary(Verbosity::Exact).split_off(1)
    }

    /// `1 failed, 3 warnings, 20 ok`; what there is none of is left out.
    pub fn counts(&self) -> String {
        let count = |severity| self.of(severity).count();
        let warnings = count(Severity::Warning);
        let counts = [
            (count(Severity::Failed), "failed"),
            (warnings, if warnings == 1 { "warning" } else { "warnings" }),
            (count(Severity::Ok), "ok"),
        ];
        let told =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
        told.collect::<Vec<_>>().join(", ")
    }

    /// Names of the checks that found something of this severity, each once.
    pub fn names(&self, severity: Severity) -> String {
        let mut names: Vec<&str> = self.of(severity).map(|finding| finding.check).collect();
        names.dedup();
        names.join(", ")
    }
}

/// Checks the host for a run with these settings. It needs neither root nor, but for an agent's question to its server, a
/// network; what cannot be seen without them is told as a warning. Nothing takes longer than some seconds.
pub fn check(host: &Host, platform: &Platform, settings: &Settings) -> PreflightReport {
    let mut findings = vec![
        host::operating_system(platform),
        host::architecture(platform),
        host::init_system(host),
        host::privilege(host),
    ];
    findings.extend(host::commands(host, settings));
    findings.extend(host::role(host, settings));
    findings.extend(versions::check(settings));
    findings.extend(resources::check(host, settings));
    findings.extend(for_k3s(host, settings));
    let wanted = || selected(settings).filter(|spec| spec.wanted(settings));
    findings.extend(wanted().any(|spec| spec.programs().contains(&"apt-get")).then(|| packages::lock(host)));
    findings.extend(
        settings.agent.iter().filter(|_| installs_k3s(settings)).flat_map(|agent| join::check(host, agent)),
    );
    // The cluster comes last: it is the slowest to ask, and nothing above depends on it.
    let probe = Probe::new(host, settings);
    findings.extend(artifacts::check(host, settings, &probe));
    // What is skipped cannot stand in the way of the run.
    findings.extend(wanted().flat_map(|spec| spec.preflight(&probe)));
    findings.extend(cluster::check(&probe));
    PreflightReport { findings }
}

fn is_selected(settings: &Settings, component: Component) -> bool {
    selected(settings).any(|spec| spec.id() == component && spec.wanted(settings))
}

/// A stack is put on a k3s that is there; whoever leaves k3s out has one, or another Kubernetes.
fn installs_k3s(settings: &Settings) -> bool {
    is_selected(settings, Component::K3s)
}

/// What a node of the cluster needs, as `k3s check-config` and kubeadm look for it.
fn for_k3s(host: &Host, settings: &Settings) -> Vec<Finding> {
    let with_longhorn = is_selected(settings, Component::Longhorn);
    let with_k3s = installs_k3s(settings);
    let mut findings = kernel::modules(host, with_k3s, with_longhorn);
    if !with_k3s {
        return findings;
    }
    let config = K3sConfig::read(host);
    let service = if settings.mode == Mode::Agent { "k3s-agent" } else { "k3s" };
    findings.extend(kernel::cgroups(host, spec_of(Component::K3s).version(settings), &config));
    findings.push(node::host_name(host, settings, &config));
    findings.extend([node::dns(host), node::clock(host)]);
    findings.extend(network::ports(host, settings));
    findings.push(network::default_route(host, &config));
    findings.extend(firewall::check(host, settings, &config));
    findings.extend([resources::rancher_disk(host, host.has_unit(service)), resources::swap(host)]);
    findings
}

/// The longest name of a check.
const NAME_COLUMNS: usize = 13;

fn of_finding(finding: &Finding) -> Line {
    let mark = match finding.severity {
        Severity::Ok => CheckMark::Ok,
        Severity::Warning => CheckMark::Warning,
        Severity::Failed => CheckMark::Failed,
    };
    check_line(mark, (finding.check, NAME_COLUMNS), &finding.evidence)
}
