//! An agent on the machine at the other end: what prevents it from joining, and the result.

use std::time::Duration;

use super::server::Pair;
use super::setup::{K3sSetup, TOKEN, give_token, is_failed, is_ready, process};
use crate::inspect::{Snapshot, ended, last_manifest, service};
use crate::machine::Machine;
use crate::network::{Cable, End};
use crate::node::Node;
use crate::transcript::{Transcript, all, contains, equal, holds};

/// A cluster of two nodes.
pub(super) struct Joined {
    /// The machine that joined.
    pub(super) agent: Node,
    /// The server.
    pub(super) server: Node,
    /// What joins them. It outlives both.
    _cable: Cable,
}

/// Where k3s reads settings beside its command line.
const SETTINGS: &str = "/etc/rancher/k3s/config.yaml";

pub(super) fn run(setup: &K3sSetup<'_>, pair: Pair, transcript: &mut Transcript) -> anyhow::Result<Joined> {
    transcript.part("An agent in another network namespace");
    let Pair { server, cable } = pair;
    let agent = setup.boot(&cable, End::Agent)?;
    transcript.note("a fresh machine is up");
    refused(setup, &server, &agent, transcript)?;
    unreachable(setup, &agent, transcript)?;
    wrong_token(setup, &server, &agent, transcript)?;
    joined(setup, &agent, transcript)?;
    Ok(Joined { agent, server, _cable: cable })
}

/// Before anything is changed.
fn refused(
    setup: &K3sSetup<'_>,
    server: &Machine,
    agent: &Machine,
    transcript: &mut Transcript,
) -> anyhow::Result<()> {
    give_token(server, agent, false)?;
    let before = Snapshot::of_everything(agent)?;
    let wrong = setup.agent_run(agent)?;
    transcript.check(
        &format!("a wrong token: exit code 3 ({})", wrong.seconds()),
        all([ended(&wrong, 3), contains(&wrong.stderr, &["refuses the token (401)"])]),
    );
    give_token(server, agent, true)?;
    agent.sh(&cut(true))?;
    let cut_off = setup.agent_run(agent)?;
    agent.sh(&cut(false))?;
    transcript.check(
        &format!("a server that cannot be reached: exit code 3 ({})", cut_off.seconds()),
        all([ended(&cut_off, 3), contains(&cut_off.stderr, &["is required, and"])]),
    );
    transcript.check("neither has changed anything", Snapshot::of_everything(agent)?.same_as(&before));
    Ok(())
}

/// A server that becomes unreachable between the preflight and the start.
fn unreachable(setup: &K3sSetup<'_>, agent: &Machine, transcript: &mut Transcript) -> anyhow::Result<()> {
    // The connection is cut when the script has written the unit.
    agent.sh(&format!(
        "systemd-run --quiet --unit=cut --path-property=PathExists=/etc/systemd/system/k3s-agent.service sh -c '{}'",
        cut(true)
    ))?;
    let cut_off = setup.agent_run(agent)?;
    transcript.check(
        &format!(
            "a server that goes away before the start: exit code 1, and that it is away ({})",
            cut_off.seconds()
        ),
        all([
            ended(&cut_off, 1),
            contains(&cut_off.stderr, &["its server cannot be reached", "agent.server_url"]),
            is_failed(agent),
        ]),
    );
    transcript.note(&said(&cut_off.stderr));
    // Without help it would join as soon as the connection is restored.
    agent.sh(&format!("systemctl stop cut.path k3s-agent; {}", cut(false))).map(drop)
}

/// A token that is wrong although the preflight tried a right one.
fn wrong_token(
    setup: &K3sSetup<'_>,
    server: &Machine,
    agent: &Machine,
    transcript: &mut Transcript,
) -> anyhow::Result<()> {
    let token = agent.read(TOKEN);
    give_token(server, agent, false)?;
    agent.sh(&format!("mv {TOKEN} /run/wrong-token"))?;
    agent.write(TOKEN, &token, 0o600)?;
    agent.write(SETTINGS, "token-file: /run/wrong-token\n", 0o600)?;
    let wrong = setup.agent_run(agent)?;
    agent.sh(&format!("rm {SETTINGS}"))?;
    let quoted = contains(&wrong.stderr, &["its journal says", "401 Unauthorized", "agent.token_file"]);
    transcript.check(
        &format!(
            "k3s is refused where the preflight was not: exit code 1, and its line ({})",
            wrong.seconds()
        ),
        all([ended(&wrong, 1), quoted, is_failed(agent)]),
    );
    transcript.note(&said(&wrong.stderr));
    let right = setup.agent_run(agent)?;
    transcript.check(
        &format!(
            "with the right one the next run joins, and takes nothing for what works ({})",
            right.seconds()
        ),
        all([
            ended(&right, 0),
            last_manifest(agent, "agent", &[("k3s", "configured")]),
            service(agent, "k3s-agent"),
            is_ready(server, "agent", true, Duration::ZERO),
        ]),
    );
    anyhow::ensure!(right.code == 0, "nothing else can be tried without an agent");
    Ok(())
}

/// A script that cuts the connection to the server, or restores it.
fn cut(is_cut: bool) -> String {
    let verb = if is_cut { "add" } else { "del" };
    format!("ip route {verb} blackhole {}/32", End::Server.address())
}

fn joined(setup: &K3sSetup<'_>, agent: &Machine, transcript: &mut Transcript) -> anyhow::Result<()> {
    let before = process(agent, "k3s-agent")?;
    let again = setup.agent_run(agent)?;
    transcript.check(
        &format!("the same run again reuses it and does not restart it ({})", again.seconds()),
        all([
            ended(&again, 0),
            last_manifest(agent, "agent", &[("k3s", "reused")]),
            equal(&process(agent, "k3s-agent")?, &before),
        ]),
    );
    let token = agent.read(TOKEN).trim().to_owned();
    let found = agent.sh(&format!("grep -rlF -e '{token}' /etc /state /usr/local || true"))?;
    transcript.check(
        "its token is in its file and nowhere else, and was not printed",
        all([
            equal(&found.trim().to_owned(), &"/etc/rancher/k3s/agent-token".to_owned()),
            holds(!again.text().contains(&token), "it was printed"),
        ]),
    );
    let other = setup.server_run(agent)?;
    transcript.check(
        "a server on the host of an agent is refused",
        all([ended(&other, 3), contains(&other.text(), &["a k3s agent runs here"])]),
    );
    Ok(())
}

/// The error of a run, on one line.
pub(super) fn said(stderr: &str) -> String {
    let error = stderr.split_once("error: ").map_or("", |(_, error)| error);
    error.split_whitespace().take_while(|word| !word.starts_with("try:")).collect::<Vec<_>>().join(" ")
}
