//! What removing k3s by its own script takes away, and what it leaves. The program itself never removes a cluster.

use std::path::Path;

use manifest::{StepRecord, Undo};
use schema::Mode;

use super::super::is_on_the_way;
use super::layout::{BINARY, CONFIG, IMAGE_ARCHIVE, IMAGES, TOKEN, service};

/// What the script leaves, as seen after it.
const REMAINS: &str = "it leaves on this host: /var/lib/rancher (empty); /etc/rancher with node/password, to be kept if this \
    host is to join again under its name; /etc/cni/net.d; /var/log/pods and /var/log/containers; the kubepods cgroups; \
    net.ipv4.ip_forward=1; and iptables rules of flannel, which newer versions remove";

/// What is left of the node in a cluster that goes on without it.
const NODE: &str = "in the cluster it leaves the node, which says Ready for a while, and its password; on a server: \
    k3s kubectl delete node NAME; k3s kubectl -n kube-system delete secret NAME.node-password.k3s";

/// Directories that the script does not remove.
const KEPT: [&str; 2] = ["/etc/rancher", "/var/lib/rancher"];

/// Whether a run of this program could have made what `undo` takes back: a record that says otherwise was edited.
pub(super) fn could_make(undo: &Undo) -> bool {
    match undo {
        Undo::File { path, .. } => {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_images = path.parent() == Some(Path::new(IMAGES)) && name.starts_with(IMAGE_ARCHIVE);
            is_images || path == Path::new(BINARY) || path == Path::new(TOKEN)
        }
        Undo::Directory { path } => {
            is_on_the_way(path, "/var/lib/rancher", IMAGES) || is_on_the_way(path, "/etc/rancher", CONFIG)
        }
        Undo::Service { name } | Undo::ServiceUnit { name, .. } => {
            [Mode::Server, Mode::Agent].iter().any(|mode| name == service(*mode))
        }
        _ => false,
    }
}

/// How the operator takes back what `record` says.
pub(super) fn by_hand(record: &StepRecord) -> Option<String> {
    match &record.undo {
        Undo::ServiceUnit { name, .. } if name == service(Mode::Agent) => Some(format!(
            "if this host is to leave its cluster, run /usr/local/bin/k3s-agent-uninstall.sh; {REMAINS}. The cluster and its \
             data stay; {NODE}"
        )),
        Undo::ServiceUnit { .. } => Some(format!(
            "removing this server removes its cluster, if it is the only server, with all data that it holds; if that is wanted, \
             run /usr/local/bin/k3s-uninstall.sh; {REMAINS}. Where other servers go on, {NODE}"
        )),
        Undo::Service { name } => {
            Some(format!("the run enabled it; if it is not to start at boot: systemctl disable {name}"))
        }
        Undo::Directory { path } if KEPT.iter().any(|kept| path.as_os_str() == *kept) => {
            Some("the uninstall script of k3s leaves it; remove it when it is empty".to_owned())
        }
        Undo::File { .. } | Undo::Directory { .. } => {
            Some("the uninstall script of k3s removes it".to_owned())
        }
        _ => None,
    }
}
