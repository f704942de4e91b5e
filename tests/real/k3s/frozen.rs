//! A node whose containerd hangs while another node of its cluster is Ready.

use std::time::Duration;

use super::agent::Joined;
use super::setup::{K3sSetup, is_ready};
use crate::inspect::{ended, last_manifest};
use crate::machine::RUNS;
use crate::transcript::{Transcript, all, contains};

/// One that has just started is waited for, and not started again, see `component::k3s`.
const LONG_RUNNING: &str = "while [ $(($(cut -d. -f1 /proc/uptime) \
    - $(systemctl show --property ActiveEnterTimestampMonotonic --value k3s-agent) / 1000000)) -lt 185 ]; do sleep 1; done";

/// A kubelet gives containerd two minutes for an answer before it says anything.
const NOTICED: Duration = Duration::from_mins(5);

pub(super) fn run(setup: &K3sSetup<'_>, joined: &Joined, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("A frozen containerd while another node is Ready");
    let Joined { agent, server, .. } = joined;
    agent.sh("kill -STOP $(grep -lx containerd /proc/[0-9]*/comm | cut -d/ -f3)")?;
    transcript.check("the kubelet notices it", is_ready(server, "agent", false, NOTICED));
    transcript
        .check("the other node is Ready all the same", is_ready(server, "server", true, Duration::ZERO));
    let verify = setup.call(agent, &["verify", "--mode", "agent", "--runs-dir", RUNS])?;
    transcript.check(
        "bootstrap verify: exit code 1, and why",
        all([
            ended(&verify, 1),
            contains(&verify.stdout, &["node agent is not Ready", "container runtime is down"]),
        ]),
    );
    agent.sh(LONG_RUNNING)?;
    let run = setup.agent_run(agent)?;
    transcript.check(
        &format!("a run does not take it for one that works, and repairs it ({})", run.seconds()),
        all([
            ended(&run, 0),
            last_manifest(agent, "agent", &[("k3s", "configured")]),
            is_ready(server, "agent", true, Duration::ZERO),
        ]),
    );
    Ok(())
}
