//! The helm program.

use super::{ComponentPlan, Detection, PlanContext, Probe, artifacts};
use crate::host::Command;
use crate::step::{Action, Check, Condition, Step};

const BINARY: &str = "/usr/local/bin/helm";

pub(super) fn detect(probe: &Probe<'_>) -> Detection {
    if probe.host.program("helm").is_some() { Detection::Present } else { Detection::Missing }
}

pub(super) fn plan(detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
    let version = Command::new("helm").args(["version", "--short"]);
    ComponentPlan::for_state(
        detection,
        || steps(context),
        vec![Check::within(20, Condition::Succeeds(version))],
    )
}

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let archive = artifacts::helm(context);
    let staged = artifacts::staged(context, &archive);
    // The archive holds one folder, named after the platform.
    let member = archive.name.split("-linux-").nth(1).and_then(|rest| rest.strip_suffix(".tar.gz"));
    let member = format!("linux-{}/helm", member.unwrap_or_default());
    let unpack = Command::new("tar")
        .args(["--extract", "--gzip", "--no-same-owner", "--strip-components=1"])
        .args([
            "--file",
            &staged.to_string_lossy(),
            "--directory",
            &context.staging.to_string_lossy(),
            &member,
        ])
        .timeout(std::time::Duration::from_mins(2));
    vec![
        artifacts::fetch(context, "helm archive", archive),
        Step::new("unpack helm", Action::Run(unpack)),
        Step::new(
            "place the helm program",
            Action::Install { from: context.staging.join("helm"), path: BINARY.into(), mode: 0o755 },
        ),
    ]
}
