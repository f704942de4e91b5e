//! The files of an artifacts directory: all that the plan takes from there, as its sum files state them.
//!
//! A run finds out about a missing chart when k3s is installed already. So the components are planned here once, as the
//! run plans them, and every file of the plan is looked at.

use std::path::Path;

use crate::component::{BuiltInSums, Finding, PlanContext, Probe, detect, plan, selected};
use crate::host::{Host, STAGING};
use crate::settings::{Artifacts, Settings};
use crate::step::{Action, Artifact, StepError, UNTRUSTED_ARTIFACTS_HELP, check_in_folder};

const CHECK: &str = "artifacts";

/// Nothing, where artifacts come from the network.
pub(super) fn check(host: &Host, settings: &Settings, probe: &Probe<'_>) -> Option<Finding> {
    let Artifacts::Local(folder) = &settings.artifacts else { return None };
    if !folder.is_dir() {
        let evidence = format!("artifacts_dir is not a directory: {}", folder.display());
        return Some(Finding::failure(CHECK, evidence));
    }
    let needed = needed(host, settings, probe);
    let (mut missing, mut wrong) = (Vec::new(), Vec::new());
    for artifact in &needed {
        match check_in_folder(artifact) {
            Ok(()) => {}
            Err(StepError::NoArtifact(_)) => missing.push(artifact.name.clone()),
            // More of the same is no news: it is the directory, or how the files were copied to it.
            Err(error @ StepError::Artifact(_)) => {
                return Some(Finding::failure(CHECK, error.to_string()).help(UNTRUSTED_ARTIFACTS_HELP));
            }
            Err(error) => wrong.push(error.to_string().replace('\n', ", ")),
        }
    }
    Some(finding(folder, needed.len(), &missing, &wrong))
}

fn needed(host: &Host, settings: &Settings, probe: &Probe<'_>) -> Vec<Artifact> {
    let context =
        PlanContext { settings, arch: host.arch(), staging: Path::new(STAGING), sums: BuiltInSums::PROGRAM };
    let plans = selected(settings).map(|spec| plan(spec.id(), &detect(spec.id(), probe), &context));
    let steps = plans.flat_map(|plan| plan.steps);
    steps
        .filter_map(|step| match step.action {
            Action::Fetch { artifact, .. } => Some(artifact),
            _ => None,
        })
        .collect()
}

fn finding(folder: &Path, needed: usize, missing: &[String], wrong: &[String]) -> Finding {
    if missing.is_empty() && wrong.is_empty() {
        return Finding::pass(CHECK, format!("{needed} files in {} match their checksums", folder.display()));
    }
    let absent = (!missing.is_empty()).then(|| format!("missing: {}", missing.join(", ")));
    let evidence: Vec<String> = absent.into_iter().chain(wrong.iter().cloned()).collect();
    let fix =
        format!("copy the release files, with their checksum files or a SHA256SUMS, to {}", folder.display());
    Finding::failure(CHECK, evidence.join("; ")).help(fix)
}
