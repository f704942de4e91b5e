//! A registry that somebody else installed, and what a run says of it.

use super::*;
use bootstrap::component::{Detection, Gap};

const CLAIM: &str = "stub/api/api/v1/namespaces/registry/persistentvolumeclaims/registry-data.json";
const AUTHORITY: &str = "etc/rancher/k3s/registry-ca.crt";

/// What the objects of the packages of the layers above have in place of ours.
const OTHERS: [(&str, &str, &str); 3] = [
    (
        DEPLOYMENT,
        r#""matchLabels":{"app.kubernetes.io/name":"registry"}"#,
        r#""matchLabels":{"app":"registry"}"#,
    ),
    (SERVICE, r#""selector":{"app.kubernetes.io/name":"registry"}"#, r#""selector":{"app":"registry"}"#),
    (INGRESS, r#""port":{"name":"http"}"#, r#""port":{"number":5000}"#),
];
const SERVICE: &str = "stub/api/api/v1/namespaces/registry/services/registry.json";
const MANAGED: &str = r#""managedFields":[{"manager":"kubectl-client-side-apply","operation":"Update"}]"#;

/// What is in the cluster, with one text in the place of another.
fn changed(stub: &StubHost, file: &str, from: &str, to: &str) {
    let text = stub.text(file);
    assert!(text.contains(from), "{text}");
    stub.put(file, text.replace(from, to));
}

fn refused(stub: &StubHost, settings: &Settings) -> String {
    let before = tree(stub);
    let ran = run(stub, settings);
    assert!(tree(stub) == before && ran.journal.steps().is_empty(), "{:?}", ran.failure());
    ran.failure().message.clone()
}

/// The registry of the packages of the layers above has the same names, and a login in a secret of its own.
#[test]
fn a_deployment_of_another_installer_is_not_applied_over() {
    let installed = with_issuer();
    run(&installed, &only(Component::Registry)).results();
    for (file, from, to) in OTHERS {
        changed(&installed, file, from, to);
        changed(&installed, file, r#""metadata":{"#, &format!(r#""metadata":{{{MANAGED},"#));
    }
    std::fs::remove_file(installed.path(LOGINS)).expect("was there");
    for settings in [only(Component::Registry), without_login()] {
        let said = refused(&installed, &settings);
        assert!(said.contains("to keep it, leave it out (--skip registry, or"), "{said}");
        assert!(said.contains("delete --ignore-not-found deployment,service,ingress registry"), "{said}");
    }
    // What is half-way out serves nobody: each object that is left is named, and nothing is applied beside it.
    for (what, (file, ..)) in ["deployment", "service", "ingress"].into_iter().zip(OTHERS) {
        let said = refused(&installed, &only(Component::Registry));
        assert!(said.contains(&format!("its {what} is somebody else's")), "{said}");
        std::fs::remove_file(installed.path(file)).expect("was there");
    }
    run(&installed, &only(Component::Registry)).results();
}

/// A login that is kept in another secret would be replaced.
#[test]
fn a_deployment_with_another_secret_is_not_applied_over() {
    let stub = with_issuer();
    run(&stub, &only(Component::Registry)).results();
    changed(&stub, DEPLOYMENT, r#""secretName":"registry-htpasswd""#, r#""secretName":"registry-auth""#);
    std::fs::remove_file(stub.path(LOGINS)).expect("was there");
    for settings in [only(Component::Registry), without_login()] {
        let said = refused(&stub, &settings);
        assert!(said.contains("delete --ignore-not-found deployment,service,ingress registry"), "{said}");
    }
}

/// The operator does not repeat how large the volume is, and another size is refused by the API server.
#[test]
fn what_is_completed_keeps_its_volume() {
    let stub = with_issuer();
    let mut settings = only(Component::Registry);
    settings.registry.pvc_size_gib = schema::Bounded::clamped(50);
    settings.registry.storage_class = Some("fast".to_owned());
    run(&stub, &settings).results();
    let claim = stub.text(CLAIM);
    std::fs::remove_file(stub.path(INGRESS)).expect("was there");
    run(&stub, &only(Component::Registry)).results();
    std::fs::remove_file(stub.path(CLAIM)).expect("was there");
    run(&stub, &only(Component::Registry)).results();
    assert_ne!(stub.text(CLAIM), claim, "one that is gone is made anew");
}

/// The certificate of the registry is another one than k3s was told of: it was renewed, or a run ended between the two.
#[test]
fn an_authority_that_k3s_does_not_have_is_no_reuse() {
    let stub = with_issuer();
    let settings = only(Component::Registry);
    run(&stub, &settings).results();
    let detected = || {
        let host = stub.host();
        component::spec_of(Component::Registry).detect(&component::Probe::new(&host, &settings))
    };
    let written = stub.text(AUTHORITY);
    for fault in [Some("another certificate"), None] {
        match fault {
            Some(text) => stub.put(AUTHORITY, text),
            None => std::fs::remove_file(stub.path(AUTHORITY)).expect("was there"),
        }
        assert_eq!(detected(), Ok(Detection::Incomplete(Gap::NodesTrust)), "{fault:?}");
        run(&stub, &settings).results();
        assert_eq!(stub.text(AUTHORITY), written);
    }
    let entries = stub.text(REGISTRIES);
    stub.put(REGISTRIES, entries.replace("registry-ca.crt", "former-ca.crt"));
    assert_eq!(detected(), Ok(Detection::Incomplete(Gap::NodesTrust)), "the entry has no authority of now");
    run(&stub, &settings).results();
    assert_eq!(stub.text(REGISTRIES), entries);
}

#[test]
fn an_issuer_that_no_input_can_name_is_kept_by_leaving_the_registry_out() {
    let stub = with_issuer();
    run(&stub, &only(Component::Registry)).results();
    changed(&stub, INGRESS, r#"cluster-issuer":"selfsigned""#, r#"cluster-issuer":"company""#);
    let said = refused(&stub, &only(Component::Registry));
    assert!(said.contains("company") && said.contains("to keep it, leave it out (--skip registry"), "{said}");
}

#[test]
fn a_volume_that_is_there_is_kept_and_what_was_asked_for_is_told() {
    let stub = with_issuer();
    let mut settings = only(Component::Registry);
    settings.registry.storage_class = Some("fast".to_owned());
    run(&stub, &settings).results();
    let told = |settings: &Settings| {
        let host = stub.host();
        let spec = component::spec_of(Component::Registry);
        spec.ignored(&component::Probe::new(&host, settings)).expect("an answer")
    };
    assert_eq!(told(&settings), None);
    assert_eq!(told(&only(Component::Registry)), None, "a class was not asked for");
    settings.registry.pvc_size_gib = schema::Bounded::clamped(50);
    settings.registry.storage_class = Some("slow".to_owned());
    let warning = told(&settings).expect("a warning");
    assert!(warning.contains("20Gi, not 50Gi") && warning.contains("class fast, not slow"), "{warning}");
}

/// The API server answers the same size in its own words.
#[test]
fn a_volume_of_whole_tebibytes_is_as_large_as_was_asked_for() {
    let stub = with_issuer();
    let mut settings = only(Component::Registry);
    settings.registry.pvc_size_gib = schema::Bounded::clamped(2048);
    run(&stub, &settings).results();
    let host = stub.host();
    let told = |size: &str| {
        let probe = component::Probe::new(&host, &settings);
        changed(&stub, CLAIM, r#""2048Gi""#, &format!(r#""{size}""#));
        let told = component::spec_of(Component::Registry).ignored(&probe).expect("an answer");
        changed(&stub, CLAIM, &format!(r#""{size}""#), r#""2048Gi""#);
        told
    };
    assert_eq!(told("2Ti"), None);
    assert_eq!(told("2199023255552"), None);
    for other in ["3Ti", "2T", "2Gi"] {
        assert!(told(other).is_some_and(|said| said.contains(&format!("{other}, not 2048Gi"))), "{other}");
    }
}

#[test]
fn a_password_that_others_can_read_is_warned_of() {
    let stub = with_issuer();
    let settings = only(Component::Registry);
    run(&stub, &settings).results();
    let warned = || {
        let host = stub.host();
        component::spec_of(Component::Registry).preflight(&component::Probe::new(&host, &settings))
    };
    assert_eq!(warned(), []);
    stub.set_mode(REGISTRIES, 0o644);
    let findings = warned();
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.severity, component::Severity::Warning);
    assert_eq!(finding.help.as_deref(), Some("chmod 600 /etc/rancher/k3s/registries.yaml"));
    assert!(!format!("{finding:?}").contains(SECRETS[1]));
    stub.put(REGISTRIES, "mirrors: {}\n");
    assert_eq!(warned(), [], "there is no password in it");
}
