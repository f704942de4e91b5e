//! A server from an artifacts folder, the same run again, and agents.

use serde_json::{Value, json};

use super::artifacts::TOKEN;
use super::{Artifacts, Host};
use crate::e2e::machine::{Finished, Machine, RUNS};
use crate::e2e::report::{Report, Verdict, all, contains, equal, holds};
use crate::e2e::snapshot::Snapshot;

/// The arguments of a server run.
pub(super) const RUN: [&str; 9] = [
    "run",
    "--mode",
    "server",
    "--yes",
    "--accept-warnings",
    "--artifacts-dir",
    "/e2e/artifacts",
    "--runs-dir",
    RUNS,
];

/// The arguments of an agent run.
pub(super) const AGENT: [&str; 13] = [
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

pub(super) fn run(host: &Host<'_>, report: &mut Report) -> anyhow::Result<()> {
    report.part("A server from an artifacts folder, without network");
    let machine = host.boot()?;
    report.note("a fresh machine is up");
    let fresh = Snapshot::of_everything(&machine)?;
    let dry: Vec<&str> = RUN.iter().copied().filter(|word| *word != "--yes").chain(["--dry-run"]).collect();
    let dry = machine.bootstrap(host.subject, &dry)?;
    report.check(&format!("a dry run ends with exit code 0 ({})", dry.seconds()), ended(&dry, 0));
    report.check("and has changed nothing on the host", Snapshot::of_everything(&machine)?.same_as(&fresh));
    let first = host.server_run(&machine)?;
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
    again(host, &machine, report)?;
    agent_on_server(host, &machine, report)?;
    agent(host, report)
}

fn again(host: &Host<'_>, machine: &Machine, report: &mut Report) -> anyhow::Result<()> {
    let before = Snapshot::of_everything(machine)?;
    let process = machine.sh("systemctl show --property MainPID k3s")?;
    let second = host.server_run(machine)?;
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

fn agent_on_server(host: &Host<'_>, machine: &Machine, report: &mut Report) -> anyhow::Result<()> {
    let before = Snapshot::of_everything(machine)?;
    let refused = machine.bootstrap(host.subject, &AGENT)?;
    report.check(
        "an agent on this host is refused with exit code 3",
        all([ended(&refused, 3), contains(&refused.stderr, &["a k3s server runs here"])]),
    );
    report.check("and nothing has changed", Snapshot::of_everything(machine)?.same_as(&before));
    Ok(())
}

fn agent(host: &Host<'_>, report: &mut Report) -> anyhow::Result<()> {
    report.part("An agent");
    let machine = host.boot()?;
    report.note("a fresh machine is up");
    let run = machine.bootstrap(host.subject, &AGENT)?;
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
    let server = machine.bootstrap(host.subject, &RUN)?;
    report.check(
        &format!("a server on this host is refused, with the same artifacts in {artifacts}"),
        all([
            holds(server.code == 1 || server.code == 3, server.told()),
            contains(&server.told(), &["k3s-agent is active"]),
        ]),
    );
    Ok(())
}

/// Holds if a call ended with this code.
pub(super) fn ended(run: &Finished, code: i32) -> Verdict {
    holds(run.code == code, run.told())
}

/// Holds if a service is active and enabled.
pub(super) fn service(machine: &Machine, name: &str) -> Verdict {
    let script = format!("systemctl is-active {name} || true; systemctl is-enabled {name} || true");
    let said = machine.sh(&script).map_err(|error| error.to_string())?;
    equal(&said.lines().collect::<Vec<_>>(), &vec!["active", "enabled"])
}

/// The manifest of the run that began last. Ids are random and times whole seconds: of several runs in one second it is
/// the one whose results are as wanted, if there is one.
pub(super) fn last_manifest(machine: &Machine, mode: &str, wanted: &[(&str, &str)]) -> Verdict {
    let all: Vec<Value> =
        machine.manifests().into_values().filter(|run| run["execution"] == "apply").collect();
    let last = all.iter().filter_map(|run| run["started_at"].as_str()).max().unwrap_or_default().to_owned();
    let last: Vec<&Value> = all.iter().filter(|run| run["started_at"] == last.as_str()).collect();
    let fits = |run: &&&Value| {
        run["status"] == "success"
            && run["exit_code"] == json!(0)
            && run["bootstrap_mode"] == mode
            && wanted.iter().all(|(component, result)| run["components"][component]["result"] == *result)
    };
    holds(last.iter().any(|run| fits(&run)), format!("{last:#?}"))
}

/// Holds if no step of any run is left without an outcome.
pub(super) fn journal_is_closed(machine: &Machine) -> Verdict {
    let open: Vec<String> = machine
        .contexts()
        .values()
        .flat_map(|context| context["steps"].as_array().cloned().unwrap_or_default())
        .filter(|step| step["state"] != "done")
        .map(|step| step.to_string())
        .collect();
    holds(open.is_empty(), open.join("\n"))
}

/// Holds if nobody but root can look at the records.
pub(super) fn private_files(machine: &Machine) -> Verdict {
    let looks = "( -type d ! -perm 700 -o -name bootstrap-* ! -perm 600 ) -printf '%m %p\\n'";
    let script = format!("set -f; find {RUNS} {}", looks.replace('(', "'('").replace(')', "')'"));
    let open = machine.sh(&script).map_err(|error| error.to_string())?;
    holds(open.is_empty(), open)
}

fn staging_is_empty(machine: &Machine) -> Verdict {
    let left = machine
        .sh(&format!("find {RUNS}/artifacts -type f 2>/dev/null || true"))
        .map_err(|error| error.to_string())?;
    holds(left.is_empty(), left)
}
