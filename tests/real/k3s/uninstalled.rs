//! Removing a node as its rollback describes, what remains, and joining again under the same name.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::agent::{Joined, said};
use super::setup::{K3sSetup, is_failed, is_ready, kubectl};
use crate::inspect::{ended, service};
use crate::machine::{CallResult, Machine, RUNS};
use crate::transcript::{CheckResult, Transcript, all, contains, equal, holds};

/// Where k3s has anything of a node.
const PLACES: &str = "/var/lib/rancher /etc/rancher /etc/cni /var/lib/cni /run/k3s /run/flannel /var/lib/kubelet \
                      /var/log/pods /var/log/containers /etc/systemd/system/k3s* /usr/local/bin/k3s*";

/// What the uninstall script leaves according to the rollback: these, and anything in these directories.
const NAMED: [&str; 5] =
    ["/var/lib/rancher", "/etc/rancher", "/etc/rancher/node", "/etc/rancher/node/password", "/etc/cni"];
const NAMED_WHOLE: [&str; 3] = ["/etc/cni/net.d", "/var/log/pods", "/var/log/containers"];

pub(super) fn run(setup: &K3sSetup<'_>, joined: &Joined, transcript: &mut Transcript) -> anyhow::Result<()> {
    let Joined { agent, server, .. } = joined;
    transcript.part("Rolling the agent back, and what remains");
    let told = rollback(setup, agent)?;
    transcript.check(
        "the plan offers the agent's script and does not threaten the cluster",
        all([
            contains(&told.text(), &["k3s-agent-uninstall.sh", "The cluster and its data stay"]),
            holds(!told.text().contains("removes its cluster"), told.text()),
        ]),
    );
    transcript.check("k3s itself is left to the operator, and works", service(agent, "k3s-agent"));
    agent.sh("k3s-agent-uninstall.sh >/run/uninstalled 2>&1")?;
    transcript.check("what the script leaves is what the plan names", remains(agent)?);
    transcript.check(
        "in the cluster the node is left, Ready for a while, and its password",
        all([
            is_ready(server, "agent", true, Duration::ZERO),
            holds(
                kubectl(server, "-n kube-system get secret agent.node-password.k3s").is_ok(),
                "no password",
            ),
        ]),
    );
    back(setup, server, agent, transcript)?;
    transcript.part("Rolling the server back, and what remains");
    let told = rollback(setup, server)?;
    transcript.check(
        "the plan says that its script removes the cluster",
        contains(&told.text(), &["removes its cluster", "k3s-uninstall.sh"]),
    );
    transcript.check("k3s itself is left to the operator, and works", service(server, "k3s"));
    server.sh("k3s-uninstall.sh >/run/uninstalled 2>&1")?;
    transcript.check("what the script leaves is what the plan names", remains(server)?);
    Ok(())
}

/// Under its old name, first without the password that the cluster knows it by.
fn back(
    setup: &K3sSetup<'_>,
    server: &Machine,
    agent: &Machine,
    transcript: &mut Transcript,
) -> anyhow::Result<()> {
    let kept = agent.read("/etc/rancher/node/password");
    agent.sh("rm /etc/rancher/node/password")?;
    let refused = setup.agent_run(agent)?;
    transcript.check(
        &format!(
            "without its password it is refused: exit code 1, the line, and what to do ({})",
            refused.seconds()
        ),
        all([
            ended(&refused, 1),
            contains(&refused.stderr, &["its journal says", "Node password rejected", "delete the old node"]),
            is_failed(agent),
        ]),
    );
    transcript.note(&said(&refused.stderr));
    agent.write("/etc/rancher/node/password", &kept, 0o600)?;
    let joined = setup.agent_run(agent)?;
    transcript.check(
        &format!("with the password that the script left it joins again ({})", joined.seconds()),
        all([ended(&joined, 0), is_ready(server, "agent", true, Duration::ZERO)]),
    );
    Ok(())
}

/// The plan of rolling back the first run that installed k3s, and its safe part applied.
fn rollback(setup: &K3sSetup<'_>, machine: &Machine) -> anyhow::Result<CallResult> {
    let installs = |context: &Value| {
        let steps = context["steps"].as_array().map_or(&[][..], Vec::as_slice);
        steps.iter().any(|step| step["action"] == "run the k3s install script" && step["state"] == "done")
    };
    let contexts = machine.contexts();
    let (name, _) = contexts
        .iter()
        .filter(|(_, context)| installs(context))
        .min_by_key(|(_, context)| context["started_at"].as_str().unwrap_or_default().to_owned())
        .context("no record of the install script")?;
    let record = format!("{RUNS}/bootstrap-{name}.json");
    let plan = setup.call(machine, &["rollback", "--to", &record])?;
    let safe = setup.call(machine, &["rollback", "--to", &record, "--apply", "--yes"])?;
    anyhow::ensure!(plan.code == 0 && safe.code == 0, "{}\n{}", plan.text(), safe.text());
    Ok(plan)
}

/// Holds if nothing is left but what a rollback names.
fn remains(machine: &Machine) -> anyhow::Result<CheckResult> {
    let left = machine.sh(&format!("for place in {PLACES}; do [ ! -e $place ] || find $place; done"))?;
    let is_named = |path: &&str| {
        NAMED.contains(path) || NAMED_WHOLE.iter().any(|directory| Path::new(path).starts_with(directory))
    };
    let unnamed: Vec<&str> = left.lines().filter(|path| !is_named(path)).collect();
    let forwarding = machine.sh("cat /proc/sys/net/ipv4/ip_forward")?;
    let interfaces = machine.sh("ls /sys/class/net")?;
    Ok(all([
        equal(&unnamed, &Vec::new()),
        holds(left.contains("/etc/rancher/node/password"), "the password of the node is removed"),
        equal(&forwarding.trim(), &"1"),
        equal(&interfaces.split_whitespace().collect::<Vec<_>>(), &vec!["lo", "uplink"]),
    ]))
}
