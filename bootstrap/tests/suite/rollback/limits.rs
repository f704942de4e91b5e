//! Records that no run wrote: each component takes back only what it could have made, whatever the record says.

use manifest::{FormerMode, PreviousFile};

use super::*;
use bootstrap::component::{COMPONENTS, spec_of};

/// A file that a record could name to have it removed or replaced, as it lies on the stub host.
const TARGET: &str = "/etc/passwd";

fn file(path: &str) -> Undo {
    Undo::file(Path::new(path), b"as it was", PreviousFile::Absent)
}

fn directory(path: &str) -> Undo {
    Undo::Directory { path: path.into() }
}

fn line(path: &str, line: &str) -> Undo {
    Undo::Line { path: path.into(), line: line.to_owned() }
}

fn block(path: &str, marker: &str, previous: Option<&str>) -> Undo {
    let (sha256, previous) = (manifest::sha256_hex(b""), previous.map(str::to_owned));
    Undo::LineBlock { path: path.into(), marker: marker.to_owned(), sha256, previous, former_mode: None }
}

/// A block in a file that had this mode.
fn closed(path: &str, mode: u32) -> Undo {
    let (marker, sha256) = ("productive-k3s".to_owned(), manifest::sha256_hex(b""));
    let former_mode = Some(FormerMode { mode, rest_sha256: manifest::sha256_hex(b"") });
    Undo::LineBlock { path: path.into(), marker, sha256, previous: None, former_mode }
}

fn object(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Undo {
    Undo::Object {
        api_version: api_version.to_owned(),
        object_kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
        uid: Some("u".to_owned()),
    }
}

fn release(namespace: &str, name: &str) -> Undo {
    Undo::HelmRelease { release: name.to_owned(), namespace: namespace.to_owned(), revision: Some(1) }
}

fn package(name: &str) -> Undo {
    Undo::Package { name: name.to_owned() }
}

fn service(name: &str) -> Undo {
    Undo::Service { name: name.to_owned() }
}

fn class(to: &str) -> Undo {
    Undo::DefaultStorageClass { from: None, to: to.to_owned() }
}

/// What each component makes.
fn own(component: Component) -> Vec<Undo> {
    match component {
        Component::K3s => vec![
            file("/usr/local/bin/k3s"),
            file("/etc/rancher/k3s/agent-token"),
            file("/var/lib/rancher/k3s/agent/images/k3s-airgap-images-amd64.tar.zst"),
            directory("/var/lib/rancher"),
            directory("/etc/rancher/k3s"),
        ],
        Component::Helm => vec![file("/usr/local/bin/helm")],
        Component::CertManager => vec![
            object("v1", "Namespace", None, "cert-manager"),
            object("apps/v1", "Deployment", Some("cert-manager"), "cert-manager"),
            object(
                "rbac.authorization.k8s.io/v1",
                "Role",
                Some("kube-system"),
                "cert-manager:leaderelection",
            ),
            object(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                None,
                "orders.acme.cert-manager.io",
            ),
        ],
        Component::Clusterissuer => vec![
            object("cert-manager.io/v1", "ClusterIssuer", None, "selfsigned"),
            object("cert-manager.io/v1", "ClusterIssuer", None, "selfsigned-root"),
            object("cert-manager.io/v1", "Certificate", Some("cert-manager"), "productive-k3s-root-ca"),
        ],
        Component::Longhorn => vec![
            package("open-iscsi"),
            package("nfs-common"),
            file("/var/lib/rancher/k3s/server/manifests/local-storage.yaml.skip"),
            file("/var/lib/rancher/k3s/agent/images/longhorn-images-v1.11.3-amd64.tar.zst"),
            service("iscsid"),
            directory("/data/longhorn"),
            release("longhorn-system", "longhorn"),
            object("storage.k8s.io/v1", "StorageClass", None, "longhorn-single"),
            class("longhorn"),
        ],
        Component::Rancher => vec![release("cattle-system", "rancher")],
        Component::Registry => of_the_registry(),
        Component::Nfs => vec![
            package("nfs-kernel-server"),
            Undo::Service { name: "nfs-server".to_owned() },
            directory("/srv/nfs"),
            line("/etc/exports", "/srv/nfs/k8s-share 10.0.0.0/24(rw,sync)"),
        ],
        Component::LocalHosts => vec![
            block("/etc/hosts", "productive-k3s", None),
            block("/etc/hosts", "productive-k3s", Some("# BEGIN productive-k3s\n# END productive-k3s\n")),
        ],
        Component::DockerRegistryTrust => vec![
            file("/etc/docker/certs.d/registry.example.local/ca.crt"),
            directory("/etc/docker"),
            directory("/etc/docker/certs.d/registry.example.local"),
        ],
    }
}

fn of_the_registry() -> Vec<Undo> {
    vec![
        object("v1", "Namespace", None, "registry"),
        object("v1", "Secret", Some("registry"), "registry-htpasswd"),
        object("helm.cattle.io/v1", "HelmChartConfig", Some("kube-system"), "traefik"),
        file("/etc/rancher/k3s/registries.yaml"),
        file("/etc/rancher/k3s/registry-ca.crt"),
        Undo::file(Path::new("/etc/rancher/k3s/registry-ca.crt"), b"x", text(0o644)),
        block("/etc/rancher/k3s/registries.yaml", "productive-k3s", None),
        closed("/etc/rancher/k3s/registries.yaml", 0o644),
        object("networking.k8s.io/v1", "Ingress", Some("registry"), "registry"),
    ]
}

fn text(mode: u32) -> PreviousFile {
    PreviousFile::Text { content: "#!/bin/sh\n".to_owned(), mode }
}

/// What none of them makes.
fn of_nobody() -> Vec<Undo> {
    let setuid = text(0o4755);
    vec![
        file(TARGET),
        file("/usr/local/bin/k3s/../helm2"),
        file("/etc/docker/certs.d/ca.crt"),
        file("/etc/docker/certs.d/../ca.crt"),
        file("/etc/docker/certs.d/a/b/ca.crt"),
        file("/etc/docker/certs.d/a/client.key"),
        Undo::file(Path::new("/etc/docker/certs.d/a/ca.crt"), b"x", setuid.clone()),
        Undo::file(Path::new("/etc/rancher/k3s/registry-ca.crt"), b"x", setuid),
        Undo::file(Path::new("/etc/rancher/k3s/registries.yaml"), b"x", text(0o644)),
        file("/var/lib/rancher/k3s/agent/images/other.tar"),
        directory("/"),
        directory("/etc"),
        directory("/etc/cron.d"),
        directory("/root/empty"),
        directory("/srv/../etc/cron.d"),
        line("/etc/passwd", "root:x:0:0::/root:/bin/sh"),
        line("/etc/exports", "/etc 10.0.0.0/24(rw)"),
        line("/etc/exports", "/srv/a 10.0.0.0/24(rw) 10.1.0.0/24(rw)"),
        line("/etc/hosts", "/srv/a 10.0.0.0/24(rw)"),
        block("/etc/passwd", "productive-k3s", None),
        block("/etc/hosts", "other", None),
        closed("/etc/rancher/k3s/registries.yaml", 0o4755),
        closed("/etc/hosts", 0o666),
        block("/etc/hosts", "productive-k3s", Some("10.0.0.1 bank.example\n")),
        object("v1", "Namespace", None, "kube-system"),
        object("v1", "Secret", Some("kube-system"), "cert-manager"),
        object("v1", "Secret", Some("registry"), "other"),
        object("apps/v1", "Deployment", Some("shop"), "registry"),
        object("cert-manager.io/v1", "ClusterIssuer", None, "theirs"),
        object("storage.k8s.io/v1", "StorageClass", None, "local-path"),
        release("shop", "longhorn"),
        release("cattle-system", "other"),
        package("openssh-server"),
        service("ssh"),
        class("local-path"),
    ]
}

#[test]
fn each_component_makes_its_own_and_nothing_of_the_others() {
    let all: Vec<Component> = COMPONENTS.iter().map(|spec| spec.id()).collect();
    for component in &all {
        let could = |undo: &Undo| spec_of(*component).could_make(undo);
        // Undos do not show what they hold, so their number in the list does.
        for (index, undo) in own(*component).iter().enumerate() {
            assert!(could(undo), "{component} makes number {index} of its own");
        }
        for (index, undo) in of_nobody().iter().enumerate() {
            assert!(!could(undo), "{component} does not make number {index}");
        }
        for other in all.iter().filter(|other| *other != component) {
            for (index, undo) in own(*other).iter().enumerate() {
                // Folders for data lie where the operator says, so that those of the two that have some are alike.
                let is_data = matches!(undo, Undo::Directory { path } if !path.starts_with("/etc"));
                assert!(is_data || !could(undo), "{component} does not make number {index} of {other}");
            }
        }
    }
}

#[test]
fn a_record_that_names_what_no_run_makes_changes_nothing() {
    for component in COMPONENTS.iter().map(|spec| spec.id()) {
        let stub = StubHost::fresh().with_server();
        stub.put(TARGET, "as it was");
        stub.put("/etc/docker/certs.d/ca.crt", "as it was");
        stub.put("/etc/exports", "/etc 10.0.0.0/24(rw)\n");
        std::fs::create_dir_all(stub.path("/etc/cron.d")).expect("made");
        let before = tree(&stub);
        let context = record_of(of_nobody().into_iter().map(|undo| (component, undo)));
        let (plan, results) = roll_back(&stub, &context);
        assert!(results.is_empty(), "{component}: {results:?}");
        unchanged(&stub, &before);
        assert!(!plan.items.is_empty(), "{component}: the operator is told");
        for item in &plan.items {
            assert_eq!(item.state, ItemState::Manual, "{component}");
            assert!(item.inspect.starts_with("less bootstrap-"), "{component}: {}", item.inspect);
        }
    }
}

/// A name that would run as a command where the operator pastes it is in none that is shown.
#[test]
fn no_command_that_is_shown_holds_a_name_that_no_run_made() {
    let evil = "/srv/a;$(reboot)";
    let undos = [file(evil), line(evil, "x"), block(evil, "$(reboot)", None), package("x;reboot")];
    let context = record_of(undos.into_iter().map(|undo| (Component::Nfs, undo)));
    let plan = planned(&StubHost::fresh(), &context, Include::Moderate);
    assert!(plan.items.iter().all(|item| !item.inspect.contains("reboot")), "{:#?}", plan.items);
}
