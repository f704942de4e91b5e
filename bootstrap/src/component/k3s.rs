//! k3s, as a server or as an agent.

use std::path::Path;

use manifest::Undo;
use schema::{Component, Mode, PlannedAction};

use super::artifacts::{self, Release};
use super::probe::k3s_state;
use super::{
    ChecksumInput, ComponentPlan, Detection, Pin, PlanContext, Probe, RollbackClass, Spec, is_on_the_way,
};
use crate::host::{Command, ProbeError};
use crate::settings::{Agent, Artifacts};
use crate::step::{Action, Artifact, ArtifactOrigin, Check, ChecksumSource, Condition, Content, Step};

/// Where the program goes. The install script expects it there.
const BINARY: &str = "/usr/local/bin/k3s";
/// Where k3s looks for images that it does not have to pull.
const IMAGES: &str = "/var/lib/rancher/k3s/agent/images";
/// What the names of archives of images begin with.
const IMAGE_ARCHIVE: &str = "k3s-airgap-images-";
/// Folder of the settings of k3s.
const CONFIG: &str = "/etc/rancher/k3s";
/// The join token of an agent, which its service reads at each start.
const TOKEN: &str = "/etc/rancher/k3s/agent-token";

pub(super) struct K3sSpec;

impl Spec for K3sSpec {
    fn id(&self) -> Component {
        Component::K3s
    }

    fn title(&self) -> &'static str {
        "The k3s server or agent"
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::Server, Mode::Agent, Mode::SingleNode]
    }

    fn pin(&self) -> Option<Pin> {
        Some(Pin::release("v1.35.5+k3s1", "Release of k3s"))
    }

    fn checksums(&self) -> &'static [ChecksumInput] {
        &[
            ChecksumInput { artifact: "k3s", help: "sha256 of the k3s program" },
            ChecksumInput { artifact: "k3s_script", help: "sha256 of the install script of k3s" },
        ]
    }

    fn could_make(&self, undo: &Undo) -> bool {
        match undo {
            Undo::File { path, .. } => {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let is_images = path.parent() == Some(Path::new(IMAGES)) && name.starts_with(IMAGE_ARCHIVE);
                is_images || path == Path::new(BINARY) || path == Path::new(TOKEN)
            }
            Undo::Directory { path } => {
                is_on_the_way(path, "/var/lib/rancher", IMAGES) || is_on_the_way(path, "/etc/rancher", CONFIG)
            }
            _ => false,
        }
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Manual
    }

    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        k3s_state(probe.host, probe.settings.mode)
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let mut plan = ComponentPlan::for_state(detection, || steps(context), verify(context.settings.mode));
        if plan.action == PlannedAction::Ensure {
            // The script does not start a service whose files it finds unchanged, unless it is told to.
            for step in &mut plan.steps {
                if let Action::Run(command) = &mut step.action {
                    *command = command.clone().env("INSTALL_K3S_FORCE_RESTART", "true");
                }
            }
        }
        plan
    }
}

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let (binary, script) = (program(context), install_script(context));
    let (fetched, installer) = (artifacts::staged(context, &binary), artifacts::staged(context, &script));
    let mut steps = vec![
        artifacts::fetch(context, "k3s program", binary),
        artifacts::fetch(context, "k3s install script", script),
    ];
    steps.extend(images(context));
    steps.push(install("place the k3s program", fetched, BINARY, 0o755));
    let mut run = Command::new("sh")
        .args([installer.to_string_lossy()])
        .env("INSTALL_K3S_SKIP_DOWNLOAD", "true")
        .env("INSTALL_K3S_VERSION", K3sSpec.version(context.settings))
        .as_root()
        .timeout(std::time::Duration::from_mins(10));
    if let Some(agent) = &context.settings.agent {
        steps.extend(token(agent));
        run = run
            .env("INSTALL_K3S_EXEC", "agent")
            .env("K3S_URL", &agent.server_url)
            .env("K3S_TOKEN_FILE", TOKEN);
    }
    steps.push(Step::new("run the k3s install script", Action::Run(run)));
    steps
}

fn images(context: &PlanContext<'_>) -> Vec<Step> {
    let Some(images) = image_archive(context) else { return Vec::new() };
    let (from, to) = (artifacts::staged(context, &images), format!("{IMAGES}/{}", images.name));
    vec![
        artifacts::fetch(context, "k3s images", images),
        Step::new("folder of the k3s images", Action::EnsureDir { path: IMAGES.into(), mode: 0o755 }),
        install("place the k3s images", from, &to, 0o644),
    ]
}

/// The token goes to a file that root alone can read: the service needs it at each start, and nothing else may see it.
fn token(agent: &Agent) -> [Step; 2] {
    let content = Content::Secret(agent.token.clone());
    [
        Step::new("folder of the k3s settings", Action::EnsureDir { path: CONFIG.into(), mode: 0o755 }),
        Step::new("join token", Action::Write { path: TOKEN.into(), mode: 0o600, content }),
    ]
}

fn verify(mode: Mode) -> Vec<Check> {
    match mode {
        Mode::Agent => vec![Check::within(180, Condition::ServiceActive("k3s-agent".to_owned()))],
        _ => vec![
            Check::within(180, Condition::ServiceActive("k3s".to_owned())),
            Check::within(180, Condition::NodeReady),
        ],
    }
}

fn install(title: &str, from: std::path::PathBuf, to: &str, mode: u32) -> Step {
    Step::new(title, Action::Install { from, path: Path::new(to).to_owned(), mode })
}

/// The k3s program.
fn program(context: &PlanContext<'_>) -> Artifact {
    let (version, arch) = (K3sSpec.version(context.settings), artifacts::arch(context.arch));
    let name = if arch == "amd64" { "k3s".to_owned() } else { format!("k3s-{arch}") };
    let sums = format!("sha256sum-{arch}.txt");
    artifacts::artifact(
        context,
        Release {
            origin: ArtifactOrigin::Url(k3s_release(version, &name)),
            checksum: ChecksumSource::SumFile { url: k3s_release(version, &sums), entry: name.clone() },
            sums: Some(sums),
            pin: "k3s",
            name,
        },
    )
}

/// The images that k3s needs, for hosts without network: only ever taken from a folder, and only if it has them.
fn image_archive(context: &PlanContext<'_>) -> Option<Artifact> {
    let Artifacts::Local(folder) = &context.settings.artifacts else { return None };
    let arch = artifacts::arch(context.arch);
    let files = vec![format!("sha256sum-{arch}.txt"), artifacts::SUMS.to_owned()];
    Some(Artifact {
        name: format!("{IMAGE_ARCHIVE}{arch}.tar.zst"),
        origin: ArtifactOrigin::Folder(folder.clone()),
        checksum: ChecksumSource::FolderSums { files },
        optional: true,
    })
}

/// The install script of the same release. It is no file of the release but of its source, which holds its checksum
/// beside it.
fn install_script(context: &PlanContext<'_>) -> Artifact {
    let version = artifacts::encoded(K3sSpec.version(context.settings));
    let source = |file| format!("https://raw.githubusercontent.com/k3s-io/k3s/{version}/{file}");
    artifacts::artifact(
        context,
        Release {
            name: "install.sh".to_owned(),
            origin: ArtifactOrigin::Url(source("install.sh")),
            checksum: ChecksumSource::SumFile {
                url: source("install.sh.sha256sum"),
                entry: "install.sh".to_owned(),
            },
            sums: Some("install.sh.sha256sum".to_owned()),
            pin: "k3s_script",
        },
    )
}

fn k3s_release(version: &str, file: &str) -> String {
    format!("https://github.com/k3s-io/k3s/releases/download/{}/{file}", artifacts::encoded(version))
}
