//! What every part of the tier has: a cluster, the program, and a disposable copy of this machine to run it on.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::api::Api;
use super::cluster::Cluster;
use crate::cache::{SHARED, Scratch, Subject};
use crate::machine::{CallResult, Machine, RUNS};
use crate::process::Daemon;

/// The arguments of the run, apart from the consents.
pub(crate) const RUN: [&str; 23] = [
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

/// What is looked at to tell whether anything in the cluster has changed.
pub(crate) const PATHS: [&str; 14] = [
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

/// What every part needs.
pub(crate) struct ApiSetup<'a> {
    /// The cluster.
    pub(crate) cluster: Cluster,
    /// Where the program runs.
    pub(crate) machine: HostCopy,
    /// The program that is tested.
    pub(crate) subject: &'a Subject,
}

impl ApiSetup<'_> {
    /// The API server.
    pub(crate) fn api(&self) -> &Api {
        &self.cluster.api
    }

    /// The run, with the plan and the warnings accepted.
    pub(crate) fn run(&self, more: &[&str]) -> anyhow::Result<CallResult> {
        self.call(&[&RUN[..], &["--yes", "--accept-warnings"], more].concat())
    }

    /// The resource version of every object, once the controllers have nothing left to write.
    pub(crate) fn settled(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut versions = self.api().versions(&PATHS)?;
        // Two equal readings one second apart: controllers write in bursts, and none says when it is done.
        for _ in 0..30 {
            thread::sleep(Duration::from_secs(1));
            let now = self.api().versions(&PATHS)?;
            if std::mem::replace(&mut versions, now.clone()) == now {
                return Ok(now);
            }
        }
        anyhow::bail!("the cluster does not come to rest")
    }

    /// Runs the program with these arguments alone.
    pub(crate) fn call(&self, arguments: &[&str]) -> anyhow::Result<CallResult> {
        self.machine.bootstrap(self.subject, arguments)
    }
}

/// The copy, which is there until this value goes: its mounts go with the process that holds them.
pub(crate) struct HostCopy {
    _holder: Daemon,
    machine: Machine,
}

impl HostCopy {
    /// Makes it. Only its network is that of this machine.
    pub(crate) fn make(scratch: &Scratch) -> anyhow::Result<Self> {
        let directory = scratch.directory("copy")?;
        let script = scratch.path().join("overlay.sh");
        std::fs::write(&script, include_str!("fixtures/overlay.sh"))?;
        let prepare = |command: &mut Command| {
            command.args(["--mount", "sh"]).arg(&script).arg(&directory).arg(scratch.path()).arg(SHARED);
        };
        let mut holder = Daemon::start(Path::new("unshare"), prepare, &scratch.path().join("copy.log"))?;
        let name = format!("/proc/{}/comm", holder.pid());
        // The script ends by becoming `sleep`: once that is its name, all mounts are there.
        holder.until(20, || std::fs::read_to_string(&name).is_ok_and(|name| name.trim() == "sleep"))?;
        let machine = Machine::of(holder.pid(), &["--mount", "--root", "--wdns=/"]);
        Ok(Self { _holder: holder, machine })
    }
}

impl Deref for HostCopy {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}
