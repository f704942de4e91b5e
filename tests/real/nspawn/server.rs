//! A server from an artifacts folder, the same run again, and agents.

use super::setup::{Artifacts, NspawnSetup, SERVER_RUN, TOKEN};
use crate::inspect::{Snapshot, ended, journal_is_closed, last_manifest, private_files, service};
use crate::machine::{Machine, RUNS};
use crate::report::{Report, Verdict, all, contains, equal, holds};

/// The arguments of an agent run.
const AGENT: [&str; 13] = [
    "run",
    "--mode",
    "agent",
    "--agent-server-url",
    "https://10.11.12.13:6443",
    "--agent-token-file",
    "/e2e/token",
    "--yes",
    "--accept-warnings",
    "--artifacts-dir",
    "/e2e/artifacts",
    "--runs-dir",
    RUNS,
];

pub(crate) fn run(setup: &NspawnSetup<'_>, report: &mut Report) -> anyhow::Result<()> {
    report.part("A server from an artifacts folder, without network");
    let machine = setup.boot()?;
    report.note("a fresh machine is up");
    let fresh = Snapshot::of_everything(&machine)?;
    let dry: Vec<&str> =
        SERVER_RUN.iter().copied().filter(|word| *word != "--yes").chain(["--dry-run"]).collect();
    let dry = machine.bootstrap(setup.subject, &dry)?;
    report.check(&format!("a dry run ends with exit code 0 ({})", dry.seconds()), ended(&dry, 0));
    report.check("and has changed nothing on the host", Snapshot::of_everything(&machine)?.same_as(&fresh));
    let first = setup.server_run(&machine)?;
    report.check(&format!("the run ends with exit code 0 ({})", first.seconds()), ended(&first, 0));
    report.check("service k3s is active and enabled", service(&machine, "k3s"));
    report.check("helm is on the search path", contains(&machine.sh("helm version --short")?, &["v3.21.0"]));
    report.check(
        "the manifest says success, and installed of k3s and helm",
        last_manifest(&machine, "server", &[("k3s", "installed"), ("helm", "installed")]),
    );
    report.check("every journaled step is done", journal_is_closed(&machine));
    report.check("folders of records are 0700, files 0600", private_files(&machine));
    report.check("no staged artifact is left", staging_is_empty(&machine));
    again(setup, &machine, report)?;
    agent_on_server(setup, &machine, report)?;
    agent(setup, report)
}

fn again(setup: &NspawnSetup<'_>, machine: &Machine, report: &mut Report) -> anyhow::Result<()> {
    let before = Snapshot::of_everything(machine)?;
    let process = machine.sh("systemctl show --property MainPID k3s")?;
    let second = setup.server_run(machine)?;
    report.check(
        &format!("the same run again ends with exit code 0 ({})", second.seconds()),
        ended(&second, 0),
    );
    report.check(
        "its manifest says reused of both",
        last_manifest(machine, "server", &[("k3s", "reused"), ("helm", "reused")]),
    );
    let after = Snapshot::of_everything(machine)?;
    report.check(
        &format!("none of {} files has changed, apart from the records", after.len()),
        after.same_as(&before),
    );
    report.check(
        "the service was not restarted",
        equal(&machine.sh("systemctl show --property MainPID k3s")?, &process),
    );
    Ok(())
}

fn agent_on_server(setup: &NspawnSetup<'_>, machine: &Machine, report: &mut Report) -> anyhow::Result<()> {
    let before = Snapshot::of_everything(machine)?;
    let refused = machine.bootstrap(setup.subject, &AGENT)?;
    report.check(
        "an agent on this host is refused with exit code 3",
        all([ended(&refused, 3), contains(&refused.stderr, &["a k3s server runs here"])]),
    );
    report.check("and nothing has changed", Snapshot::of_everything(machine)?.same_as(&before));
    Ok(())
}

fn agent(setup: &NspawnSetup<'_>, report: &mut Report) -> anyhow::Result<()> {
    report.part("An agent");
    let machine = setup.boot()?;
    report.note("a fresh machine is up");
    let run = machine.bootstrap(setup.subject, &AGENT)?;
    report.check(&format!("the run ends with exit code 0 ({})", run.seconds()), ended(&run, 0));
    report.check("service k3s-agent is active and enabled", service(&machine, "k3s-agent"));
    report.check("the manifest says installed", last_manifest(&machine, "agent", &[("k3s", "installed")]));
    let token = "/etc/rancher/k3s/agent-token";
    report.check(
        "the token is in a file that root alone can read",
        all([
            equal(&machine.read(token).trim_end().to_owned(), &TOKEN.to_owned()),
            equal(
                &machine.sh(&format!("stat -c '%a %U' {token}"))?.trim().to_owned(),
                &"600 root".to_owned(),
            ),
        ]),
    );
    let found = machine.sh(&format!("grep -rl -e {TOKEN} /etc /state /usr/local /var /root || true"))?;
    report.check("and nowhere else on the host", equal(&found.trim().to_owned(), &token.to_owned()));
    report.check("nor in what the run printed", holds(!run.told().contains(TOKEN), run.told()));
    let artifacts = Artifacts::shared();
    let server = machine.bootstrap(setup.subject, &SERVER_RUN)?;
    report.check(
        &format!("a server on this host is refused, with the same artifacts in {artifacts}"),
        all([
            holds(server.code == 1 || server.code == 3, server.told()),
            contains(&server.told(), &["k3s-agent is active"]),
        ]),
    );
    Ok(())
}

fn staging_is_empty(machine: &Machine) -> Verdict {
    let left = machine
        .sh(&format!("find {RUNS}/artifacts -type f 2>/dev/null || true"))
        .map_err(|error| error.to_string())?;
    holds(left.is_empty(), left)
}
