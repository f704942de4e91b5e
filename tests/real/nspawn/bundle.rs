//! The host as the layers above leave it: a run through an entry point of the bundle, and `clean` beside foreign
//! files and objects.

use super::host_local::{self, FILES};
use super::setup::NspawnSetup;
use crate::inspect::{Snapshot, ended, last_manifest, service};
use crate::machine::{CallResult, Machine, RUNS};
use crate::transcript::{CheckResult, Transcript, all, contains, equal, holds};

/// Answers in the order of the questions: k3s and helm are there, Longhorn and Rancher are left out, the registry is there;
/// then the export with its network, the hosts file, the name of the registry, self-signed certificates, no trust in Docker.
const ANSWERS: &str = "y\\ny\\nn\\nn\\ny\\ny\\n\\n10.20.0.0/16\\ny\\n\\n2\\nn\\ny\\n";

/// Foreign files, in directories that a run uses too.
const FOREIGN: [(&str, &str); 3] = [
    ("/srv/nfs/theirs", "kept\n"),
    ("/etc/exports.d/theirs.exports", "/srv/last 10.0.0.0/8(ro)\n"),
    ("/etc/k3s-objects/api/v1/namespaces/shop/configmaps/prices", r#"{"data":{"apple":"3"}}"#),
];

pub(crate) fn run(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("The entry points of the bundle, and clean beside foreign files");
    let machine = setup.boot()?;
    host_local::prepare(setup, &machine)?;
    for (path, text) in FOREIGN {
        machine.write(path, text, 0o644)?;
    }
    transcript.note("a machine with a server, and with foreign exports, hosts and an object");
    let run = entry(setup, &machine, ANSWERS, &["bootstrap", "--mode", "single-node"])?;
    transcript.check(&format!("the run ends with exit code 0 ({})", run.seconds()), ended(&run, 0));
    let configured = [("k3s", "reused"), ("nfs", "configured"), ("local_hosts", "configured")];
    transcript
        .check("the manifest says configured of both", last_manifest(&machine, "single-node", &configured));
    let before = Snapshot::of_everything(&machine)?;
    let plan = entry(setup, &machine, "", &["clean", "--plan"])?;
    let named = contains(&plan.stdout, &["/etc/exports", "/etc/hosts", "/srv/nfs/k8s-share"]);
    transcript.check("the plan of clean names what it removes", all([ended(&plan, 0), named]));
    let wrong = entry(setup, &machine, "y\\nclean\\n", &["clean", "--apply"])?;
    transcript.check("without the word it ends with exit code 0", ended(&wrong, 0));
    transcript.check("and nothing has changed", Snapshot::of_everything(&machine)?.same_as(&before));
    let clean = entry(setup, &machine, "y\\nCLEAN\\n", &["clean", "--apply"])?;
    transcript
        .check(&format!("with the word it ends with exit code 0 ({})", clean.seconds()), ended(&clean, 0));
    transcript.check("what the run made is removed, foreign lines are kept to the byte", lines(&machine));
    transcript.check(
        "foreign files and objects are as they were",
        all(FOREIGN.map(|(path, text)| equal(&machine.read(path), &text.to_owned()))),
    );
    transcript.check(
        "the server is left to its own uninstall script",
        all([service(&machine, "k3s"), contains(&clean.text(), &["k3s-uninstall.sh"])]),
    );
    let again = entry(setup, &machine, "", &["clean", "--apply", "--yes", "--confirm-clean"])?;
    transcript.check("the same again has nothing to do", ended(&again, 0));
    Ok(())
}

fn lines(machine: &Machine) -> CheckResult {
    all([
        equal(&machine.read("/etc/exports"), &format!("{}\n", FILES[0].1)),
        equal(&machine.read("/etc/hosts"), &FILES[1].1.to_owned()),
        holds(!machine.at("/srv/nfs/k8s-share").exists(), "/srv/nfs/k8s-share is there"),
    ])
}

/// Calls the entry point for commands, with answers on standard input.
fn entry(
    setup: &NspawnSetup<'_>,
    machine: &Machine,
    answers: &str,
    words: &[&str],
) -> anyhow::Result<CallResult> {
    let (runs, answers) = (format!("PRODUCTIVE_K3S_RUNS_DIR={RUNS}"), format!("ANSWERS={answers}"));
    let wrapper = [
        "env",
        "TELEMETRY_ENABLED=false",
        "PRODUCTIVE_K3S_ARTIFACTS_DIR=/e2e/artifacts",
        "PRODUCTIVE_K3S_DOMAIN=e2e.test",
        "PRODUCTIVE_K3S_COMPONENTS_CERT_MANAGER=skip",
        "PRODUCTIVE_K3S_COMPONENTS_CLUSTERISSUER=skip",
        &runs,
        &answers,
        "sh",
        "-c",
        "printf \"$ANSWERS\" | \"$@\"",
        "sh",
    ];
    let arguments: Vec<&str> = ["as-bundle", "--root", "/e2e", "--entry", "core", "--"]
        .into_iter()
        .chain(words.iter().copied())
        .collect();
    machine.bootstrap_under(&wrapper, setup.subject, &arguments)
}
