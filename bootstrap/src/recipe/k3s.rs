//! k3s, as a server or as an agent.

use std::path::Path;

use schema::{Mode, PlannedAction};

use super::{ComponentPlan, Detection, PlanContext, Probe, artifacts};
use crate::host::{Answer, Command, Host};
use crate::settings::Agent;
use crate::step::{Action, Check, Condition, Content, Step};

/// Where the program goes. The install script expects it there.
const BINARY: &str = "/usr/local/bin/k3s";
/// Where k3s looks for images that it does not have to pull.
const IMAGES: &str = "/var/lib/rancher/k3s/agent/images";
/// Folder of the settings of k3s.
const CONFIG: &str = "/etc/rancher/k3s";
/// The join token of an agent, which its service reads at each start.
const TOKEN: &str = "/etc/rancher/k3s/agent-token";

pub(super) fn detect(probe: &Probe<'_>) -> Detection {
    state(probe.host, probe.settings.mode)
}

/// The state of k3s for `mode`. A host without a unit file and without the program has certainly no k3s, and nobody is
/// asked; that also makes a dry run on a fresh host fast.
pub(super) fn state(host: &Host, mode: Mode) -> Detection {
    let (wanted, other) = if mode == Mode::Agent { ("k3s-agent", "k3s") } else { ("k3s", "k3s-agent") };
    match host.service_active(other) {
        Answer::Yes => return Detection::Conflict(format!("service {other} is active on this host")),
        Answer::Unknown(reason) => return Detection::Unknown(reason),
        Answer::No => {}
    }
    match host.service_active(wanted) {
        Answer::Yes => Detection::Present,
        Answer::Unknown(reason) => Detection::Unknown(reason),
        Answer::No if host.has_unit(wanted) => {
            Detection::Incomplete(format!("service {wanted} is not active"))
        }
        Answer::No => Detection::Missing,
    }
}

pub(super) fn plan(detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
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

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let (binary, script) = (artifacts::k3s(context), artifacts::k3s_script(context));
    let (program, installer) = (artifacts::staged(context, &binary), artifacts::staged(context, &script));
    let mut steps = vec![
        artifacts::fetch(context, "k3s program", binary),
        artifacts::fetch(context, "k3s install script", script),
    ];
    steps.extend(images(context));
    steps.push(install("place the k3s program", program, BINARY, 0o755));
    let mut run = Command::new("sh")
        .args([installer.to_string_lossy()])
        .env("INSTALL_K3S_SKIP_DOWNLOAD", "true")
        .env("INSTALL_K3S_VERSION", &context.settings.versions.k3s)
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
    let Some(images) = artifacts::k3s_images(context) else { return Vec::new() };
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
