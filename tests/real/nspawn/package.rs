//! The Debian packages of `cargo xtask dist`: installed, used and removed.
//!
//! They are packed around the program that is tested, so that this takes no release build. That release builds keep their
//! limits and are the same twice is for `cargo xtask dist` to check.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use tests::workspace;

use super::setup::NspawnSetup;
use crate::cache::SHARED;
use crate::machine::{Machine, RUNS};
use crate::process;
use crate::transcript::{CheckResult, Transcript, all, contains, equal, holds};

const CORE: &str = "productive-k3s-core";
const RECEIVER: &str = "productive-k3s-receiver";

pub(crate) fn run(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("The Debian packages");
    pack(setup)?;
    transcript.note("packages are made");
    let machine = setup.boot()?;
    core(&machine, transcript)?;
    receiver(&machine, transcript)?;
    machine.sh(&format!("dpkg --remove {CORE}"))?;
    let left = machine.sh("ls /usr/bin/bootstrap /usr/share/doc/productive-k3s-core 2>/dev/null || true")?;
    transcript.check("the removed program does not exist any more", holds(left.is_empty(), left));
    let runs = machine.sh(&format!("ls {RUNS}"))?;
    transcript.check("records of runs stay", contains(&runs, &[".json"]));
    Ok(())
}

/// Packs the tested program, and a receiver of the same sources, to where all machines see it.
fn pack(setup: &NspawnSetup<'_>) -> anyhow::Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = ["build", "--quiet", "--package", "receiver"];
    process::output(Command::new(&cargo).args(build).current_dir(workspace()))?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    let programs = setup.root.shared().join("programs");
    std::fs::create_dir(&programs)?;
    for (name, built) in
        [("bootstrap", setup.root.shared().join("bootstrap")), ("receiver", target.join("debug/receiver"))]
    {
        // Debug information is most of a debug build, and to pack it takes minutes.
        let mut strip = Command::new("strip");
        process::output(strip.arg("-o").arg(programs.join(name)).arg(built))?;
    }
    let mut dist = Command::new(cargo);
    dist.args(["xtask", "dist", "--out"]).arg(setup.root.shared().join("packages"));
    dist.arg("--bootstrap").arg(programs.join("bootstrap"));
    dist.arg("--receiver").arg(programs.join("receiver"));
    process::output(dist.current_dir(workspace())).context("cannot make the packages")?;
    Ok(())
}

fn core(machine: &Machine, transcript: &mut Transcript) -> anyhow::Result<()> {
    machine.sh(&format!("cd {SHARED}/packages && sha256sum --check --quiet SHA256SUMS"))?;
    let installed = machine.sh(&format!("dpkg --install {SHARED}/packages/{CORE}_*.deb"));
    transcript.check("the package installs", installed.map(drop).map_err(|error| format!("{error:#}")));
    let version = machine.sh("bootstrap --version")?;
    let packaged = machine.sh(&format!("dpkg-query --show --showformat '${{Version}}' {CORE}"))?;
    transcript.check("the program has the version of the package", contains(&version, &[packaged.trim()]));
    let files = machine.sh(&format!("dpkg --listfiles {CORE}"))?;
    let wanted = [
        "/usr/share/man/man1/bootstrap.1.gz",
        "/usr/share/man/man1/bootstrap-run.1.gz",
        "/usr/share/bash-completion/completions/bootstrap",
        "/usr/share/doc/productive-k3s-core/copyright",
        "/usr/share/doc/productive-k3s-core/THIRD-PARTY-LICENSES.txt.gz",
        "/usr/share/doc/productive-k3s-core/sbom.cdx.json",
    ];
    transcript.check("manual, completions, licences and bill are in it", contains(&files, &wanted));
    let strange = machine.sh(&format!(
        "dpkg --listfiles {CORE} | xargs stat --format '%U:%G %A %n' | grep -v '^root:root .rwxr-xr-x\\|^root:root -rw-r--r--' || true"
    ))?;
    transcript.check("every file is root's and nobody else can write it", holds(strange.is_empty(), strange));
    let dry_run = format!(
        "TELEMETRY_ENABLED=false bootstrap run --mode server --dry-run --yes \
         --artifacts-dir {SHARED}/artifacts --runs-dir {RUNS}"
    );
    transcript.check("a dry run of the installed program plans", contains(&machine.sh(&dry_run)?, &["k3s"]));
    Ok(())
}

fn receiver(machine: &Machine, transcript: &mut Transcript) -> anyhow::Result<()> {
    let install = format!("dpkg --install {SHARED}/packages/{RECEIVER}_*.deb");
    machine.sh(&install)?;
    transcript.check("the receiver's unit is active and enabled", active(machine));
    transcript.check("/health/ready answers", ready(machine));
    let process = machine.sh("systemctl show --property MainPID --value receiver")?;
    // A service that has ended has no process, which is 0.
    let user = machine.sh(&format!("stat --format %u /proc/{} || echo 0", process.trim()))?;
    let id: u32 = user.trim().parse()?;
    // systemd.exec(5): the range of dynamic users.
    transcript.check("it runs as a user of its own", holds((61184..=65519).contains(&id), user));
    let exposure = machine.sh("systemd-analyze security --no-pager receiver.service | tail -n 1")?;
    transcript.note(exposure.trim());
    machine.sh(&format!(
        "TELEMETRY_ENABLED=true TELEMETRY_ENDPOINT=http://127.0.0.1:8787/telemetry \
         bootstrap run --mode server --dry-run --yes --runs-dir {RUNS} >/dev/null 2>&1"
    ))?;
    transcript.check("what the installed program sends is accepted", accepted(machine));
    transcript.check("a command in the documented form works on its store", tended(machine));
    machine.sh(&install)?;
    transcript.check(
        "the same package again leaves it active and its documents there",
        all([active(machine), ready(machine), stored(machine)]),
    );
    machine.sh(&format!("dpkg --remove {RECEIVER}"))?;
    let state = machine.sh("systemctl is-active receiver.service || true")?;
    transcript.check("removed, it is stopped", equal(&state.trim(), &"inactive"));
    transcript.check("and its documents stay", stored(machine));
    machine.sh(&install)?;
    transcript.check(
        "installed again after the removal, it is active, and has its documents",
        all([active(machine), ready(machine), stored(machine)]),
    );
    machine.sh("systemctl disable --now receiver.service")?;
    machine.sh(&install)?;
    let state = machine.sh("systemctl is-active receiver.service || true")?;
    transcript.check("an upgrade leaves a disabled service alone", equal(&state.trim(), &"inactive"));
    machine.sh(&format!("dpkg --purge {RECEIVER}"))?;
    let places = "/var/lib/private/receiver /var/lib/receiver /etc/default/receiver /usr/bin/receiver \
         /etc/systemd/system/multi-user.target.wants/receiver.service";
    let left = machine.sh(&format!("ls -d {places} 2>/dev/null || true"))?;
    transcript.check("purged, nothing of it is left", holds(left.is_empty(), left));
    Ok(())
}

fn active(machine: &Machine) -> CheckResult {
    let state = "systemctl is-active receiver.service; systemctl is-enabled receiver.service";
    match machine.sh(state) {
        Ok(state) => equal(&state.trim(), &"active\nenabled"),
        Err(error) => {
            let journal = machine.sh("journalctl --unit receiver --no-pager --lines 20");
            Err(format!("{error:#}\n{}", journal.unwrap_or_default()))
        }
    }
}

fn ready(machine: &Machine) -> CheckResult {
    let ask = "timeout 20 sh -c 'until curl --silent --fail http://127.0.0.1:8788/health/ready; do sleep 0.1; done'";
    machine.sh(ask).map(drop).map_err(|error| {
        let state = "systemctl status --no-pager receiver; journalctl --unit receiver --no-pager --lines 20";
        format!("{error:#}\n{}", machine.sh(&format!("({state}) || true")).unwrap_or_default())
    })
}

fn accepted(machine: &Machine) -> CheckResult {
    let ask = r#"timeout 60 sh -c 'until curl --silent http://127.0.0.1:8788/metrics \
        | grep -q "receiver_answers_total{outcome=\"accepted\"} [1-9]"; do sleep 0.2; done'"#;
    machine.sh(ask).map(drop).map_err(|error| format!("{error:#}"))
}

/// The form in which the page of operation runs a command, beside the service and after it has ended.
fn tended(machine: &Machine) -> CheckResult {
    let run = |script: &str| machine.sh(script).map_err(|error| format!("{error:#}"));
    let form = documented_form()?;
    let tend = |command: &str| run(&form.replace("receiver verify", command));
    contains(&tend("receiver verify")?, &["whole: "])?;
    contains(&tend("receiver retain")?, &["deleted: "])?;
    contains(&tend("receiver erase 9f86d081884c7d65")?, &["erased: 0 documents"])?;
    run("systemctl stop receiver.service")?;
    contains(&tend("receiver verify")?, &["whole: "])?;
    run("systemctl start receiver.service")?;
    all([active(machine), ready(machine), stored(machine)])
}

/// The command as it is printed, for a shell of root.
fn documented_form() -> Result<String, String> {
    const PAGE: &str = include_str!("../../../receiver/OPERATIONS.md");
    let block = PAGE.split("\n\n").find_map(|block| block.strip_prefix("    sudo systemd-run "));
    block.map(|block| format!("systemd-run {block}")).ok_or_else(|| "the page has no such form".to_owned())
}

/// The store survives what happens to the service.
fn stored(machine: &Machine) -> CheckResult {
    let found = machine.sh("stat --format %s /var/lib/private/receiver/receiver.db");
    let size: u64 = found.map_err(|error| format!("{error:#}"))?.trim().parse().unwrap_or_default();
    holds(size > 0, "the store is empty")
}
