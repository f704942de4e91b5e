//! What a component needs stays while the component does.

use super::*;
use bootstrap::rollback::{LiveState, LiveStates, Reason, Untried};

fn object(kind: &str, name: &str) -> Undo {
    Undo::Object {
        api_version: "v1".to_owned(),
        object_kind: kind.to_owned(),
        namespace: Some("n".to_owned()),
        name: name.to_owned(),
        uid: Some(format!("uid-of-{name}")),
    }
}

fn release() -> Undo {
    Undo::HelmRelease { release: "rancher".to_owned(), namespace: "n".to_owned(), revision: Some(1) }
}

fn unchanged_of(context: &PrivateContext) -> LiveStates {
    context.steps.iter().map(|step| (step.seq, LiveState::Unchanged)).collect()
}

/// Steps of a run, the first of which is needed by these components.
type Case<'a> = (&'a [(Component, Undo)], &'a [Component]);

#[test]
fn cert_manager_does_not_go_while_rancher_or_the_registry_stay() {
    use Component::{CertManager, Clusterissuer, Rancher, Registry};
    let cases: [Case<'_>; 4] = [
        (&[(CertManager, object("Deployment", "c")), (Rancher, release())], &[Rancher]),
        (&[(CertManager, object("Deployment", "c")), (Registry, object("Ingress", "r"))], &[Registry]),
        (
            &[(Clusterissuer, object("ClusterIssuer", "i")), (Registry, object("Deployment", "r"))],
            &[Registry],
        ),
        (&[(CertManager, object("Deployment", "c")), (Registry, object("PersistentVolumeClaim", "r"))], &[]),
    ];
    for (steps, needed_by) in cases {
        let context = record_of(steps.iter().cloned());
        let safe = plan(&context, &unchanged_of(&context), Include::Safe);
        let needed = safe.items.iter().find(|item| item.step == 1).expect("an item");
        if needed_by.is_empty() {
            assert_eq!(needed.state, ItemState::Ready, "data alone needs nobody");
        } else {
            assert_eq!(needed.state, ItemState::Excluded);
            assert_eq!(needed.reason, Reason::NeededBy(needed_by.to_vec()));
        }
        let all = plan(&context, &unchanged_of(&context), Include::Moderate);
        assert!(all.items.iter().all(|item| item.state == ItemState::Ready), "{all:#?}");
    }
}

/// Including more does not help where what stays was changed by somebody.
#[test]
fn what_somebody_changed_keeps_what_it_needs_and_that_keeps_more() {
    use Component::{CertManager, Clusterissuer, Registry};
    let context = record_of([
        (CertManager, object("Deployment", "c")),
        (Clusterissuer, object("ClusterIssuer", "i")),
        (Registry, object("Ingress", "r")),
    ]);
    let mut live = unchanged_of(&context);
    live.insert(3, LiveState::Changed(bootstrap::rollback::Divergence::ChangedBy("kubectl-edit".to_owned())));
    let plan = plan(&context, &live, Include::Moderate);
    assert!(plan.items.iter().all(|item| item.state == ItemState::Manual), "{plan:#?}");
    let of = |step| plan.items.iter().find(|item| item.step == step).expect("an item").reason.to_string();
    assert_eq!(of(2), "registry depends on it");
    assert_eq!(of(1), "clusterissuer, registry depend on it");
}

/// What nobody agreed to stays and keeps what it needs; what is needed has the same reason as in the plan that was shown.
#[test]
fn what_nobody_agreed_to_keeps_what_it_needs() {
    use Component::{CertManager, Rancher};
    let context = record_of([(CertManager, object("Deployment", "c")), (Rancher, release())]);
    let planned = |include, agreed: &[u32]| {
        let agreed = agreed.iter().copied().collect();
        let plan = bootstrap::rollback::plan_agreed(&context, &unchanged_of(&context), include, &agreed);
        plan.items.into_iter().map(|item| (item.state, item.reason)).collect::<Vec<_>>()
    };
    let needed = Reason::NeededBy(vec![Rancher]);
    let safe = planned(Include::Safe, &[]);
    assert_eq!(safe[0].0, ItemState::Excluded, "{safe:?}");
    assert_eq!(safe[1], (ItemState::Excluded, needed.clone()));
    let moderate = planned(Include::Moderate, &[1]);
    assert!(moderate[0].1.is_not_agreed(), "{moderate:?}");
    assert_eq!(moderate[1], (ItemState::Manual, needed));
}

#[test]
fn what_fails_to_go_keeps_what_it_needs() {
    let stub = StubHost::fresh().with_server();
    let path = "stub/api/apis/apps/v1/namespaces/cert-manager/deployments/cert-manager.json";
    stub.put(path, r#"{"metadata":{"name":"cert-manager","uid":"uid-of-it"}}"#);
    let deployment = Undo::Object {
        api_version: "apps/v1".to_owned(),
        object_kind: "Deployment".to_owned(),
        namespace: Some("cert-manager".to_owned()),
        name: "cert-manager".to_owned(),
        uid: Some("uid-of-it".to_owned()),
    };
    let labels = r#"{"owner":"helm","name":"rancher","version":"1","status":"deployed"}"#;
    let name = "sh.helm.release.v1.rancher.v1";
    let secret =
        format!(r#"{{"metadata":{{"name":"{name}","creationTimestamp":"{}","labels":{labels}}}}}"#, at(2));
    stub.put(&format!("stub/api/api/v1/namespaces/cattle-system/secrets/{name}.json"), secret);
    std::fs::remove_file(stub.path("usr/local/bin/helm")).expect("helm was there");
    let release = Undo::HelmRelease {
        release: "rancher".to_owned(),
        namespace: "cattle-system".to_owned(),
        revision: Some(1),
    };
    let context = record_of([(Component::CertManager, deployment), (Component::Rancher, release)]);
    let (_, results) = roll_back(&stub, &context);
    assert!(matches!(results[&2], UndoResult::Failed { .. }), "{results:?}");
    assert_eq!(results[&1], UndoResult::Left(Untried::Needed));
    assert!(stub.path(path).exists());
}

#[test]
fn a_plan_names_the_data_that_it_would_delete_and_what_stays() {
    use Component::{Clusterissuer, Rancher, Registry};
    let context = record_of([
        (Clusterissuer, object("Certificate", "productive-k3s-root-ca")),
        (Rancher, release()),
        (Registry, object("PersistentVolumeClaim", "registry-data")),
    ]);
    let plan = plan(&context, &unchanged_of(&context), Include::Moderate);
    let deletes: Vec<Option<&str>> = plan.items.iter().map(|item| item.deletes.as_deref()).collect();
    assert!(deletes[0].is_some_and(|data| data.starts_with("every image in the registry")));
    assert!(deletes[1].is_none());
    assert!(deletes[2].is_some_and(|data| data.contains("key of the root certificate")));
    let remains = plan.items[1].remains;
    for what in ["fleet-crd", "rancher-turtles", "rancher.cattle.io", "crd -o name", "cattle-fleet-system"] {
        assert!(remains.iter().any(|remainder| remainder.command.contains(what)), "{what}");
    }
    let definitions = remains.iter().find(|remainder| remainder.command.contains("crd -o name"));
    assert!(
        definitions
            .is_some_and(|found| found.command.contains(r"\.helm\.") && found.command.contains(r"\.k3s\.")),
        "k3s' own definitions are not Rancher's"
    );
}
