//! What every part of the tier has: the release, the program that is tested, and machines.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use tests::eventually;

use super::release;
use crate::artifacts;
use crate::cache::{Cache, Scratch, Subject};
use crate::container::Root;
use crate::machine::{CallResult, Machine, RUNS};
use crate::network::{Cable, End};
use crate::node::Node;
use crate::options::Options;
use crate::transcript::{CheckResult, holds};

/// Where an agent has the token of its server.
pub(super) const TOKEN: &str = "/run/join-token";

/// What every part of the tier uses.
pub(crate) struct K3sSetup<'a> {
    root: Root<'a>,
    subject: &'a Subject,
}

impl<'a> K3sSetup<'a> {
    /// Puts the release into the scratch directory, which all machines see as `/e2e`.
    pub(super) fn new(
        cache: &'a Cache,
        options: &Options,
        scratch: &'a Scratch,
        subject: &'a Subject,
    ) -> anyhow::Result<Self> {
        let (from, to) = (release::find(cache, options)?, scratch.directory("artifacts")?);
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        let version = release::version(&from)?;
        let helm = match release::helm(&from)? {
            Some(archive) => archive,
            // A server gets helm, which nothing of this tier calls.
            None => artifacts::helm(scratch, &to)?,
        };
        let helm = helm.trim_start_matches("helm-").split("-linux-").next().unwrap_or_default();
        let config = |k3s: &str| format!("versions:\n  k3s: \"{k3s}\"\n  helm: \"{helm}\"\n");
        fs::write(scratch.path().join("config.yaml"), config(&version))?;
        fs::write(scratch.path().join("other-version.yaml"), config("v1.0.0+k3s1"))?;
        fs::write(scratch.path().join("newer-version.yaml"), config(&next(&version)?))?;
        Ok(Self { root: Root::new(cache, scratch), subject })
    }

    /// Boots a fresh machine at an end of the cable.
    pub(super) fn boot(&self, cable: &Cable, end: End) -> anyhow::Result<Node> {
        Node::boot(&self.root, cable, end)
    }

    /// Calls the program that is tested.
    pub(super) fn call(&self, machine: &Machine, arguments: &[&str]) -> anyhow::Result<CallResult> {
        machine.bootstrap(self.subject, arguments)
    }

    /// `bootstrap run` for a server from the release.
    pub(super) fn server_run(&self, machine: &Machine) -> anyhow::Result<CallResult> {
        self.run(machine, &["--mode", "server"])
    }

    /// `bootstrap run` for an agent of the server at the other end.
    pub(super) fn agent_run(&self, machine: &Machine) -> anyhow::Result<CallResult> {
        let url = server_url();
        self.run(machine, &["--mode", "agent", "--agent-server-url", &url, "--agent-token-file", TOKEN])
    }

    /// `bootstrap run` from the release with more arguments.
    pub(super) fn run(&self, machine: &Machine, more: &[&str]) -> anyhow::Result<CallResult> {
        const WORDS: [&str; 9] = [
            "run",
            "--yes",
            "--accept-warnings",
            "--artifacts-dir",
            "/e2e/artifacts",
            "--runs-dir",
            RUNS,
            "--config",
            "/e2e/config.yaml",
        ];
        // A later `--config` is another one.
        let words = if more.contains(&"--config") { &WORDS[..7] } else { &WORDS[..] };
        self.call(machine, &[words, more].concat())
    }
}

/// The patch version after this one: what it needs of a host is the same.
pub(super) fn next(version: &str) -> anyhow::Result<String> {
    let (number, build) = version.split_once('+').context("a version of k3s")?;
    let (minor, patch) = number.rsplit_once('.').context("a version of k3s")?;
    Ok(format!("{minor}.{}+{build}", patch.parse::<u32>()? + 1))
}

/// The URL of the server at its end of the cable.
pub(super) fn server_url() -> String {
    format!("https://{}:6443", End::Server.address())
}

/// The output of kubectl of this k3s.
pub(super) fn kubectl(machine: &Machine, words: &str) -> anyhow::Result<String> {
    machine.sh(&format!("k3s kubectl {words}"))
}

/// Holds if the server `server` counts the node `name` as Ready, or not, within `limit`.
pub(super) fn is_ready(server: &Machine, name: &str, wanted: bool, limit: Duration) -> CheckResult {
    let path = "-o jsonpath='{.status.conditions[?(@.type==\"Ready\")].status}'";
    let look = || kubectl(server, &format!("get node {name} {path}"));
    let fits = || look().is_ok_and(|status| (status.trim() == "True") == wanted);
    holds(eventually(limit, fits), format!("{name}: {:?}", look().map_err(|error| error.to_string())))
}

/// Gives the agent the token of the server, or a wrong one.
pub(super) fn give_token(server: &Machine, agent: &Machine, right: bool) -> anyhow::Result<()> {
    let token = server.sh("cat /var/lib/rancher/k3s/server/node-token")?;
    let (cluster, _) = token.trim().rsplit_once(':').context("a token with a password")?;
    let token = if right { token.trim().to_owned() } else { format!("{cluster}:wrong") };
    agent.write(TOKEN, &format!("{token}\n"), 0o600)
}

/// The id of the process of a service.
pub(super) fn process(machine: &Machine, service: &str) -> anyhow::Result<String> {
    machine.sh(&format!("systemctl show --property MainPID {service}"))
}

/// Holds if a run was recorded as failed because of k3s.
pub(super) fn is_failed(machine: &Machine) -> CheckResult {
    let manifests = machine.manifests();
    let failed = |run: &serde_json::Value| {
        run["status"] == "failed" && run["components"]["k3s"]["result"] == "failed" && run["exit_code"] == 1
    };
    holds(manifests.values().any(failed), format!("{manifests:#?}"))
}
