//! A server: faults of its release or its settings, and the result.

use std::time::Duration;

use super::setup::{K3sSetup, is_failed, is_ready, kubectl, process};
use crate::inspect::{Snapshot, ended, journal_is_closed, last_manifest, private_files, service};
use crate::machine::{CallResult, Machine};
use crate::network::{Cable, End};
use crate::node::Node;
use crate::transcript::{CheckResult, Transcript, all, contains, equal, holds};

/// A server that works.
pub(super) struct Pair {
    /// Its machine.
    pub(super) server: Node,
    /// The cable, whose other end is free. It outlives the machine.
    pub(super) cable: Cable,
}

pub(super) fn run(setup: &K3sSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<Pair> {
    transcript.part("A server");
    let cable = Cable::lay()?;
    let server = setup.boot(&cable, End::Server)?;
    transcript.note("a fresh machine is up");
    other_version(setup, &server, transcript)?;
    let first = setup.server_run(&server)?;
    transcript.check(
        &format!("the run ends with exit code 0 ({})", first.seconds()),
        all([
            ended(&first, 0),
            last_manifest(&server, "server", &[("k3s", "installed"), ("helm", "installed")]),
            service(&server, "k3s"),
        ]),
    );
    anyhow::ensure!(first.code == 0, "nothing else can be tried without a server");
    transcript.check(
        "its node is Ready at the end of the run, not later",
        is_ready(&server, "server", true, Duration::ZERO),
    );
    transcript.check("every journaled step is done", journal_is_closed(&server));
    transcript.check("directories of records are 0700, files 0600", private_files(&server));
    let pods = kubectl(&server, "get pods --all-namespaces --no-headers")?;
    transcript.note(&format!("{} pods were created by k3s itself", pods.lines().count()));
    again(setup, &server, transcript)?;
    older(setup, &server, transcript)?;
    repaired(setup, &server, transcript)?;
    crash_loop(setup, &server, transcript)?;
    verified(setup, &server, transcript)?;
    Ok(Pair { server, cable })
}

fn other_version(setup: &K3sSetup<'_>, server: &Machine, transcript: &mut Transcript) -> anyhow::Result<()> {
    let before = Snapshot::of_everything(server)?;
    let dry = setup.run(server, &["--mode", "server", "--dry-run"])?;
    transcript.check(&format!("a dry run ends with exit code 0 ({})", dry.seconds()), ended(&dry, 0));
    transcript
        .check("and has changed nothing on the host", Snapshot::of_everything(server)?.same_as(&before));
    let other = setup.run(server, &["--mode", "server", "--config", "/e2e/other-version.yaml"])?;
    transcript.check(
        "a release of another version than the wish: exit code 1, the wish is named, nothing is started",
        all([
            ended(&other, 1),
            contains(&other.stderr, &[", not v1.0.0+k3s1"]),
            holds(!server.at("/etc/systemd/system/k3s.service").exists(), "there is a unit"),
        ]),
    );
    Ok(())
}

fn again(setup: &K3sSetup<'_>, server: &Machine, transcript: &mut Transcript) -> anyhow::Result<()> {
    let before = process(server, "k3s")?;
    let second = setup.server_run(server)?;
    transcript.check(
        &format!("the same run again reuses both and does not restart k3s ({})", second.seconds()),
        all([
            ended(&second, 0),
            last_manifest(server, "server", &[("k3s", "reused"), ("helm", "reused")]),
            equal(&process(server, "k3s")?, &before),
        ]),
    );
    Ok(())
}

fn older(setup: &K3sSetup<'_>, server: &Machine, transcript: &mut Transcript) -> anyhow::Result<()> {
    let (before, config) = (process(server, "k3s")?, "/e2e/newer-version.yaml");
    let run = setup.run(server, &["--mode", "server", "--config", config])?;
    transcript.check(
        "a wish for a newer version: it is kept, and the command that upgrades it is told",
        all([
            ended(&run, 0),
            contains(&run.text(), &["to upgrade it: curl -sfL https://get.k3s.io | sudo env"]),
            last_manifest(server, "server", &[("k3s", "reused")]),
            equal(&process(server, "k3s")?, &before),
        ]),
    );
    Ok(())
}

fn repaired(setup: &K3sSetup<'_>, server: &Machine, transcript: &mut Transcript) -> anyhow::Result<()> {
    for (what, meddle) in [
        (
            "a stopped server is started, though its interface still holds the port of flannel",
            "systemctl stop k3s",
        ),
        ("a deleted program is restored", "rm /usr/local/bin/k3s"),
        ("and so it is where the service has stopped since", "rm /usr/local/bin/k3s; systemctl stop k3s"),
    ] {
        server.sh(meddle)?;
        let next = setup.server_run(server)?;
        transcript.check(&format!("{what} ({})", next.seconds()), works(server, &next));
    }
    Ok(())
}

/// Holds if the run repaired the server.
fn works(server: &Machine, run: &CallResult) -> CheckResult {
    all([
        ended(run, 0),
        last_manifest(server, "server", &[("k3s", "configured")]),
        service(server, "k3s"),
        is_ready(server, "server", true, Duration::ZERO),
    ])
}

fn crash_loop(setup: &K3sSetup<'_>, server: &Machine, transcript: &mut Transcript) -> anyhow::Result<()> {
    const FILE: &str = "/etc/rancher/k3s/config.yaml";
    server.write(FILE, "no-such-flag: true\n", 0o600)?;
    server.sh("systemctl restart --no-block k3s")?;
    let crashing = setup.server_run(server)?;
    transcript.check(
        &format!("a crash loop: exit code 1, and the line that explains it ({})", crashing.seconds()),
        all([
            ended(&crashing, 1),
            contains(&crashing.stderr, &["its journal says", "flag provided but not defined"]),
            is_failed(server),
        ]),
    );
    server.sh(&format!("rm {FILE}"))?;
    let next = setup.server_run(server)?;
    transcript.check(
        &format!("without its cause the next run repairs it ({})", next.seconds()),
        works(server, &next),
    );
    Ok(())
}

/// With stand-ins for images, not every pod gets ready; only the checks of k3s itself count here.
fn verified(setup: &K3sSetup<'_>, server: &Machine, transcript: &mut Transcript) -> anyhow::Result<()> {
    let verify =
        setup.call(server, &["verify", "--mode", "server", "--runs-dir", crate::machine::RUNS, "--json"])?;
    let document = verify.document();
    let checks = document["checks"].as_array().cloned().unwrap_or_default();
    let of_k3s: Vec<_> = checks.iter().filter(|check| check["component"] == "k3s").collect();
    let bad = of_k3s.iter().filter(|check| check["outcome"] != "ok").count();
    transcript.check(
        &format!("bootstrap verify: {} checks of k3s, all ok ({})", of_k3s.len(), verify.seconds()),
        holds(of_k3s.len() > 2 && bad == 0, verify.text()),
    );
    let others = checks.iter().filter(|check| check["component"] != "k3s");
    for check in others {
        transcript.note(&format!("{} {}: {}", check["outcome"], check["check"], check["evidence"]));
    }
    Ok(())
}
