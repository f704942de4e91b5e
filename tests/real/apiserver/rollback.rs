//! Taking everything back, while others have used the cluster in between.

use std::time::Duration;

use serde_json::{Value, json};
use tests::eventually;

use super::apply::defaults;
use super::fixtures::HOSTS;
use super::setup::{ApiSetup, PATHS};
use crate::machine::{CallResult, RUNS};
use crate::transcript::{Transcript, contains, equal, holds};

const NAMESPACE: &str = "/api/v1/namespaces/registry";
const SERVICES: &str = "/api/v1/namespaces/cattle-system/services";
const ISSUER: &str = "/apis/cert-manager.io/v1/clusterissuers/selfsigned";

/// What the run brought, by what it belongs to.
const GONE: [(&str, &[&str]); 6] = [
    (
        "the registry, its volume, its logins, and the certificate that was issued for it",
        &[
            "/apis/apps/v1/namespaces/registry/deployments/registry",
            "/apis/networking.k8s.io/v1/namespaces/registry/ingresses/registry",
            "/api/v1/namespaces/registry/persistentvolumeclaims/registry-data",
            "/api/v1/namespaces/registry/secrets/registry-htpasswd",
            "/api/v1/namespaces/registry/secrets/registry-tls",
        ],
    ),
    ("the issuer", &[ISSUER]),
    (
        "cert-manager, its definitions and its namespace",
        &[
            "/apis/apps/v1/namespaces/cert-manager/deployments/cert-manager",
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/certificates.cert-manager.io",
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusterissuers.cert-manager.io",
            "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/cert-manager-webhook",
            "/api/v1/namespaces/cert-manager",
        ],
    ),
    ("Rancher", &["/apis/apps/v1/namespaces/cattle-system/deployments/rancher"]),
    (
        "Longhorn, after its deletion flag was set",
        &["/apis/apps/v1/namespaces/longhorn-system/deployments/longhorn-driver-deployer"],
    ),
    ("storage class longhorn-single", &["/apis/storage.k8s.io/v1/storageclasses/longhorn-single"]),
];

/// What is not the run's.
const KEPT: [(&str, &str); 7] = [
    ("the registry's service, which has another UID", "/api/v1/namespaces/registry/services/registry"),
    ("somebody else's object in the registry's namespace", "/api/v1/namespaces/registry/configmaps/theirs"),
    ("that namespace", NAMESPACE),
    ("somebody else's service in Rancher's namespace", "/api/v1/namespaces/cattle-system/services/theirs"),
    ("addons.k3s.cattle.io", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/addons.k3s.cattle.io"),
    (
        "helmcharts.helm.cattle.io",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/helmcharts.helm.cattle.io",
    ),
    ("the HelmChart of k3s", "/apis/helm.cattle.io/v1/namespaces/kube-system/helmcharts/traefik"),
];

pub(crate) fn run(setup: &ApiSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("Rolling the first run back, after others have used the cluster");
    let api = setup.api();
    let record = first_run(setup)?;
    others_were_here(setup)?;
    let before = setup.settled()?;
    let plan = rollback(setup, &record, &[])?;
    transcript.check(
        &format!("the plan ends with exit code 0 ({})", plan.seconds()),
        holds(plan.code == 0, plan.text()),
    );
    transcript.check("and has changed nothing", equal(&api.versions(&PATHS)?, &before));
    let safe = rollback(setup, &record, &["--apply", "--yes"])?;
    transcript.check(
        &format!("what is safe alone ends with exit code 0 ({})", safe.seconds()),
        holds(safe.code == 0, safe.text()),
    );
    transcript
        .check("the hosts file is as it was", equal(&setup.machine.read("/etc/hosts"), &HOSTS.to_owned()));
    transcript.check(
        "Docker's trust is gone, folders included",
        holds(!setup.machine.at("/etc/docker").exists(), "it is there"),
    );
    transcript
        .check("the issuer, of whom a certificate is left, is still there", there(setup, ISSUER, true)?);
    let all = rollback(setup, &record, &["--apply", "--yes", "--include", "moderate"])?;
    transcript.check(
        &format!("with what is moderate it ends with exit code 0 ({})", all.seconds()),
        holds(all.code == 0, all.text()),
    );
    after(setup, &all.text(), transcript)?;
    again(setup, &record, transcript)
}

/// The private context of the run that created the registry.
fn first_run(setup: &ApiSetup<'_>) -> anyhow::Result<String> {
    let created = |context: &Value| context["steps"].as_array().is_some_and(|steps| steps.len() > 10);
    let name = setup.machine.contexts().into_iter().find(|(_, context)| created(context));
    let (name, _) = name.ok_or_else(|| anyhow::anyhow!("no record has the steps of the first run"))?;
    Ok(format!("{RUNS}/bootstrap-{name}.json"))
}

/// The settings that Longhorn makes for itself, and what others have put beside ours. In the place of the first run's own
/// service is that of a later run already.
fn others_were_here(setup: &ApiSetup<'_>) -> anyhow::Result<()> {
    let api = setup.api();
    let flag = json!({ "apiVersion": "longhorn.io/v1beta2", "kind": "Setting", "value": "false",
        "metadata": { "name": "deleting-confirmation-flag" } });
    api.create("/apis/longhorn.io/v1beta2/namespaces/longhorn-system/settings", &flag)?;
    let theirs = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "theirs" }, "data": { "a": "b" } });
    api.create(&format!("{NAMESPACE}/configmaps"), &theirs)?;
    let neighbour = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "theirs" },
        "spec": { "ports": [{ "port": 80 }] } });
    api.create(SERVICES, &neighbour)?;
    Ok(())
}

fn after(setup: &ApiSetup<'_>, told: &str, transcript: &mut Transcript) -> anyhow::Result<()> {
    let api = setup.api();
    for (what, paths) in GONE {
        let left = |path: &&&str| !matches!(api.has(path), Ok(false));
        eventually(Duration::from_secs(30), || !paths.iter().any(|path| left(&path)));
        let left: Vec<&&str> = paths.iter().filter(left).collect();
        transcript.check(&format!("gone: {what}"), holds(left.is_empty(), format!("{left:?}\n{told}")));
    }
    for (what, path) in KEPT {
        transcript.check(&format!("kept: {what}"), there(setup, path, true)?);
    }
    transcript.check(
        "local-path is the default storage class again",
        equal(&defaults(setup)?, &vec!["local-path".to_owned()]),
    );
    let calls = setup.machine.read("/state/calls");
    // A namespace that does not go is told to the operator: forcing it leaves what its finalizers guard.
    let forced = calls.lines().filter(|call| call.contains("--force") || call.contains("finalize")).count();
    transcript.check("nothing was forced", equal(&forced, &0));
    Ok(())
}

/// What kept the namespace is taken away by its owners, and the same command goes on.
fn again(setup: &ApiSetup<'_>, record: &str, transcript: &mut Transcript) -> anyhow::Result<()> {
    let api = setup.api();
    api.delete(&format!("{NAMESPACE}/configmaps/theirs"))?;
    api.delete(&format!("{NAMESPACE}/services/registry"))?;
    let again = rollback(setup, record, &["--apply", "--yes", "--include", "moderate"])?;
    transcript.check(
        "with the foreign objects gone the same command ends with exit code 0",
        holds(again.code == 0, again.text()),
    );
    let gone = eventually(Duration::from_secs(30), || matches!(api.has(NAMESPACE), Ok(false)));
    transcript.check("and the namespace goes", holds(gone, again.text()));
    let last = rollback(setup, record, &["--json"])?;
    transcript.check("a last plan has nothing left to do", contains(&last.stdout, &["undone"]));
    Ok(())
}

fn rollback(setup: &ApiSetup<'_>, record: &str, more: &[&str]) -> anyhow::Result<CallResult> {
    setup.call(&[&["rollback", "--to", record][..], more].concat())
}

fn there(setup: &ApiSetup<'_>, path: &str, wanted: bool) -> anyhow::Result<Result<(), String>> {
    let is = setup.api().has(path)?;
    Ok(holds(is == wanted, format!("{path} is {}there", if is { "" } else { "not " })))
}
