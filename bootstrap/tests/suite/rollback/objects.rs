//! Objects of the cluster, releases and the default storage class.

use serde_json::{Value, json};

use super::*;

const API: &str = "stub/api";
const CLASSES: &str = "stub/api/apis/storage.k8s.io/v1/storageclasses";

fn object(kind: &str, api_version: &str, namespace: Option<&str>, name: &str, uid: Option<&str>) -> Undo {
    Undo::Object {
        api_version: api_version.to_owned(),
        object_kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
        uid: uid.map(str::to_owned),
    }
}

fn namespace(uid: Option<&str>) -> Undo {
    object("Namespace", "v1", None, "registry", uid)
}

fn put(stub: &StubHost, path: &str, object: &Value) {
    stub.put(&format!("{API}{path}.json"), object.to_string());
}

fn there(stub: &StubHost, path: &str) -> bool {
    stub.path(&format!("{API}{path}.json")).exists()
}

const NAMESPACE: &str = "/api/v1/namespaces/registry";

fn with_namespace(uid: &str) -> StubHost {
    let stub = StubHost::fresh().with_server();
    put(&stub, NAMESPACE, &json!({ "metadata": { "uid": uid, "name": "registry" } }));
    stub
}

#[test]
fn an_object_is_deleted_by_its_uid() {
    let stub = with_namespace("u1");
    let account = json!({ "kind": "ServiceAccount", "metadata": { "uid": "x", "name": "default" } });
    put(&stub, &format!("{NAMESPACE}/serviceaccounts/default"), &account);
    let (_, results) = roll_back(&stub, &record_of([(Component::Registry, namespace(Some("u1")))]));
    assert_eq!(results[&1], UndoResult::Undone);
    assert!(!there(&stub, NAMESPACE));
    let call = stub.calls().into_iter().find(|call| call.contains("[delete]")).expect("a deletion");
    assert_eq!(
        call,
        format!("k3s [kubectl] [--request-timeout=15s] [delete] [--raw] [{NAMESPACE}] [-f] [-]")
    );
}

#[test]
fn a_group_of_reports_that_is_not_ready_does_not_keep_a_namespace_and_any_other_does() {
    let fault = |group: &str| format!("{group}: the server is currently unable to handle the request");
    let (metrics, other) = (fault("metrics.k8s.io/v1beta1"), fault("shop.example.com/v1"));
    for (unread, goes) in [
        (metrics.clone(), true),
        (fault("custom.metrics.k8s.io/v1beta2"), true),
        (format!("{metrics}, {other}"), false),
        (other, false),
        ("something else".to_owned(), false),
    ] {
        let stub = with_namespace("u1");
        stub.put("stub/api-unread", &unread);
        let (plan, _) = roll_back(&stub, &record_of([(Component::Registry, namespace(Some("u1")))]));
        assert_eq!(there(&stub, NAMESPACE), !goes, "{unread}: {plan:?}");
        if !goes {
            assert!(only(&plan).reason.to_string().contains(&unread), "{}", only(&plan).reason);
        }
    }
}

#[test]
fn an_object_that_was_made_anew_or_is_not_known_for_sure_is_left() {
    for recorded in [Some("u1"), None] {
        let stub = with_namespace("u2");
        let (plan, _) = roll_back(&stub, &record_of([(Component::Registry, namespace(recorded))]));
        assert_eq!(only(&plan).state, ItemState::Manual);
        assert!(there(&stub, NAMESPACE));
    }
}

#[test]
fn an_object_that_somebody_changed_by_hand_is_left() {
    let stub = with_namespace("u1");
    let fields = json!([
        { "manager": "productive-k3s", "operation": "Apply" },
        { "manager": "kubectl-edit", "operation": "Update" },
    ]);
    put(&stub, NAMESPACE, &json!({ "metadata": { "uid": "u1", "managedFields": fields } }));
    let (plan, _) = roll_back(&stub, &record_of([(Component::Registry, namespace(Some("u1")))]));
    assert!(only(&plan).reason.to_string().contains("kubectl-edit"));
    assert!(there(&stub, NAMESPACE));
}

#[test]
fn a_namespace_with_somebody_elses_objects_stays_with_them() {
    let stub = with_namespace("u1");
    let (ours, theirs) =
        (format!("{NAMESPACE}/secrets/registry-htpasswd"), format!("{NAMESPACE}/secrets/theirs"));
    for path in [&ours, &theirs] {
        let name = path.rsplit('/').next();
        put(&stub, path, &json!({ "kind": "Secret", "metadata": { "uid": name, "name": name } }));
    }
    let secret = object("Secret", "v1", Some("registry"), "registry-htpasswd", Some("registry-htpasswd"));
    let context = record_of([(Component::Registry, namespace(Some("u1"))), (Component::Registry, secret)]);
    let (plan, results) = roll_back(&stub, &context);
    assert_eq!(results, BTreeMap::from([(2, UndoResult::Undone)]));
    let left = plan.in_state(ItemState::Manual).next().expect("the namespace");
    assert_eq!(left.reason.to_string(), "it holds Secret theirs");
    assert!(there(&stub, NAMESPACE) && there(&stub, &theirs) && !there(&stub, &ours));
}

#[test]
fn what_comes_into_a_namespace_after_the_plan_keeps_it() {
    let stub = with_namespace("u1");
    let context = record_of([(Component::Registry, namespace(Some("u1")))]);
    let plan = planned(&stub, &context, Include::Moderate);
    assert_eq!(only(&plan).state, ItemState::Ready);
    put(
        &stub,
        &format!("{NAMESPACE}/secrets/late"),
        &json!({ "kind": "Secret", "metadata": { "name": "late" } }),
    );
    let (host, mut disk) = (stub.host(), Disk::roomy(&context));
    let mut report = |_: RollbackEvent<'_>| {};
    let work = RollbackExecutor::new(&host, &mut disk, &mut report, &|| false);
    let results = work.with_timing(IMPATIENT).all(&plan);
    assert!(
        matches!(&results[&1], UndoResult::Manual(reason) if reason.to_string().contains("late")),
        "{results:?}"
    );
    assert!(there(&stub, NAMESPACE));
}

#[test]
fn a_cluster_that_does_not_answer_is_no_empty_one() {
    let stub = with_namespace("u1");
    stub.put("stub/api-fault", "connection refused\n");
    let (plan, results) = roll_back(&stub, &record_of([(Component::Registry, namespace(Some("u1")))]));
    assert!(results.is_empty());
    assert!(only(&plan).reason.to_string().contains("connection refused"));
}

#[test]
fn a_host_without_k3s_has_nothing_left_in_its_cluster() {
    let stub = StubHost::fresh();
    let plan = planned(&stub, &record_of([(Component::Registry, namespace(Some("u1")))]), Include::Safe);
    assert_eq!(only(&plan).state, ItemState::Gone);
}

/// A definition with an instance that somebody else made: not only it stays, but all of its component.
#[test]
fn a_component_whose_kinds_somebody_uses_stays_whole() {
    let stub = StubHost::fresh().with_server();
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/certificates.cert-manager.io";
    let spec = json!({ "group": "cert-manager.io", "names": { "plural": "certificates" },
        "versions": [{ "name": "v1", "served": true }] });
    put(&stub, definition, &json!({ "metadata": { "uid": "d" }, "spec": spec }));
    let webhook =
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/cert-manager-webhook";
    put(&stub, webhook, &json!({ "metadata": { "uid": "w" } }));
    let foreign = "/apis/cert-manager.io/v1/namespaces/shop/certificates/shop";
    let metadata = json!({ "uid": "f", "name": "shop", "namespace": "shop" });
    put(&stub, foreign, &json!({ "kind": "Certificate", "metadata": metadata }));
    let (api, name) = ("apiextensions.k8s.io/v1", "certificates.cert-manager.io");
    let context = record_of([
        (Component::CertManager, object("CustomResourceDefinition", api, None, name, Some("d"))),
        (
            Component::CertManager,
            object(
                "ValidatingWebhookConfiguration",
                "admissionregistration.k8s.io/v1",
                None,
                "cert-manager-webhook",
                Some("w"),
            ),
        ),
    ]);
    let before = tree(&stub);
    let (plan, results) = roll_back(&stub, &context);
    assert!(results.is_empty());
    assert!(
        plan.items.iter().all(|item| item.reason.to_string().contains("Certificate shop/shop")),
        "{:#?}",
        plan.items
    );
    unchanged(&stub, &before);
    std::fs::remove_file(stub.path(&format!("{API}{foreign}.json"))).expect("gone");
    let (_, results) = roll_back(&stub, &context);
    assert!(
        results.len() == 2 && results.values().all(|result| *result == UndoResult::Undone),
        "{results:?}"
    );
}

#[test]
fn an_issuer_that_a_certificate_needs_stays() {
    let stub = StubHost::fresh().with_server();
    let issuer = "/apis/cert-manager.io/v1/clusterissuers/selfsigned";
    put(&stub, issuer, &json!({ "metadata": { "uid": "i" } }));
    let spec = json!({ "issuerRef": { "kind": "ClusterIssuer", "name": "selfsigned" } });
    let metadata = json!({ "uid": "f", "name": "shop", "namespace": "shop" });
    let certificate = json!({ "kind": "Certificate", "metadata": metadata, "spec": spec });
    put(&stub, "/apis/cert-manager.io/v1/namespaces/shop/certificates/shop", &certificate);
    let ours = object("ClusterIssuer", "cert-manager.io/v1", None, "selfsigned", Some("i"));
    let (plan, _) = roll_back(&stub, &record_of([(Component::Clusterissuer, ours)]));
    assert_eq!(only(&plan).reason.to_string(), "it is used by Certificate shop/shop");
    assert!(there(&stub, issuer));
}

fn class(stub: &StubHost, name: &str, default: bool) {
    let annotations = json!({ "storageclass.kubernetes.io/is-default-class": default.to_string() });
    stub.put(
        &format!("{CLASSES}/{name}.json"),
        json!({ "metadata": { "name": name, "annotations": annotations } }).to_string(),
    );
}

fn switched() -> PrivateContext {
    let (from, to) = (Some("local-path".to_owned()), "longhorn-single".to_owned());
    record_of([(Component::Longhorn, Undo::DefaultStorageClass { from, to })])
}

#[test]
fn the_former_default_class_comes_back() {
    let stub = StubHost::fresh().with_server();
    class(&stub, "local-path", false);
    class(&stub, "longhorn-single", true);
    let (_, results) = roll_back(&stub, &switched());
    assert_eq!(results[&1], UndoResult::Undone);
    assert!(stub.text(&format!("{CLASSES}/local-path.json")).contains("\"true\""));
    assert!(stub.text(&format!("{CLASSES}/longhorn-single.json")).contains("\"false\""));
}

#[test]
fn a_default_class_that_somebody_changed_since_is_left() {
    let stub = StubHost::fresh().with_server();
    class(&stub, "local-path", false);
    class(&stub, "longhorn-single", false);
    class(&stub, "theirs", true);
    let before = tree(&stub);
    let (plan, _) = roll_back(&stub, &switched());
    assert_eq!(only(&plan).state, ItemState::Manual);
    unchanged(&stub, &before);
}

#[test]
fn a_rollback_that_died_between_two_marks_is_finished() {
    let stub = StubHost::fresh().with_server();
    class(&stub, "local-path", true);
    class(&stub, "longhorn-single", true);
    let mut context = switched();
    assert_eq!(only(&planned(&stub, &context, Include::Safe)).state, ItemState::Manual);
    context.begin_undo(1, at(50));
    let (_, results) = roll_back(&stub, &context);
    assert_eq!(results[&1], UndoResult::Undone);
    assert!(stub.text(&format!("{CLASSES}/longhorn-single.json")).contains("\"false\""));
}

fn release(name: &str, namespace: &str) -> PrivateContext {
    let (release, namespace) = (name.to_owned(), namespace.to_owned());
    record_of([(Component::Longhorn, Undo::HelmRelease { release, namespace, revision: Some(1) })])
}

fn put_release(stub: &StubHost, revision: u32, made: UtcSeconds) -> String {
    let name = format!("sh.helm.release.v1.longhorn.v{revision}");
    let labels =
        json!({ "owner": "helm", "name": "longhorn", "version": revision.to_string(), "status": "deployed" });
    let path = format!("/api/v1/namespaces/longhorn-system/secrets/{name}");
    put(
        stub,
        &path,
        &json!({ "metadata": { "name": name, "creationTimestamp": made.to_string(), "labels": labels } }),
    );
    let flag = "/apis/longhorn.io/v1beta2/namespaces/longhorn-system/settings/deleting-confirmation-flag";
    put(stub, flag, &json!({ "value": "false" }));
    path
}

#[test]
fn a_release_is_uninstalled_after_its_deletion_was_confirmed() {
    let stub = StubHost::fresh().with_server();
    let secret = put_release(&stub, 1, at(1));
    let context = release("longhorn", "longhorn-system");
    assert_eq!(only(&planned(&stub, &context, Include::Safe)).state, ItemState::Excluded);
    let (_, results) = roll_back(&stub, &context);
    assert_eq!(results[&1], UndoResult::Undone, "{:#?}", stub.calls());
    assert!(!there(&stub, &secret));
}

#[test]
fn a_release_that_was_upgraded_or_installed_anew_is_left() {
    for (revision, made) in [(2, at(1)), (1, at(30))] {
        let stub = StubHost::fresh().with_server();
        let secret = put_release(&stub, revision, made);
        let (plan, _) = roll_back(&stub, &release("longhorn", "longhorn-system"));
        assert_eq!(only(&plan).state, ItemState::Manual);
        assert!(there(&stub, &secret));
    }
}

#[test]
fn storage_that_somebody_uses_is_not_uninstalled() {
    let stub = StubHost::fresh().with_server();
    let secret = put_release(&stub, 1, at(1));
    volume(&stub, "pvc-1");
    let claim = json!({ "namespace": "shop", "name": "orders", "uid": "theirs" });
    let csi = json!({ "driver": "driver.longhorn.io", "volumeHandle": "pvc-1" });
    let spec = json!({ "csi": csi, "claimRef": claim });
    put(&stub, "/api/v1/persistentvolumes/pvc-1", &json!({ "metadata": { "name": "pvc-1" }, "spec": spec }));
    let (plan, _) = roll_back(&stub, &release("longhorn", "longhorn-system"));
    let reason = only(&plan).reason.to_string();
    assert_eq!(reason, "its volumes would be destroyed: volume pvc-1 of claim shop/orders");
    assert!(there(&stub, &secret));
}

/// A volume that was made in Longhorn's own interface, restored from a backup, or left by a claim that was deleted.
#[test]
fn a_volume_without_a_persistent_volume_counts_as_one() {
    let stub = StubHost::fresh().with_server();
    let secret = put_release(&stub, 1, at(1));
    volume(&stub, "restored");
    let (plan, _) = roll_back(&stub, &release("longhorn", "longhorn-system"));
    assert_eq!(
        only(&plan).reason.to_string(),
        "its volumes would be destroyed: volume restored, which nothing claims"
    );
    assert!(there(&stub, &secret));
    assert!(there(&stub, &format!("{VOLUMES}/restored")));
}

const VOLUMES: &str = "/apis/longhorn.io/v1beta2/namespaces/longhorn-system/volumes";

fn volume(stub: &StubHost, name: &str) {
    let uid = format!("uid-of-{name}");
    let metadata = json!({ "name": name, "namespace": "longhorn-system", "uid": uid });
    put(stub, &format!("{VOLUMES}/{name}"), &json!({ "kind": "Volume", "metadata": metadata }));
}

#[test]
fn a_failed_uninstallation_takes_the_confirmation_back() {
    let stub = StubHost::fresh().with_server();
    put_release(&stub, 1, at(1));
    let context = release("longhorn", "longhorn-system");
    stub.forget_calls();
    let plan = planned(&stub, &context, Include::Moderate);
    let looks = stub.calls().len();
    stub.forget_calls();
    // The looks of the plan, those right before the undo, the setting, its patch; then helm.
    stub.fail_at(2 * looks + 3);
    let (_, results) = roll_back(&stub, &context);
    assert!(
        matches!(&results[&1], UndoResult::Failed { tail, .. } if tail.concat().contains("injected fault in helm")),
        "{results:?}"
    );
    let flag = "apis/longhorn.io/v1beta2/namespaces/longhorn-system/settings/deleting-confirmation-flag.json";
    assert!(stub.text(&format!("{API}/{flag}")).contains("false"));
    assert_eq!(only(&plan).state, ItemState::Ready);
}
