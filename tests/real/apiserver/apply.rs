//! Everything that a cluster gets, applied for real, and the same run again.

use serde_json::Value;

use super::fixtures::{HOSTS, PASSWORD};
use super::setup::{ApiSetup, PATHS};
use crate::machine::RUNS;
use crate::transcript::{CheckResult, Transcript, all, contains, equal, holds};

/// What the first run makes of each component.
const FIRST: [(&str, &str); 9] = [
    ("k3s", "reused"),
    ("helm", "reused"),
    ("cert_manager", "installed"),
    ("clusterissuer", "configured"),
    ("longhorn", "installed"),
    ("rancher", "installed"),
    ("registry", "installed"),
    ("local_hosts", "configured"),
    ("docker_registry_trust", "configured"),
];

/// The registry's objects.
const REGISTRY: [&str; 5] = [
    "/api/v1/namespaces/registry/persistentvolumeclaims/registry-data",
    "/api/v1/namespaces/registry/secrets/registry-htpasswd",
    "/apis/apps/v1/namespaces/registry/deployments/registry",
    "/api/v1/namespaces/registry/services/registry",
    "/apis/networking.k8s.io/v1/namespaces/registry/ingresses/registry",
];

const CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";

pub(crate) fn run(setup: &ApiSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("A run of all components against the API server");
    let api = setup.api();
    let first = setup.run(&[])?;
    transcript.check(
        &format!("the run ends with exit code 0 ({})", first.seconds()),
        holds(first.code == 0, first.text()),
    );
    anyhow::ensure!(first.code == 0, "nothing else can be tried without it");
    transcript.check("its manifest says what was installed and configured", results(setup, &FIRST));
    for path in REGISTRY.iter().chain(&["/apis/cert-manager.io/v1/clusterissuers/selfsigned"]) {
        transcript.check(&format!("{path} was applied by us"), applied(setup, path));
    }
    let claim = api.get(REGISTRY[0])?.unwrap_or_default();
    transcript.check(
        "the claim asks for 20Gi",
        equal(&claim["spec"]["resources"]["requests"]["storage"], &Value::from("20Gi")),
    );
    transcript.check(
        "longhorn-single is the only default storage class",
        equal(&defaults(setup)?, &vec!["longhorn-single".to_owned()]),
    );
    let hosts = format!(
        "{HOSTS}# BEGIN productive-k3s\n127.0.0.1 rancher.e2e.test\n127.0.0.1 registry.e2e.test\n# END productive-k3s\n"
    );
    transcript.check("both names are in the hosts file", equal(&setup.machine.read("/etc/hosts"), &hosts));
    transcript.check(
        "Docker trusts the certificate of the secret",
        contains(
            &setup.machine.read("/etc/docker/certs.d/registry.e2e.test/ca.crt"),
            &["e2e registry registry-tls"],
        ),
    );
    secrets(setup, &first.stdout, transcript);
    again(setup, transcript)?;
    half_done(setup, transcript)
}

fn secrets(setup: &ApiSetup<'_>, stdout: &str, transcript: &mut Transcript) {
    let values: Value =
        serde_json::from_str(&setup.machine.read("/state/helm/rancher.values")).unwrap_or_default();
    let made = values["bootstrapPassword"].as_str().unwrap_or("none").to_owned();
    transcript
        .check("Rancher's generated password is printed once", equal(&stdout.matches(&made).count(), &1));
    let calls = setup.machine.read("/state/calls");
    let results = [PASSWORD, &made].map(|secret| holds(!calls.contains(secret), "a password is in an argv"));
    transcript
        .check(&format!("no password is in the arguments of {} calls", calls.lines().count()), all(results));
    let found = setup.machine.sh(&format!("grep -rlF -e '{PASSWORD}' -e '{made}' -e '$2' {RUNS} || true"));
    transcript.check(
        "nor, hashed or plain, in any record or log",
        found.map_err(|error| error.to_string()).and_then(|found| equal(&found, &String::new())),
    );
}

fn again(setup: &ApiSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    let before = setup.settled()?;
    let second = setup.run(&[])?;
    transcript.check(
        &format!("the same run again ends with exit code 0 ({})", second.seconds()),
        holds(second.code == 0, second.text()),
    );
    transcript.check(
        "its manifest says reused of all",
        results(setup, &FIRST.map(|(component, _)| (component, "reused"))),
    );
    let after = setup.api().versions(&PATHS)?;
    transcript.check(
        &format!("the resource versions of {} objects are the same", after.len()),
        equal(&after, &before),
    );
    Ok(())
}

/// An object that was lost comes back, and its neighbours are not written anew.
fn half_done(setup: &ApiSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    let api = setup.api();
    api.delete(REGISTRY[3])?;
    let before = setup.settled()?;
    let third = setup.run(&[])?;
    transcript.check(
        "without the registry's service the run ends with exit code 0",
        holds(third.code == 0, third.text()),
    );
    transcript.check(
        "and says configured of the registry",
        results(setup, &[("registry", "configured"), ("rancher", "reused")]),
    );
    let after = api.versions(&PATHS)?;
    let changed = after.iter().filter(|(name, version)| before.get(*name) != Some(version));
    // This old server writes a namespace anew that is applied without any field but its name.
    let written =
        changed.map(|(name, _)| name.as_str()).filter(|name| !name.starts_with("/api/v1/namespaces "));
    let wanted = vec!["/api/v1/secrets registry/registry-htpasswd", "/api/v1/services registry/registry"];
    transcript.check(
        "the service was made anew and the logins salted anew, nothing else was written",
        equal(&written.collect::<Vec<_>>(), &wanted),
    );
    Ok(())
}

/// Holds if the last run was a success and said this of components.
pub(crate) fn results(setup: &ApiSetup<'_>, wanted: &[(&str, &str)]) -> CheckResult {
    let manifests = setup.machine.manifests();
    let key = |run: &&Value| run["started_at"].as_str().unwrap_or_default().to_owned();
    let last = manifests.values().max_by_key(key).cloned().unwrap_or_default();
    let fits = wanted.iter().all(|(component, result)| last["components"][component]["result"] == *result);
    holds(last["status"] == "success" && fits, format!("{last:#}"))
}

/// Names of the default storage classes.
pub(crate) fn defaults(setup: &ApiSetup<'_>) -> anyhow::Result<Vec<String>> {
    let marked = |class: &Value| {
        class["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
    };
    let classes = setup.api().list(CLASSES)?;
    Ok(classes
        .iter()
        .filter(|class| marked(class))
        .filter_map(|class| class["metadata"]["name"].as_str().map(str::to_owned))
        .collect())
}

fn applied(setup: &ApiSetup<'_>, path: &str) -> CheckResult {
    let object = setup.api().get(path).map_err(|error| error.to_string())?.ok_or("it is not there")?;
    let fields = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let ours =
        fields.iter().any(|entry| entry["manager"] == "productive-k3s" && entry["operation"] == "Apply");
    holds(ours, format!("{fields:#?}"))
}
