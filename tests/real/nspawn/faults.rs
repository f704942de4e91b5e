//! Faults on real hosts: artifacts, disk, the install script, signals, and two runs at the same time.

use std::fs;
use std::time::Duration;

use tests::eventually;

use super::setup::{Artifacts, NspawnSetup, SERVER_RUN};
use crate::container::Booted;
use crate::inspect::{Snapshot, ended, service};
use crate::machine::{Machine, RUNS};
use crate::process::Daemon;
use crate::transcript::{CheckResult, Transcript, all, contains, equal, holds};

/// A directory of the machine with a copy of the artifacts.
const COPY: &str = "/root/artifacts";

pub(crate) fn run(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("Artifacts that are not what they should be");
    let machine = setup.boot()?;
    for (what, spoil, words) in [
        ("one byte more than the checksum is of", "echo >>k3s", "checksum mismatch"),
        ("half of the program", "truncate -s 100 k3s", "checksum mismatch"),
        (
            "a web page instead of the program",
            "echo '<!DOCTYPE html><html></html>' >k3s",
            "checksum mismatch",
        ),
        ("no checksum", "rm sha256sum-*.txt", "no SHA-256 of k3s"),
        ("no install script", "rm install.sh", "missing: install.sh"),
        ("no helm archive", "rm helm-*.tar.gz", "missing: helm-v3.21.0-linux"),
    ] {
        let result = spoiled(setup, &machine, spoil, words)?;
        transcript.check(&format!("{what}: exit code 3, named, and nothing has changed"), result);
    }
    drop(machine);
    transcript.part("Faults of the host");
    full_disk(setup, transcript)?;
    failing_script(setup, transcript)?;
    signalled(setup, transcript)
}

fn spoiled(
    setup: &NspawnSetup<'_>,
    machine: &Machine,
    spoil: &str,
    words: &str,
) -> anyhow::Result<CheckResult> {
    machine.sh(&format!("rm -rf {COPY}; cp -r {} {COPY}; cd {COPY}; {spoil}", Artifacts::shared()))?;
    let before = Snapshot::of_content(machine, "/usr/local /etc/systemd/system")?;
    let run = machine.bootstrap(setup.subject, &with_artifacts(COPY))?;
    let after = Snapshot::of_content(machine, "/usr/local /etc/systemd/system")?;
    Ok(all([ended(&run, 3), contains(&run.stderr, &[words]), after.same_as(&before), failed(machine)]))
}

fn full_disk(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    let machine = setup.boot()?;
    // A disk of one page that is full already: the first write of the program fails in the middle of its work.
    machine.sh("mount -t tmpfs -o size=4k,mode=755 tmpfs /usr/local/bin; head -c 4096 /dev/zero >/usr/local/bin/full || true")?;
    let run = machine.bootstrap(setup.subject, &SERVER_RUN)?;
    let left = machine.sh("ls -A /usr/local/bin")?;
    let result = all([
        ended(&run, 1),
        contains(&run.stderr, &["/usr/local/bin/k3s", "No space left"]),
        equal(&left.trim(), &"full"),
        failed(&machine),
    ]);
    transcript
        .check("a full disk: exit code 1, the path is named, and no part of the program is left", result);
    machine.sh("umount /usr/local/bin")?;
    let next = setup.server_run(&machine)?;
    transcript.check(
        "with space again the next run ends with exit code 0",
        all([ended(&next, 0), service(&machine, "k3s")]),
    );
    Ok(())
}

fn failing_script(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    let machine = setup.boot()?;
    machine.write("/run/k3s-install-unit", "fail", 0o644)?;
    let run = machine.bootstrap(setup.subject, &SERVER_RUN)?;
    let words = ["run the k3s install script", "the unit cannot be written", RUNS];
    transcript.check(
        "a failing script: exit code 1, its last lines and the log are named",
        all([ended(&run, 1), contains(&run.stderr, &words), failed(&machine)]),
    );
    machine.sh("rm /run/k3s-install-unit")?;
    let next = setup.server_run(&machine)?;
    transcript.check(
        "the next run ends with exit code 0, and the service is active",
        all([ended(&next, 0), service(&machine, "k3s")]),
    );
    Ok(())
}

fn signalled(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    let machine = setup.boot()?;
    let waiting = Waiting::start(setup, &machine)?;
    let second = setup.server_run(&machine)?;
    let pid = waiting.pid.to_string();
    transcript.check(
        "a second run says who is at work and ends with exit code 1",
        all([ended(&second, 1), contains(&second.stderr, &["another run is changing this host", &pid])]),
    );
    let dry: Vec<&str> =
        SERVER_RUN.iter().copied().filter(|word| *word != "--yes").chain(["--dry-run"]).collect();
    transcript.check(
        "a dry run meanwhile ends with exit code 0",
        ended(&machine.bootstrap(setup.subject, &dry)?, 0),
    );
    let ended_by = waiting.end(&machine, "TERM")?;
    transcript.check("SIGTERM: the step ends, then the run does, with exit code 143", ended_by);
    let interrupted =
        machine.manifests().values().any(|run| run["status"] == "interrupted" && run["exit_code"] == 143);
    transcript.check(
        "and its manifest says interrupted",
        holds(interrupted, format!("{:#?}", machine.manifests())),
    );
    let next = setup.server_run(&machine)?;
    transcript.check("the next run ends with exit code 0", all([ended(&next, 0), service(&machine, "k3s")]));
    Ok(())
}

/// A run that waits in the install script.
struct Waiting {
    run: Daemon,
    pid: u32,
}

impl Waiting {
    fn start(setup: &NspawnSetup<'_>, machine: &Booted) -> anyhow::Result<Self> {
        const FLAG: &str = "/run/k3s-install-start";
        machine.write(FLAG, "wait", 0o644)?;
        let (command, log) =
            (machine.command(&setup.subject.program), setup.root.shared().join("waiting.log"));
        let start = |daemon: &mut std::process::Command| {
            daemon.args(command.get_args()).args(SERVER_RUN);
        };
        let mut run = Daemon::start(command.get_program().as_ref(), start, &log)?;
        run.until(60, || !machine.read("/var/log/k3s-install-calls").is_empty())?;
        // The number that the run has on its own machine.
        let pid = machine.sh("pidof -s bootstrap")?.trim().parse()?;
        Ok(Self { run, pid })
    }

    fn end(mut self, machine: &Machine, signal: &str) -> anyhow::Result<CheckResult> {
        machine.sh(&format!("kill -s {signal} {}", self.pid))?;
        // Long enough to see a program that ends at once, short enough to cost little; the opposite cannot be awaited.
        let went_on = !eventually(Duration::from_millis(500), || !self.run.runs());
        fs::remove_file(machine.at("/run/k3s-install-start"))?;
        let code = self.run.code(Duration::from_secs(30));
        Ok(all([holds(went_on, "it did not wait for the end of the step"), equal(&code, &Some(143))]))
    }
}

fn with_artifacts(directory: &str) -> Vec<&str> {
    SERVER_RUN.iter().map(|word| if word.ends_with("/artifacts") { directory } else { word }).collect()
}

/// Holds if a run has been recorded as failed, and none as still running.
fn failed(machine: &Machine) -> CheckResult {
    let manifests = machine.manifests();
    let has = |status: &str| manifests.values().any(|run| run["status"] == status);
    holds(has("failed") && !has("running"), format!("{manifests:#?}"))
}
