//! A k3s that was installed by hand, with a namespace that must survive.

use std::time::Duration;

use tests::eventually;

use super::setup::{K3sSetup, is_ready, kubectl, process};
use crate::inspect::{Snapshot, ended, last_manifest, service};
use crate::machine::Machine;
use crate::network::{Cable, End};
use crate::transcript::{CheckResult, Transcript, all, contains, equal, holds};

/// As the documentation of k3s says it, without a network; flags of the server follow.
const BY_HAND: &str = "for program in k3s k3s-arm64; do
        [ ! -e /e2e/artifacts/$program ] || install -m 0755 /e2e/artifacts/$program /usr/local/bin/k3s
    done
    mkdir -p /var/lib/rancher/k3s/agent/images
    cp /e2e/artifacts/k3s-airgap-images-* /var/lib/rancher/k3s/agent/images/
    export INSTALL_K3S_SKIP_DOWNLOAD=true INSTALL_K3S_SKIP_START=true
    sh /e2e/artifacts/install.sh server";

pub(super) fn run(setup: &K3sSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("A foreign k3s");
    let cable = Cable::lay()?;
    let machine = setup.boot(&cable, End::Server)?;
    machine.sh(&format!("{BY_HAND} --data-dir /srv/cluster --token hunter2"))?;
    with_a_namespace(&machine)?;
    transcript.note("a server with flags of its own and a namespace");
    for state in ["runs", "is stopped"] {
        blocked(setup, &machine, state, transcript)?;
        machine.sh("systemctl stop k3s")?;
    }
    machine.sh("systemctl start k3s")?;
    transcript.check("started by its owner it has its namespace", survives(&machine));
    drop(machine);
    drop(cable);
    adopted(setup, transcript)
}

fn blocked(
    setup: &K3sSetup<'_>,
    machine: &Machine,
    state: &str,
    transcript: &mut Transcript,
) -> anyhow::Result<()> {
    let (before, places) =
        (process(machine, "k3s")?, "/etc/systemd /etc/rancher/k3s/config.yaml /usr/local /etc/default");
    let files = Snapshot::of_content(machine, places)?;
    let run = setup.server_run(machine)?;
    transcript.check(
        &format!(
            "while it {state} it blocks the run, which names its flags without their values ({})",
            run.seconds()
        ),
        all([
            ended(&run, 1),
            contains(&run.stderr, &["--data-dir", "--token"]),
            holds(!run.text().contains("hunter2"), run.text()),
        ]),
    );
    transcript.check(
        "and nothing of it is touched",
        all([
            Snapshot::of_content(machine, places)?.same_as(&files),
            equal(&process(machine, "k3s")?, &before),
            holds(!machine.at("/var/lib/rancher/k3s/server").exists(), "there is a second cluster"),
        ]),
    );
    Ok(())
}

/// One exactly as a run would install it, stopped and not enabled.
fn adopted(setup: &K3sSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    let cable = Cable::lay()?;
    let machine = setup.boot(&cable, End::Server)?;
    machine.sh(BY_HAND)?;
    with_a_namespace(&machine)?;
    machine.sh("systemctl disable --now k3s")?;
    transcript.note("a server as a run would install it, with a namespace, stopped and disabled");
    let unit = machine.read("/etc/systemd/system/k3s.service");
    let run = setup.server_run(&machine)?;
    transcript.check(
        &format!("it is enabled and started, and not installed anew ({})", run.seconds()),
        all([
            ended(&run, 0),
            last_manifest(&machine, "server", &[("k3s", "configured")]),
            service(&machine, "k3s"),
            equal(&machine.read("/etc/systemd/system/k3s.service"), &unit),
        ]),
    );
    transcript.check("it has its namespace", survives(&machine));
    Ok(())
}

fn with_a_namespace(machine: &Machine) -> anyhow::Result<()> {
    machine.sh("systemctl start --no-block k3s")?;
    let made = eventually(Duration::from_mins(2), || kubectl(machine, "create namespace precious").is_ok());
    anyhow::ensure!(
        made,
        "k3s does not come up by hand: {}",
        machine.sh("journalctl -u k3s -n 20 --no-pager")?
    );
    is_ready(machine, "server", true, Duration::from_mins(2)).map_err(anyhow::Error::msg)
}

fn survives(machine: &Machine) -> CheckResult {
    let is_there = || kubectl(machine, "get namespace precious").is_ok();
    holds(eventually(Duration::from_mins(1), is_there), "the namespace is not there")
}
