//! What the machine and the artifacts directory hold: stand-ins for programs, and small releases of what is installed.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::cache::Scratch;
use crate::machine::Machine;
use crate::process;

/// The password of the registry's user.
pub(crate) const PASSWORD: &str = "e2e-Registry-Password-42";

/// The hosts file before the run.
pub(crate) const HOSTS: &str = "127.0.0.1\tlocalhost\n";

/// Programs of the machine that are played.
const STAND_INS: [(&str, &str); 4] = [
    ("k3s", include_str!("fixtures/k3s.sh")),
    ("systemctl", include_str!("fixtures/systemctl.sh")),
    ("dpkg-query", include_str!("fixtures/dpkg-query.sh")),
    ("helm", include_str!("fixtures/helm.sh")),
];

/// Puts the artifacts and the password into the scratch directory.
pub(crate) fn share(scratch: &Scratch, kubectl: &Path) -> anyhow::Result<()> {
    fs::copy(kubectl, scratch.path().join("kubectl"))?;
    let password = scratch.path().join("password");
    fs::write(&password, PASSWORD)?;
    process::output(Command::new("chmod").arg("600").arg(&password))?;
    let directory = scratch.directory("artifacts")?;
    let manifest: Vec<String> = cert_manager().iter().map(Value::to_string).collect();
    fs::write(directory.join("cert-manager.yaml"), manifest.join("\n---\n"))?;
    chart(scratch, "longhorn", "longhorn-1.11.3.tgz", &longhorn())?;
    chart(scratch, "rancher", "rancher-2.14.4.tgz", &rancher())?;
    // The program takes nothing from an artifacts directory without a checksum.
    let sums = process::output(Command::new("sh").args(["-c", "sha256sum *"]).current_dir(&directory))?;
    fs::write(directory.join("SHA256SUMS"), sums)?;
    Ok(())
}

/// Makes the machine one with an active k3s server, helm, and packages.
pub(crate) fn equip(machine: &Machine, kubeconfig: &str) -> anyhow::Result<()> {
    for (name, script) in STAND_INS {
        machine.write(&format!("/usr/local/bin/{name}"), script, 0o755)?;
    }
    machine.write("/etc/systemd/system/k3s.service", "", 0o644)?;
    machine.write("/etc/systemd/system/iscsid.service", "", 0o644)?;
    machine.write("/etc/hosts", HOSTS, 0o644)?;
    machine.write("/etc/rancher/k3s/k3s.yaml", kubeconfig, 0o600)
}

/// A definition of objects of one version, with a status of its own.
pub(crate) fn definition(kind: &str, plural: &str, group: &str, version: &str, scope: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "scope": scope,
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase() },
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
            }],
        },
    })
}

/// A deployment of one pod.
pub(crate) fn deployment(namespace: &str, name: &str) -> Value {
    let labels = json!({ "app": name });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "main", "image": "none.invalid/none" }] },
            },
        },
    })
}

/// A release of cert-manager with everything that is looked at, its definitions and webhook included.
fn cert_manager() -> Vec<Value> {
    const NAMESPACE: &str = "cert-manager";
    let webhook = "cert-manager-webhook";
    vec![
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } }),
        definition("ClusterIssuer", "clusterissuers", "cert-manager.io", "v1", "Cluster"),
        definition("Certificate", "certificates", "cert-manager.io", "v1", "Namespaced"),
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": NAMESPACE, "namespace": NAMESPACE } }),
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": webhook, "namespace": NAMESPACE },
            "spec": { "selector": { "app": webhook }, "ports": [{ "port": 443, "targetPort": 10250, "protocol": "TCP" }] } }),
        deployment(NAMESPACE, "cert-manager-cainjector"),
        deployment(NAMESPACE, "cert-manager"),
        deployment(NAMESPACE, webhook),
        json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": webhook }, "webhooks": [] }),
    ]
}

fn longhorn() -> Vec<Value> {
    vec![
        definition("Setting", "settings", "longhorn.io", "v1beta2", "Namespaced"),
        deployment("longhorn-system", "longhorn-driver-deployer"),
        json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": "longhorn" },
            "provisioner": "driver.longhorn.io" }),
    ]
}

fn rancher() -> Vec<Value> {
    let labels = json!({ "app": "rancher" });
    vec![
        deployment("cattle-system", "rancher"),
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "rancher", "namespace": "cattle-system" },
            "spec": { "selector": labels, "ports": [{ "port": 80 }] } }),
    ]
}

fn chart(scratch: &Scratch, name: &str, archive: &str, objects: &[Value]) -> anyhow::Result<()> {
    let directory = scratch.directory(name)?;
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    fs::write(directory.join("objects.json"), list.to_string())?;
    let mut tar = Command::new("tar");
    tar.args(["--create", "--gzip", "--file"]).arg(scratch.path().join("artifacts").join(archive));
    process::output(tar.arg("--directory").arg(&directory).arg("objects.json"))?;
    Ok(())
}
