//! Whether what a run installed works now: what a run checks at its end, and more that only makes sense later, such as how
//! long certificates are still valid. Looks, and changes nothing but for one small blob that is pushed to the registry and
//! deleted again.
//!
//! A run waits until a condition holds; here each is looked at once, for the question is about now. The conditions
//! themselves stand with the components and are not repeated here.

mod certificates;
mod cluster;
mod https;
mod registry;
mod report;

use std::path::Path;

use schema::{Component, Mode};

pub use report::{VerifiedCheck, VerifyOutcome, VerifyReport};

use crate::component::{
    BuiltInSums, Detection, PlanContext, Probe, RunHistory, components, detect, plan, spec_of,
};
use crate::host::{Host, STAGING};
use crate::settings::Settings;

/// Checks what a run with these settings would have installed, given what former runs did.
pub fn verify(host: &Host, settings: &Settings, history: RunHistory) -> VerifyReport {
    let probe = Probe::new(host, settings).with_history(history);
    let context =
        PlanContext { settings, arch: host.arch(), staging: Path::new(STAGING), sums: BuiltInSums::PROGRAM };
    let mut checks = Vec::new();
    if settings.mode == Mode::Stack {
        // The stack is on a k3s that it did not install, and does not work without.
        checks.extend(cluster::check(&probe));
    }
    for id in components(settings.mode) {
        checks.extend(component(id, &probe, &context));
    }
    VerifyReport { checks }
}

/// What a run verifies of a component, and what there is beyond.
fn component(id: Component, probe: &Probe<'_>, context: &PlanContext<'_>) -> Vec<VerifiedCheck> {
    let detection = detect(id, probe);
    let first = installed(id, &detection, probe.settings);
    let is_there =
        matches!(detection, Detection::Present | Detection::PresentWithExport | Detection::Incomplete(_));
    let mut checks = vec![first];
    if !is_there {
        return checks;
    }
    // What is incomplete is verified as well: which part does not work is what the operator wants to know.
    let reused = if id == Component::Nfs { Detection::PresentWithExport } else { Detection::Present };
    for check in plan(id, &reused, context).verify {
        checks.push(VerifiedCheck::observed(id, &check.condition, probe.host));
    }
    checks.extend(beyond(id, probe));
    checks
}

/// What is checked of a component at any time and not at the end of a run.
fn beyond(id: Component, probe: &Probe<'_>) -> Vec<VerifiedCheck> {
    match id {
        Component::K3s => {
            let mut checks = vec![certificates::of_k3s(probe.host, probe.settings.mode)];
            if probe.settings.mode != Mode::Agent {
                checks.extend(cluster::check(probe));
            }
            checks
        }
        Component::CertManager => vec![certificates::of_cert_manager(probe)],
        Component::Longhorn => vec![cluster::volumes(probe)],
        id => spec_of(id).endpoint(probe.settings).map_or_else(Vec::new, |endpoint| {
            let mut checks = vec![https::answers(id, &endpoint, probe)];
            if id == Component::Registry && checks[0].outcome == VerifyOutcome::Ok {
                checks.push(registry::push_and_pull(&endpoint, probe));
            }
            checks
        }),
    }
}

/// Whether the component is there as the settings want it.
fn installed(id: Component, detection: &Detection, settings: &Settings) -> VerifiedCheck {
    let check = VerifiedCheck::new(id, "installed as configured");
    let repair = format!("bootstrap run --mode {}", settings.mode);
    match detection {
        Detection::Present | Detection::PresentWithExport => check,
        Detection::NotNeeded => check.skipped("not part of this installation"),
        Detection::Missing => check.failed("missing").help(repair),
        Detection::Incomplete(gap) => check.failed(gap.to_string()).help(repair),
        Detection::PresentWithoutExport => check.failed("the export is not listed").help(repair),
        Detection::Conflict(conflict) => check.failed(conflict.to_string()),
        Detection::Unknown(error) => check.unknown(error.to_string()),
    }
}
