//! Looking at objects of the cluster that a run created.

use manifest::StepRecord;
use serde_json::Value;

use super::live_state::{Dependent, Identity, LiveState};
use crate::host::Host;
use crate::step::{FIELD_MANAGER, Found, Kube, ObjectRef, list_namespace, namespaced_kinds};

/// What the API server has at `path`. A host without k3s has no cluster, and a cluster that is gone holds nothing.
pub(super) fn fetch(host: &Host, path: &str) -> Found {
    if host.program("k3s").is_none() && !host.has_unit("k3s") {
        return Found::NotFound;
    }
    Kube(host).get_path(path)
}

/// A text in a JSON document.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// The items of a list; none if there is no such list.
pub(super) fn items(host: &Host, path: &str) -> Result<Vec<Value>, String> {
    match fetch(host, path) {
        Found::Object(mut list) => match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err("the API server did not answer with a list".to_owned()),
        },
        Found::NotFound => Ok(Vec::new()),
        Found::Unknown(reason) => Err(reason),
    }
}

/// The live state of something whose dependents are listed by `list`.
fn inhabited(list: Result<Vec<Dependent>, String>) -> LiveState {
    match list {
        Ok(dependents) if dependents.is_empty() => LiveState::Unchanged,
        Ok(dependents) => LiveState::InUse(dependents),
        Err(reason) => LiveState::Unknown(reason),
    }
}

/// Looks at an object that a step created.
pub(super) fn observe_object(host: &Host, reference: &ObjectRef, uid: Option<&str>) -> LiveState {
    let object = match fetch(host, &reference.path()) {
        Found::Object(object) => object,
        Found::NotFound => return LiveState::Absent,
        Found::Unknown(reason) => return LiveState::Unknown(reason),
    };
    match (uid, text(&object, "/metadata/uid")) {
        (Some(uid), Some(found)) if uid == found => {}
        (None, _) => {
            return LiveState::Changed("the run ended before it knew whether it had created it".to_owned());
        }
        _ => return LiveState::Changed("another object of this name was created since".to_owned()),
    }
    if let Some(manager) = other_manager(&object) {
        return LiveState::Changed(format!("it was changed since, by {manager}"));
    }
    match reference.kind.as_str() {
        "Namespace" => inhabited(contents(host, &reference.name)),
        "CustomResourceDefinition" => inhabited(instances(host, &object)),
        "ClusterIssuer" => inhabited(certificates_of(host, &reference.name)),
        _ => LiveState::Unchanged,
    }
}

/// Who else says what the object should be: somebody with kubectl, or who applies it as we do. What controllers write
/// into objects, such as addresses and statuses, is no change of this kind.
fn other_manager(object: &Value) -> Option<&str> {
    let fields = object.pointer("/metadata/managedFields")?.as_array()?;
    fields.iter().find_map(|entry| {
        let manager = text(entry, "/manager")?;
        let by_hand = manager.starts_with("kubectl") || text(entry, "/operation") == Some("Apply");
        let status = text(entry, "/subresource").is_some();
        (manager != FIELD_MANAGER && by_hand && !status).then_some(manager)
    })
}

/// Everything in a namespace but what Kubernetes and cert-manager themselves put into each.
fn contents(host: &Host, namespace: &str) -> Result<Vec<Dependent>, String> {
    let kinds = host.run(&namespaced_kinds()).map_err(|error| error.to_string())?.text();
    let kinds: Vec<&str> = kinds.lines().filter(|kind| !is_fleeting(kind)).collect();
    let list = host.run(&list_namespace(namespace, &kinds.join(","))).map_err(|error| error.to_string())?;
    let list: Value = serde_json::from_slice(&list.stdout)
        .map_err(|_| "the API server did not answer in JSON".to_owned())?;
    let all =
        list.get("items").and_then(Value::as_array).ok_or("the API server did not answer with a list")?;
    Ok(all.iter().filter(|object| !is_built_in(object)).map(dependent).collect())
}

/// What is no object of its own: reports on others.
fn is_fleeting(kind: &str) -> bool {
    kind == "events" || kind == "events.events.k8s.io" || kind.ends_with(".metrics.k8s.io")
}

/// What every namespace is given by Kubernetes, and the authority that cert-manager's webhook makes for itself.
fn is_built_in(object: &Value) -> bool {
    let annotation = |name| object.pointer("/metadata/annotations")?.get(name)?.as_str();
    let account = annotation("kubernetes.io/service-account.name");
    match (text(object, "/kind"), text(object, "/metadata/name")) {
        (Some("ServiceAccount"), Some("default")) | (Some("ConfigMap"), Some("kube-root-ca.crt")) => true,
        (Some("Secret"), Some("cert-manager-webhook-ca")) => {
            text(object, "/metadata/namespace") == Some("cert-manager")
                && annotation("cert-manager.io/allow-direct-injection") == Some("true")
        }
        (Some("Secret"), _) => {
            text(object, "/type") == Some("kubernetes.io/service-account-token") && account == Some("default")
        }
        _ => false,
    }
}

/// Every instance of a definition.
fn instances(host: &Host, definition: &Value) -> Result<Vec<Dependent>, String> {
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let served = |version: &&Value| version.get("served").and_then(Value::as_bool) == Some(true);
    let version = versions.and_then(|all| text(all.iter().find(served)?, "/name"));
    let (group, plural) = (text(definition, "/spec/group"), text(definition, "/spec/names/plural"));
    match (group, version, plural) {
        (Some(group), Some(version), Some(plural)) => {
            Ok(items(host, &format!("/apis/{group}/{version}/{plural}"))?.iter().map(dependent).collect())
        }
        _ => Err("the definition does not say what it defines".to_owned()),
    }
}

/// The certificates that are renewed by a cluster issuer.
fn certificates_of(host: &Host, issuer: &str) -> Result<Vec<Dependent>, String> {
    let all = items(host, "/apis/cert-manager.io/v1/certificates")?;
    let by_it = |certificate: &&Value| {
        text(certificate, "/spec/issuerRef/kind") == Some("ClusterIssuer")
            && text(certificate, "/spec/issuerRef/name") == Some(issuer)
    };
    Ok(all.iter().filter(by_it).map(dependent).collect())
}

/// The volumes that Longhorn holds. Removing Longhorn would destroy what is on them.
pub(super) fn longhorn_volumes(host: &Host) -> Result<Vec<Dependent>, String> {
    let all = items(host, "/api/v1/persistentvolumes")?;
    let held = |volume: &&Value| text(volume, "/spec/csi/driver") == Some("driver.longhorn.io");
    let claimed = |volume: &Value| {
        let mut dependent = dependent(volume);
        dependent.with.extend(text(volume, "/spec/claimRef/uid").map(|uid| Identity::Uid(uid.to_owned())));
        dependent
    };
    Ok(all.iter().filter(held).map(claimed).collect())
}

/// Whether the object began to exist while `step` went on. A step that did not end has no such time.
pub(super) fn made_in(step: &StepRecord, object: &Value) -> bool {
    let made = text(object, "/metadata/creationTimestamp").and_then(|at| schema::UtcSeconds::parse(at).ok());
    made.zip(step.ended_at).is_some_and(|(made, ended)| step.at <= made && made <= ended)
}

/// An object as a dependent: it leaves with its owners, with what it was made for, and with the release of its namespace.
fn dependent(object: &Value) -> Dependent {
    let (kind, name) =
        (text(object, "/kind").unwrap_or("object"), text(object, "/metadata/name").unwrap_or("?"));
    let namespace = text(object, "/metadata/namespace");
    let named = |kind: &str, name: &str| {
        Identity::Named(kind.to_owned(), namespace.unwrap_or_default().to_owned(), name.to_owned())
    };
    let uid = |value: &Value, pointer| text(value, pointer).map(|uid| Identity::Uid(uid.to_owned()));
    let own = uid(object, "/metadata/uid").into_iter().chain([named(kind, name)]).collect();
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let mut with: Vec<Identity> =
        owners.into_iter().flatten().filter_map(|owner| uid(owner, "/uid")).collect();
    with.extend(namespace.map(|namespace| Identity::ReleaseIn(namespace.to_owned())));
    let certificate = "/metadata/annotations/cert-manager.io~1certificate-name";
    match (kind, text(object, certificate)) {
        ("Endpoints", _) => with.push(named("Service", name)),
        ("Secret", Some(certificate)) => with.push(named("Certificate", certificate)),
        _ => {}
    }
    let place = namespace.map_or_else(String::new, |namespace| format!("{namespace}/"));
    Dependent { name: format!("{kind} {place}{name}"), own, with }
}
