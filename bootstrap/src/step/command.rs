//! The commands that steps come down to. A dry run shows them, a run carries them out.

use std::time::Duration;

use super::action::HelmRelease;
use super::kube::{DEFAULT_CLASS, KUBECONFIG, kubectl};
use crate::host::{Command, Stdin};

/// The name by which the API server remembers which fields of an object are ours.
pub const FIELD_MANAGER: &str = "productive-k3s";

/// Package downloads on a slow line take less.
const PACKAGES: Duration = Duration::from_mins(15);

/// The largest artifact is a hundred megabytes.
const DOWNLOAD: Duration = Duration::from_mins(15);

/// A chart has this long to bring its pods up.
const CHART: Duration = Duration::from_mins(10);

/// Time on top of a command's own limit, so that it can say itself what it waited for.
const MARGIN: Duration = Duration::from_mins(1);

/// Gives the cluster the object on standard input, which is read as JSON.
pub(super) fn apply_object(object: Stdin) -> Command {
    let manager = format!("--field-manager={FIELD_MANAGER}");
    kubectl(["apply", "--server-side", &manager, "-o", "json", "-f", "-"])
        .as_root()
        .timeout(MARGIN)
        .withhold_output()
        .stdin(object)
}

/// Asks the API server, and through it every webhook, whether it would accept the object on standard input.
pub(super) fn dry_run_object(object: Stdin) -> Command {
    let manager = format!("--field-manager={FIELD_MANAGER}");
    kubectl(["apply", "--server-side", "--dry-run=server", &manager, "-o", "json", "-f", "-"])
        .as_root()
        .timeout(MARGIN)
        .withhold_output()
        .stdin(object)
}

/// Installs a chart or brings its release up to date, with the values on standard input. Its output repeats the values.
pub(super) fn helm_upgrade(helm: &HelmRelease, values: Stdin) -> Command {
    let chart = helm.chart.to_string_lossy();
    Command::new("helm")
        .args(["upgrade", "--install", &helm.release, &chart, "--namespace", &helm.namespace])
        .args(["--create-namespace", "--wait", "--timeout", &format!("{}s", CHART.as_secs())])
        .args(["--kubeconfig", KUBECONFIG, "--output", "json", "--values", "-"])
        .as_root()
        .withhold_output()
        .timeout(CHART + MARGIN)
        .stdin(values)
}

/// Refreshes the package lists, and installs packages without asking. unattended-upgrades holds the lock of dpkg for
/// minutes, and `apt-get` by itself fails at once then. For its other locks it has no such option: see `Executor::apt`.
pub(super) fn install_packages(packages: &[String]) -> [Command; 2] {
    let apt = |verb: &str| {
        let patient = ["-o", "DPkg::Lock::Timeout=300"];
        let apt = Command::new("apt-get").args([verb]).args(patient);
        apt.env("DEBIAN_FRONTEND", "noninteractive").as_root().timeout(PACKAGES)
    };
    let install = apt("install").args(["--yes", "--no-install-recommends", "--"]);
    [apt("update"), install.args(packages.iter().cloned())]
}

/// Enables a service and starts it.
pub(super) fn enable_service(name: &str) -> Command {
    Command::new("systemctl").args(["enable", "--now", name]).as_root().timeout(MARGIN)
}

/// Removes a secret of the cluster.
pub(super) fn delete_secret(namespace: &str, name: &str) -> Command {
    kubectl(["delete", "secret", "--namespace", namespace, name]).as_root().timeout(MARGIN)
}

/// Deletes the object at `path` of the API server, and only the one with this UID: the server itself refuses any other,
/// so that nobody can put another one in its place meanwhile.
pub(super) fn delete_object(path: &str, uid: &str) -> Command {
    let options = serde_json::json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": { "uid": uid },
        "propagationPolicy": "Background",
    });
    kubectl(["delete", "--raw", path, "-f", "-"])
        .as_root()
        .timeout(MARGIN)
        .withhold_output()
        .stdin(Stdin::Public(options.to_string()))
}

/// Names of the kinds of objects that live in namespaces, one a line.
pub fn namespaced_kinds() -> Command {
    kubectl(["api-resources", "--verbs=list", "--namespaced", "-o", "name"]).as_root().timeout(MARGIN)
}

/// All objects of `kinds`, separated by commas, in a namespace.
pub fn list_namespace(namespace: &str, kinds: &str) -> Command {
    kubectl(["get", kinds, "--namespace", namespace, "-o", "json"])
        .as_root()
        .timeout(MARGIN)
        .withhold_output()
}

/// Sets a setting of Longhorn.
pub(super) fn longhorn_setting(namespace: &str, name: &str, value: &str) -> Command {
    let patch = serde_json::json!({ "value": value }).to_string();
    kubectl([
        "patch",
        "settings.longhorn.io",
        name,
        "--namespace",
        namespace,
        "--type=merge",
        "--patch",
        &patch,
    ])
    .as_root()
    .timeout(MARGIN)
}

/// Removes a release and waits until its objects are gone.
pub(super) fn helm_uninstall(namespace: &str, release: &str) -> Command {
    Command::new("helm")
        .args(["uninstall", release, "--namespace", namespace, "--kubeconfig", KUBECONFIG])
        .args(["--wait", "--timeout", &format!("{}s", CHART.as_secs())])
        .as_root()
        .timeout(CHART + MARGIN)
}

/// Brings what is at an `https` URL to standard output. Redirections may only lead to `https` again, and nobody's
/// `.curlrc` counts: `--disable` does that only as the first argument.
pub(super) fn download(url: &str) -> Command {
    Command::new("curl")
        .args(["--disable", "--fail", "--location", "--proto", "=https", "--proto-redir", "=https"])
        .args(["--silent", "--show-error", "--retry", "3", "--connect-timeout", "20"])
        .args(["--max-time", &DOWNLOAD.as_secs().to_string()])
        .args(["--", url])
        .withhold_output()
        .timeout(DOWNLOAD + MARGIN)
}

/// Marks a storage class as the default one, or as not.
pub(super) fn default_class_patch(class: &str, default: bool) -> Command {
    let annotations = serde_json::json!({ DEFAULT_CLASS: default.to_string() });
    let patch = serde_json::json!({ "metadata": { "annotations": annotations } }).to_string();
    let manager = format!("--field-manager={FIELD_MANAGER}");
    kubectl(["patch", "storageclass", class, "--type=merge", &manager, "--patch", &patch])
        .as_root()
        .timeout(MARGIN)
}
