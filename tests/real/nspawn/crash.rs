//! Killing a run between any two of its writes, and in the middle of the install script: the next run completes.
//!
//! Every write of ours ends with a rename, and the journal is written before and after each step. `strace` kills the
//! program at its first, second, third… rename, so no state that a crash can leave between two writes is missed.

use serde_json::Value;

use super::host_local;
use super::rollback;
use super::setup::{NspawnSetup, SERVER_RUN};
use crate::container::Booted;
use crate::inspect::{Snapshot, ended, private_files, service};
use crate::machine::{CallResult, Machine, RUNS};
use crate::transcript::{CheckResult, Transcript, all, equal, holds};

/// What a run may write to, apart from its records.
const PLACES: &str = "/etc/systemd/system /etc/rancher /etc/exports /etc/hosts /usr/local /srv";

/// More renames than any run makes.
const LIMIT: usize = 200;

/// A run that is killed, and what it works on.
struct Case<'a> {
    setup: &'a NspawnSetup<'a>,
    /// What is called on a machine that is prepared.
    arguments: fn(&Machine) -> anyhow::Result<Vec<String>>,
    /// Brings a fresh machine to the state before the run.
    prepare: fn(&NspawnSetup<'_>, &Machine) -> anyhow::Result<()>,
}

pub(crate) fn run(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    let server = Case { setup, arguments: |_| Ok(words(&SERVER_RUN)), prepare: |_, _| Ok(()) };
    transcript.part("A server run is killed at each of its renames, and run again");
    server.at_each_rename(transcript)?;
    transcript.part("A server run is killed inside the install script, and run again");
    server.in_the_script(transcript)?;
    transcript
        .part("A run for the export and the hosts file is killed at each of its renames, and run again");
    let local = Case { setup, arguments: |_| Ok(words(&host_local::RUN)), prepare: host_local::prepare };
    local.at_each_rename(transcript)?;
    transcript.part("Its rollback is killed at each of its renames, and run again");
    let back = Case { setup, arguments: rollback::arguments, prepare: rollback::prepare };
    back.at_each_rename(transcript)
}

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|word| (*word).to_owned()).collect()
}

impl Case<'_> {
    fn boot(&self) -> anyhow::Result<Booted> {
        let machine = self.setup.boot()?;
        (self.prepare)(self.setup, &machine)?;
        Ok(machine)
    }

    fn call(&self, machine: &Machine, wrapper: &[&str]) -> anyhow::Result<CallResult> {
        let arguments = (self.arguments)(machine)?;
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        machine.bootstrap_under(wrapper, self.setup.subject, &arguments)
    }

    /// What an undisturbed run leaves.
    fn reference(&self, transcript: &mut Transcript) -> anyhow::Result<Snapshot> {
        let machine = self.boot()?;
        let run = self.call(&machine, &[])?;
        transcript.check("an undisturbed run ends with exit code 0", ended(&run, 0));
        Snapshot::of_content(&machine, PLACES)
    }

    fn at_each_rename(&self, transcript: &mut Transcript) -> anyhow::Result<()> {
        let reference = self.reference(transcript)?;
        for number in 1..LIMIT {
            let machine = self.boot()?;
            let before = machine.manifests().len();
            let inject = format!("inject=/^rename:signal=KILL:when={number}");
            let strace = ["strace", "-qq", "-o", "/run/e2e-strace", "-e", "trace=/^rename", "-e", &inject];
            let killed = self.call(&machine, &strace)?;
            // The run made fewer renames than that and was not killed: every point has been tried.
            if killed.code == 0 {
                let (points, enough) = (number - 1, number > 8);
                transcript
                    .check(&format!("{points} renames were all there are"), holds(enough, killed.text()));
                return Ok(());
            }
            let state = state(&machine, before);
            let result = equal(&killed.code, &137).and_then(|()| self.completes(&machine, &reference));
            transcript.check(&format!("rename {number:2}: {state}"), result);
        }
        transcript.check("a run makes fewer renames than that", Err(format!("{LIMIT}")));
        Ok(())
    }

    fn in_the_script(&self, transcript: &mut Transcript) -> anyhow::Result<()> {
        let reference = self.reference(transcript)?;
        for point in ["start", "unit", "enabled"] {
            let machine = self.boot()?;
            machine.write(&format!("/run/k3s-install-{point}"), "kill", 0o644)?;
            let killed = self.call(&machine, &[])?;
            let result = equal(&killed.code, &137).and_then(|()| self.completes(&machine, &reference));
            transcript.check(&format!("killed at {point:?} of the script"), result);
        }
        Ok(())
    }

    /// Holds if the next run completes what the killed one has begun.
    fn completes(&self, machine: &Machine, reference: &Snapshot) -> CheckResult {
        let words = |error: anyhow::Error| format!("{error:#}");
        let installed = machine.contexts().values().any(script_is_done);
        let calls = || machine.read("/var/log/k3s-install-calls").lines().count();
        let calls_before = calls();
        let next = self.call(machine, &[]).map_err(words)?;
        let content = Snapshot::of_content(machine, PLACES).map_err(words)?;
        let manifests = machine.manifests();
        let open: Vec<&Value> = manifests.values().filter(|run| run["status"] == "running").collect();
        let left = machine
            .sh(&format!("find {RUNS} -type f ! -name 'bootstrap-*' ! -name '*.lock' ! -name lock"))
            .map_err(words)?;
        all([
            ended(&next, 0),
            content.same_as(reference),
            service(machine, "k3s"),
            private_files(machine),
            holds(open.is_empty(), format!("still running: {open:#?}")),
            holds(left.is_empty(), format!("left over: {left}")),
            holds(
                !installed || calls() == calls_before,
                "the install script had done its work and was called again",
            ),
        ])
    }
}

/// Whether the journal says that the install script has succeeded.
fn script_is_done(context: &Value) -> bool {
    let steps = context["steps"].as_array().map_or(&[][..], Vec::as_slice);
    steps.iter().any(|step| step["state"] == "done" && step["action"] == "run the k3s install script")
}

/// What the records of the killed run say, in a few words.
fn state(machine: &Machine, runs_before: usize) -> String {
    let contexts = machine.contexts();
    let running = contexts.values().find(|context| context["status"] == "running");
    if let Some(undo) =
        contexts.values().filter_map(|context| context["rollbacks"].as_array()?.last()).next_back()
    {
        return format!("undo of step {}: {}", undo["step"], undo["state"].as_str().unwrap_or("?"));
    }
    let Some(context) = running else {
        let is_new = machine.manifests().len() > runs_before;
        return if is_new {
            "after the last record".to_owned()
        } else {
            "before the first record".to_owned()
        };
    };
    match context["steps"].as_array().and_then(|steps| steps.last()) {
        None => "before the first step".to_owned(),
        Some(step) => {
            let word = |key: &str| step[key].as_str().unwrap_or("?").to_owned();
            format!("{}, {}: {}", word("component"), word("action"), word("state"))
        }
    }
}
