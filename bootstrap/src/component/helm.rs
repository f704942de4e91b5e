//! The helm program.

use std::path::Path;

use manifest::Undo;
use schema::{Component, Mode};

use super::artifacts::{self, Release};
use super::{ChecksumInput, ComponentPlan, Detection, Pin, PlanContext, Probe, RollbackClass, Spec};
use crate::host::{Command, ProbeError};
use crate::settings::Settings;
use crate::step::{Action, Artifact, ArtifactOrigin, Check, ChecksumSource, Condition, Step};

const BINARY: &str = "/usr/local/bin/helm";

pub(super) struct HelmSpec;

impl Spec for HelmSpec {
    fn id(&self) -> Component {
        Component::Helm
    }

    fn title(&self) -> &'static str {
        "The helm command"
    }

    fn makes(&self, _: &Settings) -> Vec<String> {
        vec![BINARY.to_owned()]
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::Server, Mode::SingleNode]
    }

    fn pin(&self) -> Option<Pin> {
        Some(Pin::release("v3.21.0", "Release of helm"))
    }

    fn checksums(&self) -> &'static [ChecksumInput] {
        &[ChecksumInput { artifact: "helm", help: "SHA-256 of the helm archive" }]
    }

    fn programs(&self) -> &'static [&'static str] {
        &["tar"]
    }

    fn could_make(&self, undo: &Undo) -> bool {
        matches!(undo, Undo::File { path, .. } if path == Path::new(BINARY))
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Manual
    }

    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        let found = probe.host.program("helm").is_some();
        Ok(if found { Detection::Present } else { Detection::Missing })
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let runs = Check::within(20, Condition::Succeeds(ask_version()));
        ComponentPlan::for_state(detection, || steps(context), vec![runs])
    }

    /// `v3.21.0+g3d8990f`: the commit behind it is no part of the name of the release.
    fn installed_version(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        let output = probe.host.run(&ask_version())?;
        let version = output.text().split('+').next().unwrap_or_default().trim().to_owned();
        Ok(Some(version).filter(|version| version.starts_with('v')))
    }
}

fn ask_version() -> Command {
    Command::new("helm").args(["version", "--short"])
}

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let archive = archive(context);
    let staged = artifacts::staged(context, &archive);
    // The archive holds one directory, named after the platform.
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
        .as_root()
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

/// The archive that holds the helm program.
fn archive(context: &PlanContext<'_>) -> Artifact {
    let name =
        format!("helm-{}-linux-{}.tar.gz", HelmSpec.version(context.settings), artifacts::arch(context.arch));
    let url = format!("https://get.helm.sh/{}", artifacts::encoded(&name));
    artifacts::artifact(
        context,
        Release {
            checksum: ChecksumSource::SumFile { url: format!("{url}.sha256sum"), entry: name.clone() },
            origin: ArtifactOrigin::Url(url),
            sums: Some(format!("{name}.sha256sum")),
            pin: "helm",
            name,
        },
    )
}
