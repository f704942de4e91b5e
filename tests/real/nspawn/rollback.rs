//! Rolling back the export and the block in the hosts file, after others have written to both files.

use anyhow::Context;

use super::host_local::{self, FILES};
use super::setup::NspawnSetup;
use crate::inspect::{Snapshot, ended, service};
use crate::machine::{Machine, RUNS};
use crate::transcript::{Transcript, all, contains, equal, holds};

/// What is added after the run.
const EXPORT: &str = "/srv/other 10.9.0.0/16(ro,no_subtree_check)\n";
const NAME: &str = "10.4.5.6 later.e2e.test\n";

pub(crate) fn run(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("Rolling the export and the hosts file back, after others have written to both");
    let machine = setup.boot()?;
    prepare(setup, &machine)?;
    transcript.note("a machine with a server, an export and a block, and later foreign lines");
    let before = Snapshot::of_everything(&machine)?;
    let record = record(&machine)?;
    let plan = machine.bootstrap(setup.subject, &["rollback", "--to", &record])?;
    let named = contains(&plan.stdout, &["/etc/exports", "/etc/hosts"]);
    transcript.check(
        &format!("the plan ends with exit code 0 and names both ({})", plan.seconds()),
        all([ended(&plan, 0), named]),
    );
    transcript.check("and has changed nothing", Snapshot::of_everything(&machine)?.same_as(&before));
    let safe = machine.bootstrap(setup.subject, &["rollback", "--to", &record, "--apply", "--yes"])?;
    transcript
        .check(&format!("what is safe alone ends with exit code 0 ({})", safe.seconds()), ended(&safe, 0));
    transcript.check(
        "the block is removed, all other lines are kept to the byte",
        equal(&machine.read("/etc/hosts"), &format!("{}{NAME}", FILES[1].1)),
    );
    transcript.check("the export is still listed", contains(&exported(&machine)?, &["/srv/nfs/k8s-share"]));
    let arguments = arguments(&machine)?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let moderate = machine.bootstrap(setup.subject, &arguments)?;
    transcript.check(
        &format!("with what is moderate it ends with exit code 0 ({})", moderate.seconds()),
        ended(&moderate, 0),
    );
    transcript.check(
        "our export line is removed, all others are kept to the byte",
        equal(&machine.read("/etc/exports"), &format!("{}\n{EXPORT}", FILES[0].1)),
    );
    let listed = exported(&machine)?;
    transcript.check(
        "exportfs -v agrees",
        all([holds(!listed.contains("k8s-share"), &listed), contains(&listed, &["/srv/other 10.0.0.0/8("])]),
    );
    transcript.check(
        "the directories of the run are removed",
        holds(!machine.at("/srv/nfs").exists(), "/srv/nfs is there"),
    );
    transcript.check("the server of another run is as it was", service(&machine, "k3s"));
    let before = Snapshot::of_everything(&machine)?;
    let again = machine.bootstrap(setup.subject, &arguments)?;
    transcript.check("the same command again ends with exit code 0", ended(&again, 0));
    transcript.check("and has changed nothing", Snapshot::of_everything(&machine)?.same_as(&before));
    elsewhere(setup, &machine, &record, transcript)
}

/// A record is valid only on the machine that it was made on.
fn elsewhere(
    setup: &NspawnSetup<'_>,
    machine: &Machine,
    record: &str,
    transcript: &mut Transcript,
) -> anyhow::Result<()> {
    let other = setup.boot()?;
    other.sh(&format!("mkdir -m 700 -p {RUNS}"))?;
    // Both files of the record, so that the other machine alone is the reason to refuse.
    for path in [record.to_owned(), record.replace("-private.json", ".json")] {
        other.write(&path, &machine.read(&path), 0o600)?;
    }
    let refused = other.bootstrap(setup.subject, &["rollback", "--to", record, "--apply", "--yes"])?;
    transcript.check(
        "on another machine the record is refused",
        all([holds(refused.code != 0, refused.text()), contains(&refused.stderr, &["another machine"])]),
    );
    Ok(())
}

/// A machine on which the run has been, and others after it.
pub(crate) fn prepare(setup: &NspawnSetup<'_>, machine: &Machine) -> anyhow::Result<()> {
    host_local::prepare(setup, machine)?;
    let run = machine.bootstrap(setup.subject, &host_local::RUN)?;
    anyhow::ensure!(run.code == 0, "{}", run.text());
    for (path, line) in [("/etc/exports", EXPORT), ("/etc/hosts", NAME)] {
        machine.write(path, &(machine.read(path) + line), 0o644)?;
    }
    Ok(())
}

/// The call that rolls all of it back.
pub(crate) fn arguments(machine: &Machine) -> anyhow::Result<Vec<String>> {
    let words = ["rollback", "--to", &record(machine)?, "--apply", "--yes", "--include", "moderate"];
    Ok(words.map(str::to_owned).to_vec())
}

fn record(machine: &Machine) -> anyhow::Result<String> {
    let is_it = |run: &serde_json::Value| run["mode"] == "single-node";
    let name = machine.contexts().into_iter().find(|(_, run)| is_it(run)).map(|(name, _)| name);
    Ok(format!("{RUNS}/bootstrap-{}.json", name.context("there is no record of the run")?))
}

fn exported(machine: &Machine) -> anyhow::Result<String> {
    Ok(machine.sh("exportfs -v")?.split_whitespace().collect::<Vec<_>>().join(" "))
}
