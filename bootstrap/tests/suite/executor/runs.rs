//! Whole runs that succeed.

use super::faults::only;
use super::*;
use ComponentResult::{Configured, Installed};
use bootstrap::component::{Probe, Spec};
use manifest::Undo;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_server_is_installed_and_verified_and_the_second_run_changes_nothing() {
    let stub = StubHost::fresh();
    let settings = settings(Mode::Server);
    let first = run(&stub, &settings);
    assert_eq!(
        first.results(),
        [(Component::K3s, ComponentResult::Installed), (Component::Helm, ComponentResult::Installed)]
    );
    let before = tree(&stub);
    let second = run(&stub, &settings);
    assert!(second.changed.is_empty() && second.journal.steps().is_empty(), "{:?}", second.changed);
    assert_eq!(
        second.results(),
        [(Component::K3s, ComponentResult::Reused), (Component::Helm, ComponentResult::Reused)]
    );
    assert_eq!(tree(&stub), before);
}

#[test]
fn an_agent_gets_its_token_in_a_file_and_nowhere_else() {
    let stub = StubHost::fresh();
    let ran = run(&stub, &settings(Mode::Agent));
    let skipped = (Component::Longhorn, ComponentResult::Skipped);
    assert_eq!(ran.results(), [(Component::K3s, ComponentResult::Installed), skipped]);
    assert_eq!(stub.text("etc/rancher/k3s/agent-token"), SECRETS[2]);
    let mode = stub.path("etc/rancher/k3s/agent-token").metadata().expect("token").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(stub.text("stub/environments").contains("K3S_TOKEN_FILE='/etc/rancher/k3s/agent-token'"));
    no_secret_is_open(&stub);
}

#[test]
fn a_single_node_gets_every_component_and_the_second_run_reuses_all() {
    let stub = StubHost::fresh();
    let settings = settings(Mode::SingleNode);
    let first = run(&stub, &settings);
    let undos: Vec<Undo> = first
        .journal
        .steps()
        .iter()
        .map(|step| {
            assert_eq!(step.state, StepState::Done, "{}", step.action);
            step.undo.clone()
        })
        .collect();
    let results: Vec<ComponentResult> = first.results().iter().map(|(_, result)| *result).collect();
    assert_eq!(
        results,
        [
            Installed, Installed, Installed, Configured, Installed, Installed, Installed, Installed,
            Configured, Configured
        ]
    );
    no_secret_is_open(&stub);
    everything_can_be_taken_back(&undos);
    assert_eq!(stub.text("etc/docker/certs.d/registry.example.local/ca.crt"), "certificate\n");
    let before = tree(&stub);
    let second = run(&stub, &settings);
    assert!(second.changed.is_empty() && second.journal.steps().is_empty(), "{:?}", second.changed);
    assert!(second.results().iter().all(|(_, result)| *result == ComponentResult::Reused));
    assert_eq!(tree(&stub), before);
    each_tells_its_version(&stub, &settings);
}

/// What is there is told, and not what was asked for.
fn each_tells_its_version(stub: &StubHost, settings: &Settings) {
    let host = stub.host();
    let versions = || -> Vec<(Component, String)> {
        let probe = Probe::new(&host, settings);
        let told = |spec: &&dyn Spec| Some((spec.id(), spec.installed_version(&probe).expect("an answer")?));
        COMPONENTS.iter().filter_map(told).collect()
    };
    let wished = COMPONENTS.iter().map(|spec| (spec.id(), spec.version(settings).to_owned()));
    let wished: Vec<(Component, String)> = wished.filter(|(_, version)| !version.is_empty()).collect();
    assert_eq!(versions(), wished);
    stub.put("stub/k3s-version", "v1.21.2+k3s1\n");
    let rancher = "stub/api/apis/apps/v1/namespaces/cattle-system/deployments/rancher.json";
    stub.put(rancher, stub.text(rancher).replace("v2.14.4", "v2.9.0"));
    let others: Vec<(Component, String)> =
        versions().into_iter().filter(|version| !wished.contains(version)).collect();
    let other = |component, version: &str| (component, version.to_owned());
    assert_eq!(others, [other(Component::K3s, "v1.21.2+k3s1"), other(Component::Rancher, "v2.9.0")]);
}

#[test]
fn a_host_without_network_needs_none() {
    let stub = StubHost::fresh();
    let mut settings = settings(Mode::SingleNode);
    settings.artifacts = Artifacts::Local(stub.artifacts_folder());
    run(&stub, &settings).results();
    let to_the_network =
        |call: &&String| call.starts_with("curl") && !call.contains("[https://registry.example.local/");
    assert_eq!(stub.calls().iter().find(to_the_network), None);
    for images in crate::support::stub_host::IMAGES {
        let path = format!("/var/lib/rancher/k3s/agent/images/{images}");
        assert_eq!(stub.text(&path), images);
        // k3s imports at its start what is there by then; what comes later is imported by the run.
        if images.starts_with("k3s-") {
            continue;
        }
        let import = format!("k3s [ctr] [--namespace] [k8s.io] [images] [import] [{path}]");
        assert!(stub.calls().contains(&import), "{:#?}", stub.calls());
    }
}

#[test]
fn passwords_are_made_once_and_only_where_they_are_needed() {
    let stub = StubHost::fresh().with_server();
    let mut settings = settings(Mode::Stack);
    settings.rancher.password = Password::Generate;
    settings.registry.auth = Some(RegistryAuth { user: "pusher".to_owned(), password: Password::Generate });
    let first = run(&stub, &settings);
    let made = &first.journal.context.generated_passwords;
    assert!(made.keys().eq(&[Component::Rancher, Component::Registry]), "{made:?}");
    for secret in made.values() {
        assert_eq!(secret.len(), 32);
        assert!(!stub.text("stub/calls").contains(secret.as_str()));
        assert!(!stub.log().contains(secret.as_str()));
    }
    first.results();
    assert!(run(&stub, &settings).journal.context.generated_passwords.is_empty());
}

#[test]
fn a_generated_password_survives_a_run_that_fails_after_it() {
    let mut settings = only(Component::Registry);
    settings.registry.auth = Some(RegistryAuth { user: "pusher".to_owned(), password: Password::Generate });
    // Namespace, volume and logins are applied, and what comes behind them fails.
    let made = (1..200).find_map(|number| {
        let stub = StubHost::fresh().with_server();
        stub.fail_at(number);
        let ran = run(&stub, &settings);
        let made = ran.journal.context.generated_passwords.get(&Component::Registry).cloned();
        let used = stub.calls().iter().filter(|call| call.contains("[apply]")).count() > 3;
        (ran.result.is_err() && used).then_some((stub, made?))
    });
    let (stub_after, made) = made.expect("a run fails after the password was used");
    stub_after.forget_calls();
    let mut journal = Records::default();
    journal.context.generated_passwords.insert(Component::Registry, made.clone());
    let again = run_with(&stub_after, &settings, journal, &|| false);
    assert_eq!(again.journal.context.generated_passwords.get(&Component::Registry), Some(&made));
    again.results();
    let inputs = std::fs::read_dir(stub_after.path("stub/input")).expect("inputs").flatten();
    let texts: Vec<String> = inputs.filter_map(|input| std::fs::read_to_string(input.path()).ok()).collect();
    let hashes = texts.iter().filter_map(|text| text.split("pusher:").nth(1)?.split('\\').next());
    let matched = hashes.filter(|hash| bcrypt::verify(&made, hash).unwrap_or(false)).count();
    assert!(matched > 0, "the registry does not take the password that will be shown");
}

#[test]
fn a_password_that_was_given_replaces_one_that_was_generated() {
    let stub = StubHost::fresh().with_server();
    let settings = only(Component::Rancher);
    assert!(matches!(settings.rancher.password, Password::Given(_)), "the settings of these tests give one");
    let mut journal = Records::default();
    journal.context.generated_passwords.insert(Component::Rancher, "of-an-earlier-run".to_owned());
    let ran = run_with(&stub, &settings, journal, &|| false);
    assert!(ran.journal.context.generated_passwords.is_empty());
    ran.results();
}

#[test]
fn an_interrupted_rancher_keeps_the_password_that_it_was_given() {
    let stub = StubHost::fresh().with_server();
    let mut settings = settings(Mode::Stack);
    settings.rancher.password = Password::Generate;
    // "kept" in base64.
    let kept = r#"{"data":{"bootstrapPassword":"a2VwdA=="}}"#;
    stub.put("stub/api/api/v1/namespaces/cattle-system/secrets/bootstrap-secret.json", kept);
    let ran = run(&stub, &settings);
    let made = &ran.journal.context.generated_passwords;
    assert_eq!(made.get(&Component::Rancher).map(String::as_str), Some("kept"));
    ran.results();
}

#[test]
fn the_registry_is_given_bcrypt() {
    let stub = StubHost::fresh().with_server();
    run(&stub, &settings(Mode::Stack)).results();
    let line = super::registry::htpasswd(&stub);
    let hash = line.trim_end().strip_prefix("pusher:").expect("user");
    assert!(hash.starts_with("$2"));
    assert!(bcrypt::verify(SECRETS[1], hash).expect("hash"));
}

#[test]
fn the_former_default_class_is_remembered() {
    let stub = StubHost::fresh().with_server();
    let ran = run(&stub, &settings(Mode::Stack));
    let switched = ran.journal.steps().iter().find_map(|step| match &step.undo {
        Undo::DefaultStorageClass { from, to } => Some((from.clone(), to.clone())),
        _ => None,
    });
    assert_eq!(switched, Some((Some("local-path".to_owned()), "longhorn-single".to_owned())));
    ran.results();
    let classes = "stub/api/apis/storage.k8s.io/v1/storageclasses";
    assert!(stub.text(&format!("{classes}/longhorn-single.json")).contains(r#"is-default-class":"true"#));
    assert!(stub.text(&format!("{classes}/local-path.json")).contains(r#"is-default-class":"false"#));
}

#[test]
fn foreign_lines_stay_to_the_byte() {
    let stub = StubHost::fresh().with_server();
    stub.put("etc/hosts", "127.0.0.1\tlocalhost # mine\n\n10.0.0.1 printer");
    stub.put("etc/exports", "/srv/nfs/k8s-share other(ro)");
    stub.put("stub/packages/nfs-kernel-server", "");
    std::os::unix::fs::symlink("../optional/exportfs", stub.path("stub/bin/exportfs")).expect("link");
    let ran = run(&stub, &settings(Mode::SingleNode));
    let nfs = ran.results().into_iter().find(|(component, _)| *component == Component::Nfs);
    assert_eq!(nfs, Some((Component::Nfs, ComponentResult::Configured)));
    assert!(stub.text("etc/hosts").starts_with("127.0.0.1\tlocalhost # mine\n\n10.0.0.1 printer\n# BEGIN"));
    assert!(
        stub.text("etc/exports")
            .starts_with("/srv/nfs/k8s-share other(ro)\n/srv/nfs/k8s-share 192.168.0.0/24(")
    );
}

/// No argument, no environment and no line of the log holds a secret.
fn no_secret_is_open(stub: &StubHost) {
    for secret in SECRETS {
        for place in ["stub/calls", "stub/environments"] {
            assert!(!stub.text(place).contains(secret), "{secret} is in {place}");
        }
        assert!(!stub.log().contains(secret), "{secret} is in the log");
    }
}

fn everything_can_be_taken_back(undos: &[Undo]) {
    for undo in undos {
        match undo {
            Undo::Object { name, uid, .. } => assert!(uid.is_some(), "{name} has no UID"),
            Undo::HelmRelease { release, revision, .. } => assert_eq!(*revision, Some(1), "{release}"),
            _ => {}
        }
    }
    let has = |wanted: fn(&Undo) -> bool| undos.iter().any(wanted);
    assert!(has(|undo| matches!(undo, Undo::LineBlock { .. })));
    assert!(has(|undo| matches!(undo, Undo::Line { .. })));
    assert!(has(|undo| matches!(undo, Undo::Directory { .. })));
    assert!(has(|undo| matches!(undo, Undo::Package { .. })));
    assert!(has(|undo| matches!(undo, Undo::Service { .. })));
    assert!(has(|undo| matches!(undo, Undo::File { .. })));
    assert!(has(|undo| matches!(undo, Undo::DefaultStorageClass { .. })));
}
