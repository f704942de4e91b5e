//! k3s that does not start, that is foreign, and that has another version than it states, on a real systemd.

use super::setup::{Artifacts, NspawnSetup, SERVER_RUN, SERVER_URL};
use crate::inspect::{Snapshot, ended, last_manifest, service};
use crate::machine::{Machine, RUNS};
use crate::transcript::{CheckResult, Transcript, all, contains, equal, holds};

/// The arguments of an agent run with the token in this file.
fn agent(token: &str) -> [&str; 13] {
    [
        "run",
        "--mode",
        "agent",
        "--agent-server-url",
        SERVER_URL,
        "--agent-token-file",
        token,
        "--yes",
        "--accept-warnings",
        "--artifacts-dir",
        "/e2e/artifacts",
        "--runs-dir",
        RUNS,
    ]
}

pub(crate) fn run(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    for kind in ["exec", "notify"] {
        transcript.part(&format!("An agent with a wrong token, its unit of Type={kind}"));
        wrong_token(setup, kind, transcript)?;
    }
    transcript.part("A server in a crash loop, stopped, without its program, of another version");
    server_faults(setup, transcript)?;
    transcript.part("A foreign server");
    foreign(setup, transcript)
}

fn wrong_token(setup: &NspawnSetup<'_>, kind: &str, transcript: &mut Transcript) -> anyhow::Result<()> {
    let machine = setup.boot()?;
    machine.write("/run/k3s-type", kind, 0o644)?;
    let wrong = machine.bootstrap(setup.subject, &agent("/e2e/wrong-token"))?;
    let named = contains(&wrong.stderr, &["its journal says", "401 Unauthorized", "agent.token_file"]);
    transcript.check(
        &format!("the run ends with exit code 1 and quotes the refusal ({})", wrong.seconds()),
        all([ended(&wrong, 1), named, is_failed(&machine)]),
    );
    let public = machine.manifests().values().map(ToString::to_string).collect::<String>();
    transcript.check("no manifest quotes it", holds(!public.contains("401"), public));
    let right = machine.bootstrap(setup.subject, &agent("/e2e/token"))?;
    transcript.check(
        &format!("with the right token the next run joins, and reuses nothing ({})", right.seconds()),
        all([
            ended(&right, 0),
            last_manifest(&machine, "agent", &[("k3s", "configured")]),
            service(&machine, "k3s-agent"),
        ]),
    );
    let process = machine.sh("systemctl show --property MainPID k3s-agent")?;
    let again = machine.bootstrap(setup.subject, &agent("/e2e/token"))?;
    transcript.check(
        "a third run reuses it and does not restart it",
        all([
            ended(&again, 0),
            last_manifest(&machine, "agent", &[("k3s", "reused")]),
            equal(&machine.sh("systemctl show --property MainPID k3s-agent")?, &process),
        ]),
    );
    Ok(())
}

fn server_faults(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    let machine = setup.boot()?;
    let copy = "rm -rf /root/old; cp -r /e2e/artifacts /root/old; cd /root/old; sed -i s/v1.35.5/v1.21.2/ k3s*; \
                for sums in sha256sum-*.txt; do sha256sum k3s* >$sums; done";
    machine.sh(copy)?;
    let old: Vec<&str> = SERVER_RUN
        .iter()
        .map(|word| if *word == Artifacts::shared() { "/root/old" } else { *word })
        .collect();
    let other = machine.bootstrap(setup.subject, &old)?;
    transcript.check(
        "artifacts of another version: exit code 1, both versions are named, and nothing is started",
        all([
            ended(&other, 1),
            contains(&other.stderr, &["v1.21.2+k3s1, not v1.35.5+k3s1"]),
            holds(!machine.at("/etc/systemd/system/k3s.service").exists(), "there is a unit"),
        ]),
    );
    machine.write("/run/k3s-crashes", "", 0o644)?;
    let crashing = setup.server_run(&machine)?;
    transcript.check(
        &format!(
            "a crash loop ends the run with exit code 1, and the line is quoted ({})",
            crashing.seconds()
        ),
        all([
            ended(&crashing, 1),
            contains(&crashing.stderr, &["flag provided but not defined"]),
            is_failed(&machine),
        ]),
    );
    machine.sh("rm /run/k3s-crashes")?;
    for (what, meddle) in [
        ("what crashed is repaired", "true"),
        ("what was stopped is started", "systemctl stop k3s"),
        ("a program that was deleted is restored", "rm /usr/local/bin/k3s; systemctl stop k3s"),
    ] {
        machine.sh(meddle)?;
        let next = setup.server_run(&machine)?;
        transcript.check(what, all([ended(&next, 0), service(&machine, "k3s")]));
    }
    Ok(())
}

fn foreign(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    let machine = setup.boot()?;
    let by_hand = "install -m 0755 $(ls -d /e2e/artifacts/k3s /e2e/artifacts/k3s-arm64 2>/dev/null) /usr/local/bin/k3s
        INSTALL_K3S_SKIP_DOWNLOAD=true INSTALL_K3S_SKIP_START=true INSTALL_K3S_VERSION=v1 sh /e2e/artifacts/install.sh
        mkdir -p /srv/cluster; echo precious >/srv/cluster/data";
    machine.sh(by_hand)?;
    let unit = machine.read("/etc/systemd/system/k3s.service");
    let flags = unit.replace("    server", "    server --data-dir /srv/cluster --token hunter2");
    machine.write("/etc/systemd/system/k3s.service", &flags, 0o644)?;
    machine.sh("systemctl daemon-reload")?;
    let before = Snapshot::of_everything(&machine)?;
    let blocked = setup.server_run(&machine)?;
    transcript.check(
        "with flags of its own it blocks the run, which names them without their values",
        all([
            ended(&blocked, 1),
            contains(&blocked.stderr, &["--data-dir (ExecStart)", "--token (ExecStart)"]),
            holds(!blocked.text().contains("hunter2"), blocked.text()),
        ]),
    );
    transcript.check("and nothing has changed", Snapshot::of_everything(&machine)?.same_as(&before));
    machine.write("/etc/systemd/system/k3s.service", &unit, 0o644)?;
    machine.sh("systemctl daemon-reload; systemctl disable k3s 2>/dev/null")?;
    let adopted = setup.server_run(&machine)?;
    transcript.check(
        "one that a run would install just so is enabled and started, and its unit is not touched",
        all([
            ended(&adopted, 0),
            last_manifest(&machine, "server", &[("k3s", "configured")]),
            service(&machine, "k3s"),
            equal(&machine.read("/etc/systemd/system/k3s.service"), &unit),
        ]),
    );
    Ok(())
}

fn is_failed(machine: &Machine) -> CheckResult {
    let manifests = machine.manifests();
    let failed = manifests
        .values()
        .any(|run| run["status"] == "failed" && run["components"]["k3s"]["result"] == "failed");
    holds(failed, format!("{manifests:#?}"))
}
