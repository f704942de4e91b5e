//! The plan of k3s: its program, its token, its script, its start, and how to be sure of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::artifacts;
use super::super::{ComponentPlan, Detection, Gap, PlanContext};
use super::layout::{BINARY, CONFIG, IMAGES, TOKEN, service};
use super::release;
use crate::host::Command;
use crate::settings::{Agent, Settings};
use crate::step::{Action, Check, Condition, Content, FormerCopy, Step};

/// Seconds that the service has to run, and after that its node to work. On two slow processors each takes a minute at
/// the most.
pub(super) const START: u64 = 180;

/// The script writes files and links.
const SCRIPT: Duration = Duration::from_mins(5);

pub(super) fn plan(detection: &Detection, context: &PlanContext<'_>, version: &str) -> ComponentPlan {
    let settings = context.settings;
    let service = service(settings.mode);
    let mut checks = verify(settings);
    if let Detection::Incomplete(Gap::Stopped(_)) = detection {
        let start = Step::new("start the k3s service", Action::StartService(service.to_owned()));
        let steps = || [start].into_iter().chain(copy(settings, FormerCopy::NotOurs)).collect();
        return ComponentPlan::for_state(detection, steps, checks);
    }
    if let Detection::Incomplete(Gap::UserKubeconfig(former)) = detection {
        return ComponentPlan::for_state(detection, || copy(settings, *former).collect(), checks);
    }
    if matches!(detection, Detection::Missing | Detection::Incomplete(_)) {
        checks.push(is_version(version));
    }
    ComponentPlan::for_state(detection, || steps(context, service, version), checks)
}

/// The command with which the operator brings k3s to the version of the settings: the script, told what it was told.
pub(super) fn upgrade(settings: &Settings, version: &str) -> String {
    let environment = script_environment(settings, version);
    let words: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("curl -sfL https://get.k3s.io | sudo env {} sh -", words.join(" "))
}

fn steps(context: &PlanContext<'_>, service: &str, version: &str) -> Vec<Step> {
    let (binary, script) = (release::program(context, version), release::install_script(context, version));
    let (fetched, installer) = (artifacts::staged(context, &binary), artifacts::staged(context, &script));
    let mut steps = vec![
        artifacts::fetch(context, "k3s program", binary),
        artifacts::fetch(context, "k3s install script", script),
    ];
    steps.extend(images(context));
    steps.push(install("place the k3s program", fetched, BINARY, 0o755));
    // Before the unit is touched: whatever the name of the file and its checksum say, this is what would run.
    steps.push(Step::new("version of the k3s program", Action::Wait(is_version(version))));
    steps.extend(context.settings.agent.iter().flat_map(token));
    // The script never starts the service. One that is started so blocks the script until it is ready, which an agent with
    // a wrong token never is; and the script starts nothing where it finds its files unchanged.
    let run = Command::new("sh").args([installer.to_string_lossy()]).as_root().timeout(SCRIPT);
    let run = run.env("INSTALL_K3S_SKIP_DOWNLOAD", "true").env("INSTALL_K3S_SKIP_START", "true");
    let environment = script_environment(context.settings, version);
    let script = environment.iter().fold(run, |run, (name, value)| run.env(name, value));
    let action = Action::InstallService { service: service.to_owned(), script };
    steps.push(Step::new("run the k3s install script", action));
    steps.push(Step::new("start the k3s service", Action::StartService(service.to_owned())));
    steps.extend(copy(context.settings, FormerCopy::NotOurs));
    steps
}

/// The copy of the credentials for the caller. k3s writes them when it starts.
fn copy(settings: &Settings, former: FormerCopy) -> impl Iterator<Item = Step> {
    let wait = Action::Wait(Check::within(START, running(settings)));
    let steps = [
        Step::new("k3s has started", wait),
        Step::new("copy of the credentials", Action::CopyKubeconfig(former)),
    ];
    steps.into_iter().filter(move |_| settings.user_kubeconfig)
}

/// That the service runs.
fn running(settings: &Settings) -> Condition {
    let server_url = settings.agent.as_ref().map(|agent| agent.server_url.clone());
    Condition::ServiceRunning { service: service(settings.mode).to_owned(), server_url }
}

/// What the script is told of the version and the role. It keeps what begins with `K3S_` for the service.
fn script_environment(settings: &Settings, version: &str) -> Vec<(&'static str, String)> {
    let mut environment = vec![("INSTALL_K3S_VERSION", version.to_owned())];
    if let Some(agent) = &settings.agent {
        environment.push(("INSTALL_K3S_EXEC", "agent".to_owned()));
        environment.push(("K3S_URL", agent.server_url.clone()));
        environment.push(("K3S_TOKEN_FILE", TOKEN.to_owned()));
    }
    environment
}

fn images(context: &PlanContext<'_>) -> Vec<Step> {
    let Some(images) = release::images(context) else { return Vec::new() };
    let (from, to) = (artifacts::staged(context, &images), format!("{IMAGES}/{}", images.name));
    vec![
        artifacts::fetch(context, "k3s images", images),
        Step::new("directory of the k3s images", Action::EnsureDir { path: IMAGES.into(), mode: 0o755 }),
        install("place the k3s images", from, &to, 0o644),
    ]
}

/// The token goes to a file that root alone can read: the service needs it at each start, and nothing else may see it.
fn token(agent: &Agent) -> [Step; 2] {
    let content = Content::Secret(agent.token.clone());
    [
        Step::new("directory of the k3s settings", Action::EnsureDir { path: CONFIG.into(), mode: 0o755 }),
        Step::new("join token", Action::Write { path: TOKEN.into(), mode: 0o600, content }),
    ]
}

/// A server and an agent are verified alike: by the node of this host.
fn verify(settings: &Settings) -> Vec<Check> {
    let service = service(settings.mode).to_owned();
    let server_url = settings.agent.as_ref().map(|agent| agent.server_url.clone());
    let node = Condition::ThisNode { service, server_url };
    let copied = settings.user_kubeconfig.then(|| Check::within(0, Condition::KubeconfigCopied));
    [Check::within(START, running(settings)), Check::within(START, node)].into_iter().chain(copied).collect()
}

fn is_version(version: &str) -> Check {
    let version = version.to_owned();
    Check::within(0, Condition::ReportsVersion { program: PathBuf::from(BINARY), version })
}

fn install(title: &str, from: PathBuf, to: &str, mode: u32) -> Step {
    Step::new(title, Action::Install { from, path: Path::new(to).to_owned(), mode })
}
