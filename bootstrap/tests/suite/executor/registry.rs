//! The registry as its clients see it: through Traefik, from Docker, and from k3s itself.

mod foreign;
mod logins;

use super::faults::only;
use super::*;
use bootstrap::settings::Tls;
use bootstrap::step::stored_text;
use manifest::Undo;

const CONFIG: &str = "stub/api/apis/helm.cattle.io/v1/namespaces/kube-system/helmchartconfigs/traefik.json";
const REGISTRIES: &str = "etc/rancher/k3s/registries.yaml";
pub(super) const INGRESS: &str =
    "stub/api/apis/networking.k8s.io/v1/namespaces/registry/ingresses/registry.json";
const DEPLOYMENT: &str = "stub/api/apis/apps/v1/namespaces/registry/deployments/registry.json";

const TRAEFIK: &str = "stub/api/apis/apps/v1/namespaces/kube-system/deployments/traefik.json";
const CERTIFICATE: &str = "stub/api/api/v1/namespaces/registry/secrets/registry-tls.json";
const LOGINS: &str = "stub/api/api/v1/namespaces/registry/secrets/registry-htpasswd.json";

/// The logins that the registry takes.
pub(super) fn htpasswd(stub: &StubHost) -> String {
    let secret = serde_json::from_str(&stub.text(LOGINS)).expect("JSON");
    stored_text(&secret, "htpasswd").expect("logins").expose().to_owned()
}

/// The limit is the operator's own in this cluster, with the time that Traefik is given.
fn with_limit_of_operator(stub: &StubHost, time: &str) {
    stub.put(
        CONFIG,
        format!(r#"{{"metadata":{{"name":"traefik"}},"spec":{{"valuesContent":"readTimeout: {time}"}}}}"#),
    );
    let argument = format!("--entrypoints.websecure.transport.respondingtimeouts.readTimeout={time}");
    let deployment = format!(
        r#"{{"spec":{{"replicas":1,"template":{{"spec":{{"containers":[{{"args":["{argument}"]}}]}}}}}},
        "status":{{"replicas":1,"updatedReplicas":1,"availableReplicas":1}}}}"#
    );
    stub.put(TRAEFIK, deployment);
}

fn with_issuer() -> StubHost {
    let stub = StubHost::fresh().with_server().with_kinds_of_cert_manager();
    run(&stub, &only(Component::Clusterissuer)).results();
    stub
}

#[test]
fn a_push_that_takes_longer_than_a_minute_goes_through_and_leaves_nothing() {
    let stub = with_issuer();
    run(&stub, &only(Component::Registry)).results();
    assert!(stub.text(CONFIG).contains("readTimeout: 3600s"));
    let curls: Vec<String> = stub.calls().into_iter().filter(|call| call.starts_with("curl")).collect();
    let find = |method: &str| curls.iter().find(|call| call.contains(&format!("[--request] [{method}]")));
    let patch = find("PATCH").expect("a body");
    assert!(patch.contains("[--limit-rate] [240K]") && patch.contains("[--noproxy] [*]"), "{patch}");
    assert!(find("DELETE").is_some(), "the upload is cancelled");
    assert!(curls.iter().all(|call| !call.contains(SECRETS[1])));
    assert!(!stub.staging().join("registry-blob").exists());
}

#[test]
fn a_push_that_traefik_ends_is_no_installed_registry() {
    let stub = with_issuer();
    with_limit_of_operator(&stub, "60s");
    let ran = run(&stub, &only(Component::Registry));
    assert_eq!(ran.failure().reason, FailureReason::VerificationFailed);
    assert!(ran.failure().tail.concat().contains("INTERNAL_ERROR"), "{:?}", ran.failure());
    assert!(!stub.text(CONFIG).contains("3600s"), "what others configured stays");
}

#[test]
fn somebody_elses_configuration_of_traefik_is_told_of_before_anything_is_changed() {
    let stub = with_issuer();
    stub.put(CONFIG, r#"{"metadata":{"name":"traefik"},"spec":{"valuesContent":"logs: {}"}}"#);
    let (host, settings) = (stub.host(), only(Component::Registry));
    let probe = component::Probe::new(&host, &settings);
    let findings = component::spec_of(Component::Registry).preflight(&probe);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.severity, component::Severity::Failed);
    assert!(finding.help.as_ref().is_some_and(|fix| fix.contains("readTimeout: 3600s")), "{finding:?}");
}

#[test]
fn k3s_gets_to_know_the_registry_and_others_entries_stay() {
    let theirs = "mirrors:\n  docker.io:\n    endpoint: [https://mirror]\nconfigs:\n  mirror:\n    tls: {}\n";
    for before in [None, Some(theirs)] {
        let stub = with_issuer();
        if let Some(before) = before {
            stub.put(REGISTRIES, before);
        }
        let settings = only(Component::Registry);
        run(&stub, &settings).results();
        let text = stub.text(REGISTRIES);
        let found: serde_json::Value = serde_saphyr::from_str(&text).expect("YAML");
        let entry = &found["configs"]["registry.example.local"];
        assert_eq!(entry["tls"]["ca_file"], "/etc/rancher/k3s/registry-ca.crt");
        assert_eq!(
            (&entry["auth"]["username"], &entry["auth"]["password"]),
            (&"pusher".into(), &SECRETS[1].into())
        );
        assert_eq!(stub.text("etc/rancher/k3s/registry-ca.crt"), "certificate\n");
        for line in before.unwrap_or_default().lines() {
            assert!(text.lines().any(|found| found == line), "{line} is gone: {text}");
        }
        assert!(!stub.log().contains(SECRETS[1]));
        let again = run(&stub, &settings);
        assert!(again.changed.is_empty(), "{:?}", again.changed);
    }
}

/// Whoever can read it could push, and what others pull would be theirs.
#[test]
fn a_password_is_in_no_file_that_others_can_read() {
    let stub = with_issuer();
    stub.put(REGISTRIES, "mirrors: {}\n");
    stub.set_mode(REGISTRIES, 0o644);
    let settings = only(Component::Registry);
    run(&stub, &without_login()).results();
    assert_eq!(stub.mode(REGISTRIES), 0o644, "there is nothing to hide");
    stub.put(REGISTRIES, "mirrors: {}\n");
    let ran = run(&stub, &settings);
    let is_known = |undo: &Undo| matches!(undo, Undo::LineBlock { former_mode: Some(former), .. } if former.mode == 0o644);
    assert!(ran.journal.steps().iter().any(|step| is_known(&step.undo)), "a rollback can put it back");
    ran.results();
    assert!(stub.text(REGISTRIES).contains(SECRETS[1]));
    assert_eq!(stub.mode(REGISTRIES), 0o600);

    // Opened since by somebody who did not think of the password, and with nothing to be added.
    stub.set_mode(REGISTRIES, 0o640);
    std::fs::remove_file(stub.path("stub/api/api/v1/namespaces/registry/services/registry.json"))
        .expect("it was there");
    run(&stub, &settings).results();
    assert_eq!(stub.mode(REGISTRIES), 0o600);
}

#[test]
fn a_registries_file_that_k3s_could_not_read_is_not_written_to() {
    let stub = with_issuer();
    stub.put(REGISTRIES, "configs: {mirror: {}}\n");
    let ran = run(&stub, &only(Component::Registry));
    assert!(ran.failure().message.contains("configs"), "{}", ran.failure().message);
    assert!(
        ran.failure()
            .hint
            .as_deref()
            .is_some_and(|hint| hint.contains("ca_file") && !hint.contains(SECRETS[1]))
    );
    assert_eq!(stub.text(REGISTRIES), "configs: {mirror: {}}\n");
}

/// Where everybody trusts the certificate and nobody has to log in, k3s is told nothing that would show that all is done.
#[test]
fn a_registry_that_nobody_could_reach_is_not_reused() {
    let stub = with_issuer();
    let traefik = stub.text(TRAEFIK);
    let mut settings = without_login();
    settings.tls = lets_encrypt();
    with_limit_of_operator(&stub, "60s");
    for _ in 0..2 {
        let ran = run(&stub, &settings);
        assert!(ran.failure().tail.concat().contains("INTERNAL_ERROR"), "{:?}", ran.failure());
    }
    // The operator takes the own limit away.
    std::fs::remove_file(stub.path(CONFIG)).expect("was there");
    stub.put(TRAEFIK, &traefik);
    let result = |ran: Ran| ran.results().into_iter().find(|(of, _)| *of == Component::Registry);
    let expected = |result| Some((Component::Registry, result));
    assert_eq!(result(run(&stub, &settings)), expected(ComponentResult::Configured));
    assert!(stub.text(CONFIG).contains("3600s"));
    assert_eq!(result(run(&stub, &settings)), expected(ComponentResult::Reused));
    let uncertified = stub.copied();
    std::fs::remove_file(uncertified.path(CERTIFICATE)).expect("was there");
    assert_eq!(run_in_vain(&uncertified, &settings).failure().step, "certificate of the registry");
}

/// Whatever certificate it has: Traefik is not ours to watch.
#[test]
fn a_registry_that_is_done_is_reused_whoever_configures_traefik_since() {
    let mut public = without_login();
    public.tls = lets_encrypt();
    for settings in [only(Component::Registry), public] {
        let stub = with_issuer();
        let traefik = stub.text(TRAEFIK);
        run(&stub, &settings).results();
        stub.put(CONFIG, r#"{"metadata":{"name":"traefik"},"spec":{"valuesContent":"logs: {}"}}"#);
        stub.put(TRAEFIK, &traefik);
        let host = stub.host();
        let probe = component::Probe::new(&host, &settings);
        assert_eq!(component::spec_of(Component::Registry).preflight(&probe), []);
        let registry = run(&stub, &settings).results().into_iter().find(|(of, _)| *of == Component::Registry);
        assert_eq!(registry, Some((Component::Registry, ComponentResult::Reused)));
    }
}

/// The entry for k3s is that of the first installation, and tells nothing of the second.
#[test]
fn a_registry_that_was_to_be_made_again_is_not_reused_half_done() {
    let mut public = without_login();
    public.tls = lets_encrypt();
    for settings in [only(Component::Registry), public] {
        let installed = with_issuer();
        run(&installed, &settings).results();
        // The way to another name or issuer that messages name.
        std::fs::remove_file(installed.path(INGRESS)).expect("was there");
        let registry = |ran: Ran| ran.results().into_iter().find(|(of, _)| *of == Component::Registry);
        let expected = |result| Some((Component::Registry, result));

        let stopped = installed.copied();
        let ran = run_with(&stopped, &settings, Records::default(), &|| stopped.path(INGRESS).exists());
        assert!(matches!(ran.result, Err(ExecutionError::Interrupted)), "{:?}", ran.result);
        assert_eq!(registry(run(&stopped, &settings)), expected(ComponentResult::Configured));
        assert_eq!(registry(run(&stopped, &settings)), expected(ComponentResult::Reused));

        with_limit_of_operator(&installed, "60s");
        for _ in 0..2 {
            let ran = run(&installed, &settings);
            assert!(ran.failure().tail.concat().contains("INTERNAL_ERROR"), "{:?}", ran.failure());
        }
    }
}

/// What those who use it would notice first.
#[test]
fn a_registry_that_is_there_keeps_its_name_its_login_and_its_issuer_whatever_a_run_asks_for() {
    let stub = with_issuer();
    run(&stub, &only(Component::Registry)).results();
    let before = tree(&stub);
    let refused = |settings: &Settings| {
        let ran = run(&stub, settings);
        assert!(tree(&stub) == before && ran.journal.steps().is_empty(), "{:?}", ran.failure());
        ran.failure().message.clone()
    };
    let mut other = only(Component::Registry);
    other.registry.host = "images.example.local".to_owned();
    let said = refused(&other);
    for part in
        ["registry.example.local", "images.example.local", "set registry.host", "delete ingress registry"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let said = refused(&without_login());
    assert!(said.contains("its login is required") && said.contains("registry.auth"), "{said}");
    let mut public = only(Component::Registry);
    public.tls = lets_encrypt();
    let said = refused(&public);
    assert!(said.contains("selfsigned") && said.contains("letsencrypt-staging"), "{said}");
    assert!(said.contains("set tls.mode"), "{said}");
    // The way out that the message names.
    std::fs::remove_file(stub.path(INGRESS)).expect("was there");
    run(&stub, &other).results();
    assert!(stub.text(REGISTRIES).contains("images.example.local"), "{}", stub.text(REGISTRIES));
    std::fs::remove_file(stub.path(DEPLOYMENT)).expect("was there");
    other.registry.auth = None;
    run(&stub, &other).results();
    assert!(!stub.text(DEPLOYMENT).contains("REGISTRY_AUTH") && !stub.text(REGISTRIES).contains("auth:"));
}

#[test]
fn a_host_that_lost_its_trust_in_the_registry_gets_it_back_and_the_registry_is_not_touched() {
    let stub = with_issuer();
    run(&stub, &only(Component::Registry)).results();
    std::fs::remove_file(stub.path(REGISTRIES)).expect("was there");
    stub.forget_calls();
    let ran = run(&stub, &only(Component::Registry));
    let changed = ran.changed.clone();
    ran.results();
    assert!(changed.iter().any(|step| step.contains("registries.yaml")), "{changed:?}");
    assert!(stub.text(REGISTRIES).contains(SECRETS[1]));
    let applies = |call: &&String| call.contains("[apply]");
    assert_eq!(stub.calls().iter().find(applies), None, "what is in the cluster stays");
}

fn without_login() -> Settings {
    let mut settings = only(Component::Registry);
    settings.registry.auth = None;
    settings
}

fn lets_encrypt() -> Tls {
    Tls::Letsencrypt {
        email: "admin@example.com".to_owned(),
        environment: schema::LetsencryptEnvironment::Staging,
    }
}
