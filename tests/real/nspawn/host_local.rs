//! Work on the host itself: the NFS export and the hosts file.

use super::setup::NspawnSetup;
use crate::inspect::{Snapshot, ended, last_manifest};
use crate::machine::{Machine, RUNS};
use crate::transcript::{CheckResult, Transcript, all, contains, equal, holds};

/// Everything but the work on the host itself is left out; the registry is there already, so that it gets a name.
pub(crate) const RUN: [&str; 23] = [
    "run",
    "--mode",
    "single-node",
    "--yes",
    "--accept-warnings",
    "--skip",
    "cert_manager",
    "--skip",
    "clusterissuer",
    "--skip",
    "longhorn",
    "--skip",
    "rancher",
    "--skip",
    "docker_registry_trust",
    "--nfs-allowed-network",
    "10.20.0.0/16",
    "--domain",
    "e2e.test",
    "--artifacts-dir",
    "/e2e/artifacts",
    "--runs-dir",
    RUNS,
];

/// The same for a running server, whose mode has no export.
pub(crate) fn stack_run() -> Vec<&'static str> {
    let words = RUN.into_iter().filter(|word| !["--nfs-allowed-network", "10.20.0.0/16"].contains(word));
    words.map(|word| if word == "single-node" { "stack" } else { word }).collect()
}

/// Foreign lines; the last one has no line break.
const EXPORTS: &str =
    "# kept to the byte\n/srv/other\t10.0.0.0/8(ro,no_subtree_check)   # theirs\n\n/srv/last *(ro)";

/// The line of the run.
const LINE: &str = "/srv/nfs/k8s-share 10.20.0.0/16(rw,sync,no_subtree_check,root_squash)\n";

/// Foreign lines.
const HOSTS: &str = "127.0.0.1\tlocalhost\n10.1.2.3   other.e2e.test # theirs\n";

/// What the API server answers about its node and the registry.
const OBJECTS: [(&str, &str); 6] = [
    (
        "api/v1/nodes",
        r#"{"items":[{"metadata":{"name":"node"},"status":{"addresses":[{"type":"InternalIP","address":"10.11.12.13"}]}}]}"#,
    ),
    ("api/v1/namespaces/registry/persistentvolumeclaims/registry-data", "{}"),
    (
        "apis/apps/v1/namespaces/registry/deployments/registry",
        r#"{"metadata":{"generation":1},"spec":{"replicas":1},"status":{"observedGeneration":1,"replicas":1,"updatedReplicas":1,"availableReplicas":1}}"#,
    ),
    ("api/v1/namespaces/registry/services/registry", "{}"),
    ("apis/networking.k8s.io/v1/namespaces/registry/ingresses/registry", "{}"),
    ("api/v1/namespaces/registry/secrets/registry-tls", r#"{"data":{"tls.crt":"Y2VydGlmaWNhdGUK"}}"#),
];

pub(crate) fn run(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("The NFS export and the hosts file");
    let machine = setup.boot()?;
    prepare(setup, &machine)?;
    transcript.note("a machine with a server, and with foreign exports and hosts");
    let first = machine.bootstrap(setup.subject, &RUN)?;
    transcript.check(&format!("the run ends with exit code 0 ({})", first.seconds()), ended(&first, 0));
    transcript.check("foreign export lines are kept to the byte, ours is added", exports(&machine));
    transcript.check("exportfs -v lists the directory for the network", exported(&machine));
    transcript.check("foreign lines of the hosts file are kept, one block is added", hosts(&machine));
    transcript.check(
        "the name of the registry resolves",
        contains(&machine.sh("getent hosts registry.e2e.test")?, &["10.11.12.13"]),
    );
    let configured =
        [("k3s", "reused"), ("registry", "reused"), ("nfs", "configured"), ("local_hosts", "configured")];
    transcript
        .check("the manifest says configured of both", last_manifest(&machine, "single-node", &configured));
    let before = Snapshot::of_everything(&machine)?;
    let second = machine.bootstrap(setup.subject, &RUN)?;
    transcript.check(
        &format!("the same run again ends with exit code 0 ({})", second.seconds()),
        ended(&second, 0),
    );
    let reused = [
        ("k3s", "reused"),
        ("helm", "reused"),
        ("registry", "reused"),
        ("nfs", "reused"),
        ("local_hosts", "reused"),
    ];
    transcript.check("its manifest says reused of all", last_manifest(&machine, "single-node", &reused));
    transcript.check(
        "no file has changed, apart from the records",
        Snapshot::of_everything(&machine)?.same_as(&before),
    );
    machine.sh("systemctl stop nfs-server")?;
    let third = machine.bootstrap(setup.subject, &RUN)?;
    transcript.check("after a stop of the NFS server the run ends with exit code 0", ended(&third, 0));
    let running = machine.sh("systemctl is-active nfs-server")?;
    transcript.check("the NFS server runs", contains(&running, &["active"]));
    transcript.check("and exports the directory again", exported(&machine));
    mounted_hosts(setup, &machine, transcript)?;
    package(setup, transcript)
}

/// A hosts file that is mounted, as in containers, cannot be replaced and is written in place.
fn mounted_hosts(
    setup: &NspawnSetup<'_>,
    machine: &Machine,
    transcript: &mut Transcript,
) -> anyhow::Result<()> {
    machine.sh("mount --bind /etc/hosts /etc/hosts")?;
    let other: Vec<&str> =
        RUN.iter().map(|word| if *word == "e2e.test" { "e2e.example" } else { word }).collect();
    let run = machine.bootstrap(setup.subject, &other)?;
    transcript.check("with a mounted hosts file and another domain it ends with exit code 0", ended(&run, 0));
    let wanted =
        format!("{HOSTS}# BEGIN productive-k3s\n10.11.12.13 registry.e2e.example\n# END productive-k3s\n");
    transcript.check("the block was replaced as a whole", equal(&machine.read("/etc/hosts"), &wanted));
    Ok(())
}

/// The package comes from the archive that the root directory was made with: apt works, the network does not.
fn package(setup: &NspawnSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("The NFS package");
    let machine = setup.boot()?;
    prepare(setup, &machine)?;
    machine.sh("apt-get remove --yes nfs-kernel-server >/dev/null 2>&1; ! command -v exportfs")?;
    transcript.note("a machine without the package");
    let run = machine.bootstrap(setup.subject, &RUN)?;
    transcript.check(&format!("the run ends with exit code 0 ({})", run.seconds()), ended(&run, 0));
    transcript.check(
        "dpkg says that the package is installed",
        contains(&machine.sh("dpkg-query -W -f '${db:Status-Status}' nfs-kernel-server")?, &["installed"]),
    );
    transcript.check("exportfs -v lists the directory for the network", exported(&machine));
    transcript.check(
        "the manifest says installed",
        last_manifest(&machine, "single-node", &[("nfs", "installed")]),
    );
    Ok(())
}

/// A server whose API has a registry, and files with foreign lines.
pub(crate) fn prepare(setup: &NspawnSetup<'_>, machine: &Machine) -> anyhow::Result<()> {
    let server = setup.server_run(machine)?;
    anyhow::ensure!(server.code == 0, "{}", server.text());
    put_objects(machine)?;
    machine.write("/etc/exports", EXPORTS, 0o644)?;
    machine.write("/etc/hosts", HOSTS, 0o644)?;
    machine.sh("mkdir -p /srv/other /srv/last")?;
    Ok(())
}

/// What k3s has to know of the registry, under both names that these runs give it.
const REGISTRIES: &str = "configs:\n  registry.e2e.test: {}\n  registry.e2e.example: {}\n";

/// In place of Debian's unit, which needs an NFS server in the kernel: a container may not have one. As there, what is
/// exported ends with the service.
const NFS_SERVER: &str = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/sbin/exportfs -r\n\
    ExecStopPost=/usr/sbin/exportfs -au\n[Install]\nWantedBy=multi-user.target\n";

/// Makes the registry an object of the cluster, which the nodes know, and lets the NFS server be started.
pub(crate) fn put_objects(machine: &Machine) -> anyhow::Result<()> {
    machine.write("/etc/systemd/system/nfs-server.service", NFS_SERVER, 0o644)?;
    machine.sh("systemctl daemon-reload")?;
    for (path, object) in OBJECTS {
        machine.write(&format!("/etc/k3s-objects/{path}"), object, 0o644)?;
    }
    machine.write("/etc/rancher/k3s/registries.yaml", REGISTRIES, 0o600)
}

/// The exports and the hosts file before the run.
pub(crate) const FILES: [(&str, &str); 2] = [("/etc/exports", EXPORTS), ("/etc/hosts", HOSTS)];

fn exports(machine: &Machine) -> CheckResult {
    equal(&machine.read("/etc/exports"), &format!("{EXPORTS}\n{LINE}"))
}

fn exported(machine: &Machine) -> CheckResult {
    let listed = machine.sh("exportfs -v | tr -s ' \\t\\n' ' '").map_err(|error| error.to_string())?;
    all([
        contains(&listed, &["/srv/nfs/k8s-share 10.20.0.0/16(", "/srv/other 10.0.0.0/8("]),
        holds(machine.at("/srv/nfs/k8s-share").is_dir(), "the directory is missing"),
    ])
}

fn hosts(machine: &Machine) -> CheckResult {
    let wanted =
        format!("{HOSTS}# BEGIN productive-k3s\n10.11.12.13 registry.e2e.test\n# END productive-k3s\n");
    equal(&machine.read("/etc/hosts"), &wanted)
}
