//! Charts and what they bring about later than helm says.

use super::faults::{only, prepared};
use super::*;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bootstrap::step::Timing;

pub(super) const RELEASE: &str =
    "stub/api/api/v1/namespaces/cattle-system/secrets/sh.helm.release.v1.rancher.v1.json";

fn seconds_ago(seconds: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("clock");
    now.as_secs() - seconds
}

/// Helm labels a new record `createdAt` and a changed one `modifiedAt` as well; a record of a helm that was killed at once
/// has the first alone.
#[test]
fn a_pending_release_is_as_old_as_its_latest_label() {
    let (fresh, old) = (seconds_ago(60), seconds_ago(3600));
    let created = |at: &str| format!(r#""creationTimestamp":"{at}","#);
    for (labels, metadata, abandoned) in [
        (format!(r#""createdAt":"{old}","#), String::new(), true),
        (format!(r#""createdAt":"{fresh}","#), String::new(), false),
        (format!(r#""createdAt":"{old}","modifiedAt":"{fresh}","#), String::new(), false),
        (format!(r#""createdAt":"{old}","modifiedAt":"{old}","#), created("2026-01-01T00:00:00Z"), true),
        (String::new(), created("2026-01-01T00:00:00Z"), true),
        (String::new(), String::new(), false),
    ] {
        let stub = StubHost::fresh().with_server();
        let secret = format!(
            r#"{{"metadata":{{{metadata}"name":"sh.helm.release.v1.rancher.v1","labels":{{{labels}
            "owner":"helm","name":"rancher","version":"1","status":"pending-install"}}}}}}"#
        );
        stub.put(RELEASE, &secret);
        let waits = std::cell::Cell::new(0);
        let stop = || {
            waits.set(waits.get() + usize::from(!abandoned));
            waits.get() > 8
        };
        let ran = run_with(&stub, &only(Component::Rancher), Records::default(), &stop);
        let removed = stub.calls().iter().any(|call| call.contains("[delete] [secret]"));
        assert_eq!((ran.result.is_ok(), removed), (abandoned, abandoned), "{labels}{metadata}");
    }
}

#[test]
fn a_webhook_that_the_api_server_knows_late_is_waited_for() {
    let stub = StubHost::fresh().with_server();
    let ran = run(&stub, &only(Component::CertManager));
    assert!(
        ran.waited.iter().any(|what| what.contains("failed calling webhook")),
        "the rollout came first: {:?}",
        ran.waited
    );
    ran.results();
    assert!(!stub.path("stub/api/apis/cert-manager.io/v1/namespaces/cert-manager/issuers").exists());
}

#[test]
fn a_webhook_that_never_answers_is_told_in_its_words() {
    let stub = StubHost::fresh().with_server();
    stub.put("stub/webhook-refusals", "100000\n");
    let ran = run_in_vain(&stub, &only(Component::CertManager));
    assert_eq!(ran.failure().reason, FailureReason::VerificationFailed);
    assert!(ran.failure().message.contains("failed calling webhook"), "{}", ran.failure().message);
}

fn refusing(times: u32, message: &str) -> StubHost {
    let stub = StubHost::fresh().with_server().with_kinds_of_cert_manager();
    stub.put("stub/apply-fault", format!("{times}\n{message}\n"));
    stub
}

fn applies(stub: &StubHost) -> usize {
    stub.calls().iter().filter(|call| call.contains("[apply]")).count()
}

#[test]
fn an_apply_is_repeated_while_the_refusal_is_one_that_passes() {
    for message in [
        "Error from server (TooManyRequests): the server has received too many requests",
        "Error from server (InternalError): Internal error occurred: failed calling webhook \"w\": no endpoints",
        "Error from server (ServiceUnavailable): the server is currently unable to handle the request",
        "Error from server (Conflict): Operation cannot be fulfilled on deployments.apps \"a\": object modified",
        "Unable to connect to the server: net/http: TLS handshake timeout",
        "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?",
    ] {
        let stub = refusing(2, message);
        let ran = run(&stub, &only(Component::Clusterissuer));
        assert!(ran.waited.iter().any(|what| what.contains(message)), "{:?}", ran.waited);
        ran.results();
    }
}

#[test]
fn an_apply_that_is_refused_for_good_is_not_repeated() {
    for message in [
        "Error from server (Forbidden): clusterissuers.cert-manager.io is forbidden",
        "Error from server (InternalError): an error on the server has prevented the request from succeeding",
        "error: Apply failed with 1 conflict: conflict with \"kubectl\" using v1: .spec",
    ] {
        let stub = refusing(100_000, message);
        let ran = run(&stub, &only(Component::Clusterissuer));
        assert_eq!(ran.failure().tail, [message]);
        assert_eq!(applies(&stub), 1);
    }
}

#[test]
fn repeating_ends() {
    let stub = refusing(100_000, "Error from server (ServiceUnavailable): no");
    // The first attempt alone takes a while on a busy machine.
    let (poll, retry) = (Duration::from_millis(100), Duration::from_secs(20));
    stub.set_timing(Timing { poll, retry, ..PATIENT });
    let ran = run(&stub, &only(Component::Clusterissuer));
    assert_eq!(ran.failure().reason, FailureReason::CommandFailed);
    assert!(applies(&stub) > 1);
}

/// Each leaf would be its own authority otherwise, and whoever trusted one would trust nobody after its renewal.
#[test]
fn certificates_come_from_a_root_that_lasts() {
    let stub = StubHost::fresh().with_server().with_kinds_of_cert_manager();
    run(&stub, &only(Component::Clusterissuer)).results();
    let object = |path: &str| -> serde_json::Value {
        let text = stub.text(&format!("stub/api/apis/cert-manager.io/v1/{path}.json"));
        serde_json::from_str(&text).expect("an object")
    };
    let issuer = object("clusterissuers/selfsigned");
    assert_eq!(issuer["spec"], serde_json::json!({ "ca": { "secretName": "productive-k3s-root-ca" } }));
    let root = object("namespaces/cert-manager/certificates/productive-k3s-root-ca");
    assert_eq!((&root["spec"]["isCA"], &root["spec"]["duration"]), (&true.into(), &"87600h".into()));
    assert_eq!(root["spec"]["issuerRef"]["name"], "selfsigned-root");
    assert_eq!(object("clusterissuers/selfsigned-root")["spec"], serde_json::json!({ "selfSigned": {} }));
}

#[test]
fn somebody_elses_issuer_is_used_and_what_its_certificates_are_worth_is_said() {
    let stub = StubHost::fresh().with_server();
    let theirs = r#"{"metadata":{"name":"selfsigned"},"spec":{"selfSigned":{}},
        "status":{"conditions":[{"type":"Ready","status":"True"}]}}"#;
    stub.put("stub/api/apis/cert-manager.io/v1/clusterissuers/selfsigned.json", theirs);
    let settings = only(Component::Clusterissuer);
    let findings = preflight(&stub, &settings, Component::Clusterissuer);
    assert!(matches!(findings.as_slice(), [found] if found.evidence.contains("its own authority")));
    assert_eq!(actions(&stub, &settings).iter().filter(|action| **action == PlannedAction::Reuse).count(), 1);
}

fn preflight(stub: &StubHost, settings: &Settings, component: Component) -> Vec<component::Finding> {
    let host = stub.host();
    component::spec_of(component).preflight(&component::Probe::new(&host, settings))
}

/// helm's `--wait` is over before the manager is ready, and the manager makes the plugin and the class.
#[test]
fn longhorn_is_done_when_what_it_makes_itself_is() {
    let stub = prepared(Component::Longhorn);
    let ran = run(&stub, &only(Component::Longhorn));
    let waited = |what: &str| ran.waited.iter().any(|waited| waited.contains(what));
    assert!(waited("storage class longhorn") || waited("longhorn-manager"), "{:?}", ran.waited);
    let verified = stub.calls().join("\n");
    for path in
        ["daemonsets/longhorn-manager", "daemonsets/longhorn-csi-plugin", "deployments/longhorn-driver"]
    {
        assert!(verified.contains(path), "{path}");
    }
    ran.results();
    for name in ["longhorn-manager", "longhorn-csi-plugin"] {
        let path = format!("stub/api/apis/apps/v1/namespaces/longhorn-system/daemonsets/{name}.json");
        let not_ready =
            r#"{"status":{"desiredNumberScheduled":2,"updatedNumberScheduled":2,"numberReady":1}}"#;
        let ready = stub.text(&path);
        stub.put(&path, not_ready);
        let failure = run_in_vain(&stub, &only(Component::Longhorn)).failure().message.clone();
        assert!(
            failure.contains(&format!("daemon set longhorn-system/{name}: ready on 1 of 2 nodes")),
            "{failure}"
        );
        stub.put(&path, ready);
    }
}

fn default_classes(stub: &StubHost) -> Vec<String> {
    let classes = stub.path("stub/api/apis/storage.k8s.io/v1/storageclasses");
    let mut marked: Vec<String> = std::fs::read_dir(classes)
        .expect("classes")
        .map(|file| file.expect("a class").path())
        .filter(|path| std::fs::read_to_string(path).expect("text").contains(r#"is-default-class":"true"#))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    marked.sort();
    marked
}

fn restart_k3s(stub: &StubHost) {
    let restart = bootstrap::host::Command::new("systemctl").args(["restart", "k3s"]);
    stub.host().run(&restart).expect("a restart");
    stub.joined("k3s");
}

/// k3s applies its own class at every start, with the mark of the default.
#[test]
fn after_a_restart_of_k3s_there_is_one_default_class() {
    let stub = prepared(Component::Longhorn);
    let settings = only(Component::Longhorn);
    run(&stub, &settings).results();
    assert_eq!(default_classes(&stub), ["longhorn-single"]);
    restart_k3s(&stub);
    assert_eq!(default_classes(&stub), ["longhorn-single"]);

    let skip = "var/lib/rancher/k3s/server/manifests/local-storage.yaml.skip";
    assert!(stub.text(skip).contains("upgrades"), "the file says what it costs");
    std::fs::remove_file(stub.path(skip)).expect("it was written");
    assert!(actions(&stub, &settings).contains(&PlannedAction::Ensure), "the switch would be undone");
    restart_k3s(&stub);
    assert_eq!(default_classes(&stub), ["local-path", "longhorn-single"]);
    run(&stub, &settings).results();
    restart_k3s(&stub);
    assert_eq!(default_classes(&stub), ["longhorn-single"]);
}

#[test]
fn an_agent_gets_what_longhorn_needs_of_a_node_when_it_is_asked_for() {
    let stub = StubHost::fresh();
    let mut settings = settings(Mode::Agent);
    settings.skipped.insert(Component::K3s);
    settings.longhorn.node = true;
    let installed = (Component::Longhorn, ComponentResult::Installed);
    assert!(run(&stub, &settings).results().contains(&installed));
    for package in ["open-iscsi", "nfs-common"] {
        assert!(stub.path("stub/packages").join(package).exists(), "{package}");
    }
    assert!(run(&stub, &settings).results().contains(&(Component::Longhorn, ComponentResult::Reused)));
    std::fs::remove_file(stub.path("stub/packages/nfs-common")).expect("it was installed");
    assert!(run(&stub, &settings).results().contains(&(Component::Longhorn, ComponentResult::Configured)));
    assert!(stub.calls().iter().all(|call| !call.starts_with("helm")));
}

#[test]
fn multipathd_is_warned_of_unless_it_leaves_scsi_disks_alone() {
    for (state, config, warned) in [
        ("active", "", true),
        ("active", "# blacklist { devnode \"^sd[a-z0-9]+\" }\n", true),
        ("active", "blacklist {\n    devnode \"^sd[a-z0-9]+\"\n}\n", false),
        ("inactive", "", false),
    ] {
        let stub = StubHost::fresh();
        stub.put("etc/systemd/system/multipathd.service", "");
        stub.put("stub/services/multipathd", format!("{state}\n"));
        stub.put("etc/multipath.conf", config);
        let findings = preflight(&stub, &settings(Mode::Stack), Component::Longhorn);
        let found = findings.iter().find(|finding| finding.check == "multipath");
        let is_warned = found.is_some_and(|finding| finding.severity == component::Severity::Warning);
        assert_eq!(is_warned, warned, "{state} {config}");
        assert!(
            !warned
                || found.is_some_and(|finding| finding
                    .help
                    .as_ref()
                    .expect("a fix")
                    .contains("devnode \"^sd[a-z0-9]+\""))
        );
    }
}

pub(super) const INGRESS: &str =
    "stub/api/apis/networking.k8s.io/v1/namespaces/cattle-system/ingresses/rancher.json";

/// Else the run would end well, name an address that nobody serves, and take the one that works out of the hosts file.
#[test]
fn a_rancher_that_is_there_keeps_its_host_name() {
    let stub = StubHost::fresh().with_server();
    run(&stub, &only(Component::Rancher)).results();
    let before = tree(&stub);
    let mut other = only(Component::Rancher);
    other.rancher.host = "admin.example.local".to_owned();
    let ran = run(&stub, &other);
    let said = &ran.failure().message;
    for part in [
        "rancher.example.local",
        "admin.example.local",
        "set rancher.host",
        "--set hostname=admin",
        "--kubeconfig /etc/rancher",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(tree(&stub), before);
    // An upgrade of the operator that failed leaves the Rancher that was there before it.
    let failed = stub.text(RELEASE).replace(".v1\"", ".v2\"").replace(r#""version":"1""#, r#""version":"2""#);
    let upgrade = RELEASE.replace(".v1.json", ".v2.json");
    stub.put(&upgrade, failed.replace(r#""status":"deployed""#, r#""status":"failed""#));
    let before = tree(&stub);
    let ran = run(&stub, &other);
    assert!(ran.failure().message.contains("its host name is rancher.example.local"), "{:?}", ran.failure());
    assert_eq!(tree(&stub), before);
    std::fs::remove_file(stub.path(&upgrade)).expect("was there");
    // Served without an ingress, it is nothing that a run knows of.
    std::fs::remove_file(stub.path(INGRESS)).expect("was there");
    assert!(run(&stub, &other).results().contains(&(Component::Rancher, ComponentResult::Reused)));
}

fn ignored(stub: &StubHost, settings: &Settings, component: Component) -> Option<String> {
    let host = stub.host();
    component::spec_of(component).ignored(&component::Probe::new(&host, settings)).expect("an answer")
}

/// Its class has the number of the first installation, whatever becomes the default.
#[test]
fn a_longhorn_that_is_there_is_not_taken_for_one_with_other_copies() {
    let stub = prepared(Component::Longhorn);
    run(&stub, &only(Component::Longhorn)).results();
    let before = tree(&stub);
    for make_default in [true, false] {
        let mut other = only(Component::Longhorn);
        other.longhorn.replica_count = schema::Bounded::clamped(3);
        other.longhorn.make_default = make_default;
        let said = run(&stub, &other).failure().message.clone();
        for part in ["replicas is 1, and this run asks for 3", "set longhorn.replica_count", "ReplicaCount=3"]
        {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(tree(&stub), before);
    }
}

/// helm says of it that it has no deployed releases.
#[test]
fn what_is_no_helm_release_is_not_told_to_be_upgraded_by_helm() {
    let longhorn = RELEASE.replace("cattle-system", "longhorn-system").replace("rancher", "longhorn");
    for (component, release) in [(Component::Rancher, RELEASE), (Component::Longhorn, &longhorn)] {
        let stub = prepared(component);
        let mut other = only(component);
        run(&stub, &other).results();
        std::fs::remove_file(stub.path(release)).expect("was there");
        other.rancher.host = "admin.example.local".to_owned();
        other.longhorn.replica_count = schema::Bounded::clamped(3);
        let said = run(&stub, &other).failure().message.clone();
        assert!(
            said.contains("rerun after: a change of the manifests") && !said.contains("helm -n"),
            "{said}"
        );
    }
}

#[test]
fn settings_that_longhorn_does_not_take_any_more_are_told() {
    let stub = prepared(Component::Longhorn);
    let mut settings = only(Component::Longhorn);
    run(&stub, &settings).results();
    assert_eq!(ignored(&stub, &settings, Component::Longhorn), None);
    settings.longhorn.data_path = "/data/".into();
    assert_eq!(ignored(&stub, &settings, Component::Longhorn), None, "the same path");
    settings.longhorn.data_path = "/srv/canary".into();
    settings.longhorn.minimal_available_percentage = schema::Bounded::clamped(25);
    let told = ignored(&stub, &settings, Component::Longhorn).expect("a warning");
    for part in ["longhorn.data_path", "longhorn.minimal_available_percentage", "edit settings.longhorn.io"] {
        assert!(told.contains(part) && !told.contains("canary"), "{told}");
    }
}

#[test]
fn an_address_that_the_issuer_does_not_have_is_told() {
    let stub = StubHost::fresh().with_server().with_kinds_of_cert_manager();
    let mut settings = only(Component::Clusterissuer);
    let mut ask = |address: &str| {
        let environment = schema::LetsencryptEnvironment::Staging;
        settings.tls = bootstrap::settings::Tls::Letsencrypt { email: address.to_owned(), environment };
        run(&stub, &settings).results();
        ignored(&stub, &settings, Component::Clusterissuer)
    };
    assert_eq!(ask("admin@example.com"), None);
    let told = ask("canary@example.com").expect("a warning");
    assert!(told.contains("edit clusterissuer letsencrypt-staging") && !told.contains("canary"), "{told}");
}

#[test]
fn a_password_that_rancher_does_not_take_any_more_is_told() {
    let stub = StubHost::fresh().with_server();
    let settings = only(Component::Rancher);
    run(&stub, &settings).results();
    let told = |stored: &str| {
        let encoded = BASE64_STANDARD.encode(stored);
        let secret = "stub/api/api/v1/namespaces/cattle-system/secrets/bootstrap-secret.json";
        stub.put(secret, format!(r#"{{"data":{{"bootstrapPassword":"{encoded}"}}}}"#));
        ignored(&stub, &settings, Component::Rancher)
    };
    assert_eq!(told(SECRETS[0]), None, "it is the one that it was installed with");
    let warning = told("another").expect("a warning");
    assert!(warning.contains("reset-password") && !warning.contains(SECRETS[0]), "{warning}");
}
