//! The same work by root, by sudo users with and without a password, and by a user without sudo.
//!
//! What a user may do is decided by the real sudo of the machine. The one with a password works on a terminal, because only
//! there sudo can ask.

use serde_json::{Value, json};

use super::host_local;
use super::setup::{NspawnSetup, SERVER_RUN};
use crate::inspect::ended;
use crate::machine::{CallResult, Machine};
use crate::transcript::{Transcript, all, contains, equal, holds};

/// The password of the user who has one.
const PASSWORD: &str = "e2e-posture-password";

/// Runs a command on a terminal of its own, and types the password when sudo asks for it.
const ON_A_TERMINAL: &str = r#"#!/bin/sh
screen=$(mktemp) keys=$(mktemp -u)
mkfifo -m 600 "$keys"
script --quiet --flush --return --command "$*" "$screen" <"$keys" >/dev/null 2>&1 &
exec 3>"$keys"
while kill -0 $! 2>/dev/null; do
    if [ -z "$typed" ] && grep -q 'password for' "$screen"; then
        cat /tmp/password >&3
        typed=1
    fi
    sleep 0.1
done
wait $!
code=$?
cat "$screen"
exit $code
"#;

/// Who runs the program.
struct Posture {
    title: &'static str,
    user: &'static str,
    /// The command that starts the program.
    wrapper: &'static [&'static str],
}

const ROOT: Posture = Posture { title: "root", user: "root", wrapper: &[] };
const NO_PASSWORD: Posture = Posture {
    title: "a user of sudo without a password",
    user: "op",
    wrapper: &["runuser", "-u", "op", "--"],
};
const WITH_PASSWORD: Posture = Posture {
    title: "a user of sudo with a password",
    user: "alice",
    wrapper: &["runuser", "-u", "alice", "--", "/usr/local/bin/on-a-terminal"],
};
const NO_SUDO: Posture =
    Posture { title: "a user without sudo", user: "bob", wrapper: &["runuser", "-u", "bob", "--"] };

pub(crate) fn run(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    for posture in [ROOT, NO_PASSWORD, WITH_PASSWORD] {
        whole(setup, &posture, transcript)?;
    }
    beyond_the_memory_of_sudo(setup, transcript)?;
    without_sudo(setup, transcript)?;
    by_root_for_a_caller(setup, transcript)
}

/// A server, the same again, a stack, a single node, and its rollback.
fn whole(setup: &NspawnSetup<'_>, posture: &Posture, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part(&format!("Everything by {}", posture.title));
    let machine = boot(setup)?;
    let first = posture.call(setup, &machine, &SERVER_RUN)?;
    transcript.check("a server: exit code 0", ended(&first, 0));
    transcript.check("k3s is installed", posture.last_run(&machine, "server", &[("k3s", "installed")]));
    let second = posture.call(setup, &machine, &SERVER_RUN)?;
    transcript.check("the same run again: exit code 0", ended(&second, 0));
    transcript.check("k3s is reused", posture.last_run(&machine, "server", &[("k3s", "reused")]));
    host_local::put_objects(&machine)?;
    let stack = host_local::stack_run();
    let third = posture.call(setup, &machine, &stack)?;
    transcript.check("a stack: exit code 0", ended(&third, 0));
    transcript
        .check("the registry is reused", posture.last_run(&machine, "stack", &[("registry", "reused")]));
    let fourth = posture.call(setup, &machine, &host_local::RUN)?;
    transcript.check("a single node: exit code 0", ended(&fourth, 0));
    let configured = [("nfs", "configured"), ("local_hosts", "configured")];
    transcript
        .check("export and names are configured", posture.last_run(&machine, "single-node", &configured));
    let clean = posture.call(setup, &machine, &["clean"])?;
    transcript.check(
        "the plan of clean has what only root sees",
        all([
            ended(&clean, 0),
            contains(&clean.stdout, &["/etc/exports", "/etc/hosts"]),
            holds(!clean.text().contains("visible to root only"), clean.text()),
        ]),
    );
    let record = posture.record(&machine, "single-node")?;
    let rollback = ["rollback", "--to", &record, "--apply", "--yes", "--include", "moderate"];
    let rollback = machine.bootstrap_under(&posture.words(), setup.subject, &rollback)?;
    transcript.check("its rollback: exit code 0", ended(&rollback, 0));
    transcript.check(
        "export and names are removed",
        all([
            holds(!machine.read("/etc/exports").contains("k8s-share"), machine.read("/etc/exports")),
            holds(!machine.read("/etc/hosts").contains("productive-k3s"), machine.read("/etc/hosts")),
        ]),
    );
    let foreign = machine.sh(&format!("find {} ! -user {}", posture.runs(), posture.user))?;
    transcript.check("every file of the records belongs to who ran it", equal(&foreign, &String::new()));
    if posture.user == WITH_PASSWORD.user {
        let all = [&first, &second, &third, &fourth, &rollback];
        let asked = all.map(|call| call.text().matches("password for").count());
        transcript.check("sudo asked once in each", equal(&asked, &[1; 5]));
        let found = machine.sh(&format!("grep -rl {PASSWORD} /home /var /etc /run 2>/dev/null || true"))?;
        transcript.check("and nothing has written the password down", equal(&found, &String::new()));
    }
    Ok(())
}

/// sudo forgets the password before the run is at its end, unless it is asked again meanwhile.
fn beyond_the_memory_of_sudo(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("An install script that takes longer than sudo remembers a password");
    let machine = boot(setup)?;
    machine.sh(
        "echo 'Defaults:alice timestamp_timeout=2' >/etc/sudoers.d/memory; chmod 0440 /etc/sudoers.d/memory
        echo wait >/run/k3s-install-start; systemd-run --quiet sh -c 'sleep 150; rm /run/k3s-install-start'",
    )?;
    let run = WITH_PASSWORD.call(setup, &machine, &SERVER_RUN)?;
    transcript.check(&format!("a server: exit code 0 ({})", run.seconds()), ended(&run, 0));
    transcript.check("k3s is installed", WITH_PASSWORD.last_run(&machine, "server", &[("k3s", "installed")]));
    transcript.check("sudo asked once", equal(&run.text().matches("password for").count(), &1));
    Ok(())
}

fn without_sudo(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part(&format!("By {}", NO_SUDO.title));
    let machine = boot(setup)?;
    let mut dry = SERVER_RUN.to_vec();
    dry.push("--dry-run");
    let dry = NO_SUDO.call(setup, &machine, &dry)?;
    transcript.check("a dry run: exit code 0", ended(&dry, 0));
    let run = NO_SUDO.call(setup, &machine, &SERVER_RUN)?;
    transcript.check(
        "a run: exit code 1, and why",
        all([
            ended(&run, 1),
            contains(&run.stderr, &["cannot get root privileges", "a password is required"]),
        ]),
    );
    let manifest = NO_SUDO.manifest(&machine, "server");
    transcript.check(
        "its manifest says that a permission was missing",
        equal(&manifest["failure"], &json!({ "step": "plan", "reason": "permission_denied" })),
    );
    transcript.check(
        "and nothing was installed",
        holds(!machine.at("/usr/local/bin/k3s").exists(), "k3s is there"),
    );
    Ok(())
}

/// `sudo bootstrap`: root acts, for a caller who has to be able to read what happened.
fn by_root_for_a_caller(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("By root, called through sudo");
    let machine = boot(setup)?;
    let caller = Posture { title: "sudo", user: "op", wrapper: &["runuser", "-u", "op", "--", "sudo"] };
    let run = caller.call(setup, &machine, &SERVER_RUN)?;
    transcript.check("a server: exit code 0", ended(&run, 0));
    let script = format!("cd {}; stat -c '%U %a' bootstrap-*-private.json bootstrap-*.log", caller.runs());
    transcript.check(
        "the private record is root's, the log the caller's",
        equal(&machine.sh(&script)?, &"root 600\nop 600\n".to_owned()),
    );
    let record = caller.record(&machine, "server")?;
    let plan =
        machine.bootstrap_under(&NO_PASSWORD.words(), setup.subject, &["rollback", "--to", &record])?;
    transcript.check("the caller alone cannot roll it back", holds(plan.code != 0, plan.text()));
    let plan = machine.bootstrap_under(&caller.words(), setup.subject, &["rollback", "--to", &record])?;
    transcript.check("through sudo the plan: exit code 0", ended(&plan, 0));
    Ok(())
}

impl Posture {
    /// `bootstrap` with its records in a directory of the user.
    fn call(&self, setup: &NspawnSetup<'_>, machine: &Machine, words: &[&str]) -> anyhow::Result<CallResult> {
        let runs = self.runs();
        let place =
            words.iter().position(|word| *word == "--runs-dir").map_or(words.len(), |found| found + 1);
        let mut words: Vec<&str> = words.to_vec();
        match words.get_mut(place) {
            Some(word) => *word = &runs,
            None => words.extend(["--runs-dir", &runs]),
        }
        machine.bootstrap_under(&self.words(), setup.subject, &words)
    }

    /// On a terminal the program would ask for consent.
    fn words(&self) -> Vec<&'static str> {
        ["env", "TELEMETRY_ENABLED=false"].into_iter().chain(self.wrapper.iter().copied()).collect()
    }

    fn runs(&self) -> String {
        if self.user == "root" { "/root/runs".to_owned() } else { format!("/home/{}/runs", self.user) }
    }

    /// The public manifest of the last run in `mode` that was no dry run.
    fn manifest(&self, machine: &Machine, mode: &str) -> Value {
        let runs = machine.manifests_in(&self.runs()).into_values();
        let of_mode = runs.filter(|run| run["bootstrap_mode"] == mode && run["execution"] == "apply");
        of_mode.max_by_key(|run| run["started_at"].as_str().map(str::to_owned)).unwrap_or_default()
    }

    fn last_run(&self, machine: &Machine, mode: &str, wanted: &[(&str, &str)]) -> Result<(), String> {
        let manifest = self.manifest(machine, mode);
        let results = wanted
            .iter()
            .map(|(component, result)| equal(&manifest["components"][component]["result"], &json!(result)));
        all(results.chain([equal(&manifest["status"], &json!("success"))]))
    }

    fn record(&self, machine: &Machine, mode: &str) -> anyhow::Result<String> {
        let manifest = self.manifest(machine, mode);
        let id =
            manifest["run_id"].as_str().ok_or_else(|| anyhow::anyhow!("there is no run in mode {mode}"))?;
        Ok(format!("{}/bootstrap-{id}.json", self.runs()))
    }
}

/// A machine with the users.
fn boot(setup: &NspawnSetup<'_>) -> anyhow::Result<crate::container::Booted> {
    let machine = setup.boot()?;
    machine.write("/usr/local/bin/on-a-terminal", ON_A_TERMINAL, 0o755)?;
    machine.sh(&format!(
        "for user in op alice bob; do useradd --create-home $user; done
        echo 'op ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/op
        echo 'alice ALL=(ALL:ALL) ALL' >/etc/sudoers.d/alice
        chmod 0440 /etc/sudoers.d/*
        echo {PASSWORD} >/tmp/password
        chown alice: /tmp/password
        chmod 0400 /tmp/password
        sed 's/^/alice:/' /tmp/password | chpasswd"
    ))?;
    Ok(machine)
}
