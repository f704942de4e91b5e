//! The tier against a real API server: etcd, kube-apiserver and kube-controller-manager on loopback. The program runs on
//! a disposable copy of this machine, where `k3s kubectl` is a kubectl that asks this server.
//!
//! Kubelets and cert-manager are simulated on the objects themselves: what is tested is what the program reads from and
//! writes to a server with real validation, defaults, field ownership and garbage collection, which no stand-in has.

mod api;
mod apply;
mod build;
mod cluster;
mod faults;
mod fixtures;
mod rollback;
mod setup;
mod simulation;

use std::time::Duration;

use serde_json::json;
use tests::eventually;

use crate::cache::{Cache, Scratch, Subject};
use crate::transcript::{Skip, Transcript};
use api::Api;
use cluster::{Cluster, kubeconfig_of};
use setup::{ApiSetup, HostCopy};
use simulation::{NODE, Simulation};

/// Builds the cluster's programs.
pub(crate) fn prepare(cache: &Cache, transcript: &mut Transcript) -> Result<(), Skip> {
    build::prepare(cache, transcript)
}

/// Runs the tier.
pub(crate) fn run(
    cache: &Cache,
    scratch: &Scratch,
    subject: &Subject,
    transcript: &mut Transcript,
) -> anyhow::Result<()> {
    transcript.part("A cluster");
    let cluster = Cluster::start(cache, scratch)?;
    transcript.note("etcd, kube-apiserver and kube-controller-manager are ready");
    fixtures::share(scratch, &build::program(cache, "kubectl"))?;
    let machine = HostCopy::make(scratch)?;
    fixtures::equip(&machine, &kubeconfig_of(&cluster.api.url()))?;
    like_k3s(&cluster.api)?;
    let _world = Simulation::start(cluster.api.clone());
    transcript.note("a copy of this machine, and what k3s itself has in its cluster");
    let setup = ApiSetup { cluster, machine, subject };
    faults::foreign_workload(&setup, transcript)?;
    apply::run(&setup, transcript)?;
    faults::no_answer(&setup, transcript)?;
    rollback::run(&setup, transcript)
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
        eventually(Duration::from_secs(20), || api.create(charts, &traefik).is_ok()),
        "the definitions are not served"
    );
    Ok(())
}
