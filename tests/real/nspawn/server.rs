//! A server from an artifacts directory, the same run again, and agents.

use super::setup::{Artifacts, NspawnSetup, SERVER_RUN, SERVER_URL, TOKEN};
use crate::inspect::{Snapshot, ended, journal_is_closed, last_manifest, private_files, service};
use crate::machine::{Machine, RUNS};
use crate::transcript::{CheckResult, Transcript, all, contains, equal, holds};

/// The arguments of an agent run.
const AGENT: [&str; 13] = [
    "run",
    "--mode",
    "agent",
    "--agent-server-url",
    SERVER_URL,
    "--agent-token-file",
    "/e2e/token",
    "--yes",
    "--accept-warnings",
    "--artifacts-dir",
    "/e2e/artifacts",
    "--runs-dir",
    RUNS,
];

pub(crate) fn run(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("A server from an artifacts directory, without network");
    let machine = setup.boot()?;
    transcript.note("a fresh machine is up");
    let fresh = Snapshot::of_everything(&machine)?;
    let dry: Vec<&str> =
        SERVER_RUN.iter().copied().filter(|word| *word != "--yes").chain(["--dry-run"]).collect();
    let dry = machine.bootstrap(setup.subject, &dry)?;
    transcript.check(&format!("a dry run ends with exit code 0 ({})", dry.seconds()), ended(&dry, 0));
    transcript
        .check("and has changed nothing on the host", Snapshot::of_everything(&machine)?.same_as(&fresh));
    let first = setup.server_run(&machine)?;
    transcript.check(&format!("the run ends with exit code 0 ({})", first.seconds()), ended(&first, 0));
    transcript.check("service k3s is active and enabled", service(&machine, "k3s"));
    transcript
        .check("helm is on the search path", contains(&machine.sh("helm version --short")?, &["v3.21.0"]));
    transcript.check(
        "the manifest says success, and installed of k3s and helm",
        last_manifest(&machine, "server", &[("k3s", "installed"), ("helm", "installed")]),
    );
    transcript.check("every journaled step is done", journal_is_closed(&machine));
    transcript.check("directories of records are 0700, files 0600", private_files(&machine));
    transcript.check("no staged artifact is left", staging_is_empty(&machine));
    again(setup, &machine, transcript)?;
    agent_on_server(setup, &machine, transcript)?;
    agent(setup, transcript)
}

fn again(setup: &NspawnSetup<'_>, machine: &Machine, transcript: &mut Transcript) -> anyhow::Result<()> {
    let before = Snapshot::of_everything(machine)?;
    let process = machine.sh("systemctl show --property MainPID k3s")?;
    let second = setup.server_run(machine)?;
    transcript.check(
        &format!("the same run again ends with exit code 0 ({})", second.seconds()),
        ended(&second, 0),
    );
    transcript.check(
        "its manifest says reused of both",
        last_manifest(machine, "server", &[("k3s", "reused"), ("helm", "reused")]),
    );
    let after = Snapshot::of_everything(machine)?;
    transcript.check(
        &format!("none of {} files has changed, apart from the records", after.len()),
        after.same_as(&before),
    );
    transcript.check(
        "the service was not restarted",
        equal(&machine.sh("systemctl show --property MainPID k3s")?, &process),
    );
    Ok(())
}

fn agent_on_server(
    setup: &NspawnSetup<'_>,
    machine: &Machine,
    transcript: &mut Transcript,
) -> anyhow::Result<()> {
    let before = Snapshot::of_everything(machine)?;
    let refused = machine.bootstrap(setup.subject, &AGENT)?;
    transcript.check(
        "an agent on this host is refused with exit code 3",
        all([ended(&refused, 3), contains(&refused.stderr, &["a k3s server runs here"])]),
    );
    transcript.check("and nothing has changed", Snapshot::of_everything(machine)?.same_as(&before));
    Ok(())
}

fn agent(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("An agent");
    let machine = setup.boot()?;
    transcript.note("a fresh machine is up");
    let run = machine.bootstrap(setup.subject, &AGENT)?;
    transcript.check(&format!("the run ends with exit code 0 ({})", run.seconds()), ended(&run, 0));
    transcript.check("service k3s-agent is active and enabled", service(&machine, "k3s-agent"));
    transcript
        .check("the manifest says installed", last_manifest(&machine, "agent", &[("k3s", "installed")]));
    let token = "/etc/rancher/k3s/agent-token";
    transcript.check(
        "the token is in a file that root alone can read",
        all([
            equal(&machine.read(token).trim_end().to_owned(), &TOKEN.to_owned()),
            equal(
                &machine.sh(&format!("stat -c '%a %U' {token}"))?.trim().to_owned(),
                &"600 root".to_owned(),
            ),
        ]),
    );
    // A token that was ever an argument or an environment file would be in a unit, a log or a record.
    let found = machine.sh(&format!("grep -rl -e {TOKEN} /etc /state /usr/local /var /root || true"))?;
    transcript.check("and nowhere else on the host", equal(&found.trim().to_owned(), &token.to_owned()));
    transcript.check("nor in what the run printed", holds(!run.text().contains(TOKEN), run.text()));
    let artifacts = Artifacts::shared();
    let server = machine.bootstrap(setup.subject, &SERVER_RUN)?;
    transcript.check(
        &format!("a server on this host is refused, with the same artifacts in {artifacts}"),
        all([ended(&server, 3), contains(&server.text(), &["a k3s agent runs here"])]),
    );
    Ok(())
}

fn staging_is_empty(machine: &Machine) -> CheckResult {
    let left =
        machine.sh("find /var/lib/productive-k3s 2>/dev/null || true").map_err(|error| error.to_string())?;
    holds(left.is_empty(), left)
}
