//! The program against a real API server: etcd, kube-apiserver and kube-controller-manager on loopback. The program runs
//! on a disposable copy of this machine, where `k3s kubectl` is a kubectl that asks this server.

mod api;
mod apply;
mod build;
mod cluster;
mod copy;
mod faults;
mod fixtures;
mod rollback;
mod world;

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::Skip;
use super::cache::{Cache, Work};
use super::machine::{Finished, RUNS};
use super::report::Report;
use super::subject::Subject;
use api::Api;
use cluster::{Cluster, kubeconfig_of};
use copy::Copy;
use world::{NODE, World};

/// The arguments of the run, apart from the consents.
const RUN: [&str; 23] = [
    "run",
    "--mode",
    "single-node",
    "--domain",
    "e2e.test",
    "--artifacts-dir",
    "/e2e/artifacts",
    "--runs-dir",
    RUNS,
    "--nfs-manage",
    "false",
    "--longhorn-data-path",
    "/state/longhorn",
    "--longhorn-make-default",
    "true",
    "--registry-auth",
    "true",
    "--registry-user",
    "e2e",
    "--registry-password-file",
    "/e2e/password",
    "--color",
    "never",
];

/// The hosts file before the run.
const HOSTS: &str = "127.0.0.1\tlocalhost\n";

/// What is looked at to tell whether anything in the cluster has changed.
const PATHS: [&str; 14] = [
    "/api/v1/namespaces",
    "/api/v1/secrets",
    "/api/v1/services",
    "/api/v1/configmaps",
    "/api/v1/serviceaccounts",
    "/api/v1/persistentvolumeclaims",
    "/apis/apps/v1/deployments",
    "/apis/networking.k8s.io/v1/ingresses",
    "/apis/storage.k8s.io/v1/storageclasses",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    "/apis/cert-manager.io/v1/clusterissuers",
    "/apis/cert-manager.io/v1/certificates",
    "/apis/helm.cattle.io/v1/helmcharts",
];

/// Builds the cluster's programs.
pub(super) fn prepare(cache: &Cache, report: &mut Report) -> Result<(), Skip> {
    build::prepare(cache, report)
}

/// Runs the tier.
pub(super) fn run(cache: &Cache, work: &Work, subject: &Subject, report: &mut Report) -> anyhow::Result<()> {
    report.part("A cluster");
    let cluster = Cluster::start(cache, work)?;
    report.note("etcd, kube-apiserver and kube-controller-manager are ready");
    fixtures::share(work, &build::program(cache, "kubectl"))?;
    let machine = Copy::make(work)?;
    fixtures::equip(&machine, &kubeconfig_of(&cluster.api.url()))?;
    like_k3s(&cluster.api)?;
    let _world = World::start(cluster.api.clone());
    report.note("a copy of this machine, and what k3s itself has in its cluster");
    let test = Test { cluster, machine, subject };
    faults::foreign_workload(&test, report)?;
    apply::run(&test, report)?;
    faults::no_answer(&test, report)?;
    rollback::run(&test, report)
}

/// What every part needs.
struct Test<'a> {
    cluster: Cluster,
    machine: Copy,
    subject: &'a Subject,
}

impl Test<'_> {
    fn api(&self) -> &Api {
        &self.cluster.api
    }

    /// The run, with the plan and the warnings accepted.
    fn run(&self, more: &[&str]) -> anyhow::Result<Finished> {
        self.call(&[&RUN[..], &["--yes", "--accept-warnings"], more].concat())
    }

    /// The resource version of every object, once the controllers have nothing left to write.
    fn settled(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut versions = self.api().versions(&PATHS)?;
        for _ in 0..30 {
            thread::sleep(Duration::from_secs(1));
            let now = self.api().versions(&PATHS)?;
            if std::mem::replace(&mut versions, now.clone()) == now {
                return Ok(now);
            }
        }
        anyhow::bail!("the cluster does not come to rest")
    }

    fn call(&self, arguments: &[&str]) -> anyhow::Result<Finished> {
        self.machine.bootstrap(self.subject, arguments)
    }
}

/// What k3s itself brings along: a node, its own definitions with an object, and a default storage class.
fn like_k3s(api: &Api) -> anyhow::Result<()> {
    const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": NODE } });
    api.create("/api/v1/nodes", &node)?;
    let ready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
    api.merge(&format!("/api/v1/nodes/{NODE}/status"), &ready)?;
    api.create(DEFINITIONS, &fixtures::definition("Addon", "addons", "k3s.cattle.io", "v1", "Namespaced"))?;
    api.create(
        DEFINITIONS,
        &fixtures::definition("HelmChart", "helmcharts", "helm.cattle.io", "v1", "Namespaced"),
    )?;
    let class = json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "rancher.io/local-path",
        "metadata": { "name": "local-path", "annotations": { "storageclass.kubernetes.io/is-default-class": "true" } } });
    api.create("/apis/storage.k8s.io/v1/storageclasses", &class)?;
    let traefik =
        json!({ "apiVersion": "helm.cattle.io/v1", "kind": "HelmChart", "metadata": { "name": "traefik" } });
    let charts = "/apis/helm.cattle.io/v1/namespaces/kube-system/helmcharts";
    anyhow::ensure!(
        super::process::eventually(Duration::from_secs(20), || api.create(charts, &traefik).is_ok()),
        "the definitions are not served"
    );
    Ok(())
}
