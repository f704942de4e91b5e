//! What a run brought about, verified afterwards: all is well, and then one thing after another is not.

mod scene;
mod screens;

use serde_json::json;

use super::*;
use bootstrap::verify::VerifyOutcome::{self, Failed, Skipped, Unknown};
use bootstrap::verify::{VerifiedCheck, VerifyReport, verify};
use scene::*;

fn problems(report: &VerifyReport) -> Vec<&VerifiedCheck> {
    report.checks.iter().filter(|check| matches!(check.outcome, Failed | Unknown)).collect()
}

#[test]
fn what_a_run_installed_is_verified_and_nothing_is_changed() {
    let (stub, settings) = install();
    let before = tree(&stub);
    stub.forget_calls();
    let report = verify(&stub.host(), &settings, stub.history());
    assert_eq!(problems(&report), Vec::<&VerifiedCheck>::new());
    assert_eq!(report.problems(), 0);
    assert!(tree(&stub) == before, "a file was changed");
    let calls = stub.calls();
    let asks = |call: &String| {
        let questions = [
            "k3s [kubectl] [--request-timeout=15s] [get]",
            "systemctl [is-",
            "systemctl [show",
            "dpkg-query [--show]",
            "exportfs [-v]",
            "getent [hosts]",
            "helm [version]",
            "curl [--disable]",
            "docker ",
        ];
        questions.iter().any(|question| call.starts_with(question))
            || call.contains("[get] [--raw]")
            || call.contains("[--dry-run=server]")
            || call.contains("[--version]")
    };
    assert!(calls.iter().all(asks), "{:#?}", calls.iter().filter(|call| !asks(call)).collect::<Vec<_>>());
    let private = calls.join("\n") + &stub.text("stub/environments") + &format!("{report:?}");
    assert!(SECRETS.iter().all(|secret| !private.contains(secret)), "a secret is in an argument");
    let days =
        report.checks.iter().find(|check| check.check.contains("certificates of k3s")).expect("checked");
    assert!(
        days.evidence.as_deref().is_some_and(|told| told.ends_with("days, until 2999-01-01")),
        "{days:?}"
    );
}

/// What breaks the host, the component and a part of the check that tells, its outcome, and a part of the evidence.
type Case = (fn(&StubHost), Component, &'static str, VerifyOutcome, &'static str);

fn each_fails_in_turn(cases: &[Case]) {
    let (stub, settings) = install();
    for case in cases {
        fails(&stub.copied(), &settings, case);
    }
}

fn fails(stub: &StubHost, settings: &Settings, (breaks, component, check, outcome, evidence): &Case) {
    breaks(stub);
    let report = verify(&stub.host(), settings, stub.history());
    let found = problems(&report);
    let is_told = |found: &&&VerifiedCheck| {
        found.component == *component
            && found.check.contains(check)
            && found.outcome == *outcome
            && found.evidence.as_deref().unwrap_or_default().contains(evidence)
    };
    assert!(found.iter().any(|found| is_told(&found)), "{component} {check} {evidence}: {found:#?}");
}

const CLUSTER: &[Case] = &[
    (
        |stub| {
            let file = "stub/api/api/v1/nodes/node.json";
            stub.put(file, stub.text(file).replace(r#""status":"True""#, r#""status":"False""#));
        },
        Component::K3s,
        "the node of this host is Ready",
        Failed,
        "node",
    ),
    (
        |stub| stub.put("stub/services/k3s", "inactive\n"),
        Component::K3s,
        "service k3s is running",
        Failed,
        "service k3s is inactive (dead)",
    ),
    (
        |stub| stub.put("stub/api-fault", "Unable to connect to the server: net/http: TLS handshake timeout"),
        Component::K3s,
        "the API server answers",
        Unknown,
        "TLS handshake timeout",
    ),
    (
        |stub| pod(stub, "kube-system", "False"),
        Component::K3s,
        "kube-system has pods",
        Failed,
        "0 of 1 pods Ready",
    ),
    (
        |stub| class(stub, "lazy", true, "Immediate"),
        Component::K3s,
        "exactly one",
        Failed,
        "lazy, longhorn-single",
    ),
    (
        |stub| class(stub, "longhorn-single", false, "Immediate"),
        Component::K3s,
        "exactly one",
        Failed,
        "there is none",
    ),
    (
        |stub| claim(stub, "Lost", &json!({})),
        Component::K3s,
        "all claims are bound",
        Failed,
        "registry/registry-data is Lost",
    ),
    (
        |stub| claim(stub, "Pending", &json!({ "volume.kubernetes.io/selected-node": "node" })),
        Component::K3s,
        "all claims are bound",
        Failed,
        "registry/registry-data is Pending",
    ),
    (
        |stub| stub.put(SERVING, certificate(2020, 2021)),
        Component::K3s,
        "certificates of k3s",
        Failed,
        "expired on 2021-01-01",
    ),
    (
        |stub| stub.put(SERVING, certificate(2900, 2999)),
        Component::K3s,
        "certificates of k3s",
        Failed,
        "not valid before 2900-01-01",
    ),
    (
        |stub| stub.put(SERVING, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        Component::K3s,
        "certificates of k3s",
        Unknown,
        "holds no certificate",
    ),
    (
        |stub| {
            for path in [SERVING, "var/lib/rancher/k3s/agent/client-kubelet.crt"] {
                std::fs::remove_file(stub.path(path)).expect("was there");
            }
        },
        Component::K3s,
        "certificates of k3s",
        Failed,
        "there are none",
    ),
    (
        |stub| std::fs::remove_file(stub.path("usr/local/bin/helm")).expect("was there"),
        Component::Helm,
        "installed",
        Failed,
        "missing",
    ),
];

#[test]
fn each_check_of_the_cluster_fails_in_turn() {
    each_fails_in_turn(CLUSTER);
}

const STACK: &[Case] = &[
    (
        |stub| stopped(stub, "cert-manager", "cert-manager-webhook"),
        Component::CertManager,
        "available",
        Failed,
        "0 of 1 replicas",
    ),
    (
        |stub| issued(stub, &json!({ "notAfter": "2021-01-01T00:00:00Z" })),
        Component::CertManager,
        "certificates of cert-manager",
        Failed,
        "registry/registry-tls expired on 2021-01-01",
    ),
    (
        |stub| issued(stub, &json!({})),
        Component::CertManager,
        "certificates of cert-manager",
        Failed,
        "registry/registry-tls is not issued",
    ),
    (
        |stub| {
            let file = "stub/api/apis/cert-manager.io/v1/clusterissuers/selfsigned.json";
            stub.put(file, stub.text(file).replace(r#""status":"True""#, r#""status":"False""#));
        },
        Component::Clusterissuer,
        "is Ready",
        Failed,
        "condition Ready is False",
    ),
    (
        |stub| pod(stub, "longhorn-system", "False"),
        Component::Longhorn,
        "has pods",
        Failed,
        "0 of 1 pods Ready",
    ),
    (
        |stub| volume(stub, "attached", "degraded"),
        Component::Longhorn,
        "all volumes are healthy",
        Failed,
        "longhorn-system/pvc-1 is degraded",
    ),
    (
        |stub| volume(stub, "attached", "unknown"),
        Component::Longhorn,
        "all volumes are healthy",
        Failed,
        "is unknown",
    ),
    (
        |stub| stopped(stub, "cattle-system", "rancher"),
        Component::Rancher,
        "available",
        Failed,
        "0 of 1 replicas",
    ),
    (|stub| stub.answer(PING, 503, "", ""), Component::Rancher, "/ping answers", Failed, "status 503"),
    (
        |stub| stub.beside_answer(PING, "exit", "6 Could not resolve host: rancher.example.local"),
        Component::Rancher,
        "/ping answers",
        Failed,
        "does not resolve",
    ),
    (
        |stub| stub.put("stub/https.ca", "another\n"),
        Component::Rancher,
        "/ping answers",
        Failed,
        "certificate is not trusted",
    ),
    (
        |stub| stopped(stub, "registry", "registry"),
        Component::Registry,
        "available",
        Failed,
        "0 of 1 replicas",
    ),
    (|stub| stub.answer(V2, 404, "", ""), Component::Registry, "/v2/ answers", Failed, "status 404"),
];

#[test]
fn each_check_of_the_stack_fails_in_turn() {
    each_fails_in_turn(STACK);
}

const PUSH: &str = "accepts a push and a pull";
const REGISTRY: &[Case] = &[
    (
        |stub| stub.beside_answer(&format!("POST {UPLOADS}"), "login", "user = \"pusher:another\"\n"),
        Component::Registry,
        PUSH,
        Failed,
        "upload: status 401, the user or the password is wrong",
    ),
    (
        |stub| upload_at(stub, "https://elsewhere.test/v2/"),
        Component::Registry,
        PUSH,
        Failed,
        "to another server",
    ),
    (|stub| upload_at(stub, "//elsewhere.test/v2/"), Component::Registry, PUSH, Failed, "to another server"),
    (
        |stub| stub.answer(&blob_requests()[0], 413, "", ""),
        Component::Registry,
        PUSH,
        Failed,
        "push: status 413",
    ),
    (
        |stub| stub.answer(&blob_requests()[1], 404, "", ""),
        Component::Registry,
        PUSH,
        Failed,
        "pull: status 404",
    ),
    (
        |stub| stub.answer(&blob_requests()[1], 200, "", "other"),
        Component::Registry,
        PUSH,
        Failed,
        "is not the pushed one",
    ),
    (
        |stub| stub.beside_answer(&blob_requests()[0], "exit", "28 Operation timed out"),
        Component::Registry,
        PUSH,
        Failed,
        "did not answer",
    ),
];

#[test]
fn each_part_of_a_push_and_a_pull_fails_in_turn() {
    each_fails_in_turn(REGISTRY);
}

const HOST: &[Case] = &[
    (
        |stub| stub.put("var/lib/nfs/etab", ""),
        Component::Nfs,
        "installed",
        Failed,
        "the kernel does not export",
    ),
    (
        |stub| {
            let others = stub.text("etc/hosts").replace("rancher.example.local", "rancher.example.net");
            stub.put("etc/hosts", others);
        },
        Component::LocalHosts,
        "installed",
        Failed,
        "the block holds other lines",
    ),
    (
        |stub| stub.put("etc/docker/certs.d/registry.example.local/ca.crt", "old\n"),
        Component::DockerRegistryTrust,
        "installed",
        Failed,
        "the file holds another certificate",
    ),
];

#[test]
fn each_check_of_the_host_fails_in_turn() {
    each_fails_in_turn(HOST);
}

/// A host where nothing was installed is told so, and nothing more is asked of what is not there.
#[test]
fn what_is_missing_is_one_line_each() {
    let stub = StubHost::fresh();
    let report = verify(&stub.host(), &settings(Mode::SingleNode), stub.history());
    let found: Vec<(Component, VerifyOutcome)> =
        report.checks.iter().map(|check| (check.component, check.outcome)).collect();
    assert!(found.iter().all(|(_, outcome)| [Failed, Skipped].contains(outcome)), "{found:?}");
    assert!(found.len() <= 10, "{found:?}");
}

/// Without the password only the answer can be checked; that is no failure.
#[test]
fn a_push_without_a_password_is_skipped_and_a_waiting_claim_is_no_fault() {
    let (stub, mut settings) = install();
    settings.registry.auth.as_mut().expect("a login").password = Password::Generate;
    claim(&stub, "Pending", &json!({}));
    volume(&stub, "detached", "unknown");
    let report = verify(&stub.host(), &settings, stub.history());
    assert_eq!(problems(&report), Vec::<&VerifiedCheck>::new());
    let push = report.checks.iter().find(|check| check.check.contains(PUSH)).expect("listed");
    assert_eq!(push.outcome, Skipped);
    // A registry without a login takes a push from anybody.
    settings.registry.auth = None;
    let deployment = "stub/api/apis/apps/v1/namespaces/registry/deployments/registry.json";
    stub.put(deployment, stub.text(deployment).replace("REGISTRY_AUTH", "OTHER"));
    for request in blob_requests().iter().chain([&format!("POST {UPLOADS}")]) {
        stub.without_login(request);
    }
    let report = verify(&stub.host(), &settings, stub.history());
    let push = report.checks.iter().find(|check| check.check.contains(PUSH)).expect("listed");
    assert_eq!(push.outcome, VerifyOutcome::Ok);
}
