//! Looking at objects, releases and storage classes that a run made in the cluster.

use manifest::StepRecord;
use serde_json::Value;

use super::live_state::{Divergence, LiveState};
use crate::component::{Dependent, has_cluster, spec_of};
use crate::host::{Host, ProbeError};
use crate::step::{
    FIELD_MANAGER, Kube, ObjectRef, Revision, STORAGE_CLASSES, default_classes, list_namespace,
    namespaced_kinds, text,
};

/// What the API server has at `path`; nothing where there is no cluster any more.
fn fetch(host: &Host, path: &str) -> Result<Option<Value>, ProbeError> {
    if has_cluster(host) { Kube(host).get_path(path) } else { Ok(None) }
}

/// The live state of something that these depend on.
fn used_by(dependents: Vec<Dependent>) -> LiveState {
    if dependents.is_empty() { LiveState::Unchanged } else { LiveState::InUse(dependents) }
}

/// Looks at an object that a step created.
pub(super) fn observe_object(
    host: &Host,
    step: &StepRecord,
    reference: &ObjectRef,
    uid: Option<&str>,
) -> Result<LiveState, ProbeError> {
    let Some(object) = fetch(host, &reference.path())? else { return Ok(LiveState::Absent) };
    match (uid, text(&object, "/metadata/uid")) {
        (Some(uid), Some(found)) if uid == found => {}
        (None, _) => return Ok(LiveState::Changed(Divergence::CreatorUnknown)),
        _ => return Ok(LiveState::Changed(Divergence::OtherObject)),
    }
    if let Some(manager) = other_manager(&object) {
        return Ok(LiveState::Changed(Divergence::ChangedBy(manager.to_owned())));
    }
    Ok(used_by(match reference.kind.as_str() {
        "Namespace" => contents(host, &reference.name)?,
        "CustomResourceDefinition" => instances(host, &object)?,
        _ => spec_of(step.component).dependents(step, host)?,
    }))
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
fn contents(host: &Host, namespace: &str) -> Result<Vec<Dependent>, ProbeError> {
    let kinds = kinds(host)?;
    let kinds: Vec<&str> = kinds.lines().filter(|kind| !is_fleeting(kind)).collect();
    let list = host.run(&list_namespace(namespace, &kinds.join(",")))?;
    let list: Value =
        serde_json::from_slice(&list.stdout).map_err(|_| ProbeError::Malformed { expected: "in JSON" })?;
    let all = list.get("items").and_then(Value::as_array);
    let all = all.ok_or(ProbeError::Malformed { expected: "with a list" })?;
    Ok(all.iter().filter(|object| !is_built_in(object)).map(Dependent::of_object).collect())
}

/// Names of the kinds of objects that live in namespaces, one a line.
///
/// While the server behind an aggregated API is not ready, such as metrics-server for the first minute, kubectl names all
/// other kinds and ends with 1. What is missing then is no loss if it is a report on other objects. Any other group may
/// hold somebody's objects, and a namespace is not deleted over them.
fn kinds(host: &Host) -> Result<String, ProbeError> {
    let command = namespaced_kinds();
    let output = host.ask(&command)?;
    if output.succeeded() {
        return Ok(output.text());
    }
    let stderr = output.stderr_text();
    let unread = unread_groups(&stderr);
    if !unread.is_empty() && unread.iter().all(|group| is_report(group)) && !output.stdout.is_empty() {
        return Ok(output.text());
    }
    let message = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("kubectl failed");
    Err(ProbeError::Api { message: host.log().masked(message) })
}

/// The groups that kubectl could not find out about, such as `metrics.k8s.io` of
/// `unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is …, other/v1: …`. A text of
/// another form names none.
fn unread_groups(stderr: &str) -> Vec<&str> {
    const WORDS: &str = "unable to retrieve the complete list of server APIs: ";
    let Some(faults) = stderr.lines().find_map(|line| Some(line.split_once(WORDS)?.1)) else {
        return Vec::new();
    };
    // A reason may hold commas and colons itself. A part of one that looks like a group keeps the namespace, at the worst.
    let groups = faults.split(", ").filter_map(|fault| fault.split_once(": ")).map(|(name, _)| name);
    groups.filter_map(|name| name.split_once('/')).map(|(group, _)| group).collect()
}

/// Whether the objects of a group are reports on others, which nobody creates and nothing loses.
fn is_report(group: &str) -> bool {
    group == "metrics.k8s.io" || group.ends_with(".metrics.k8s.io")
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
fn instances(host: &Host, definition: &Value) -> Result<Vec<Dependent>, ProbeError> {
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let served = |version: &&Value| version.get("served").and_then(Value::as_bool) == Some(true);
    let version = versions.and_then(|all| text(all.iter().find(served)?, "/name"));
    let (group, plural) = (text(definition, "/spec/group"), text(definition, "/spec/names/plural"));
    let (Some(group), Some(version), Some(plural)) = (group, version, plural) else {
        let what = "the definition does not say what it defines".to_owned();
        return Err(ProbeError::NothingToCompare { what });
    };
    let all = Kube(host).items(&format!("/apis/{group}/{version}/{plural}"))?;
    Ok(all.iter().map(Dependent::of_object).collect())
}

/// Helm numbers the revisions of a release, and keeps a secret for each. The release is the run's if the last number is
/// the one that the run was told and its secret was made while the run installed it.
pub(super) fn observe_release(
    host: &Host,
    step: &StepRecord,
    namespace: &str,
    release: &str,
    revision: Option<u32>,
) -> Result<LiveState, ProbeError> {
    let Some(kept) = fetch(host, &Revision::path(namespace, release))? else { return Ok(LiveState::Absent) };
    let Some(last) = Revision::all(&kept).pop() else { return Ok(LiveState::Absent) };
    let secrets = kept.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let secret = secrets.iter().find(|secret| text(secret, "/metadata/name") == Some(&last.secret));
    // An installation that failed was not told a number; it is the first.
    if last.number != u64::from(revision.unwrap_or(1)) {
        return Ok(LiveState::Changed(Divergence::NewerRevision(last.number)));
    }
    if !secret.is_some_and(|secret| made_in(step, secret)) {
        return Ok(LiveState::Changed(Divergence::ReleaseOriginUnknown));
    }
    Ok(used_by(spec_of(step.component).dependents(step, host)?))
}

/// Whether the object began to exist while `step` went on. A step that did not end has no such time.
fn made_in(step: &StepRecord, object: &Value) -> bool {
    let made = text(object, "/metadata/creationTimestamp").and_then(|at| schema::UtcSeconds::parse(at).ok());
    made.zip(step.ended_at).is_some_and(|(made, ended)| step.at <= made && made <= ended)
}

/// Looks at the default storage class that a step switched from `from` to `to`. Of a step that stopped in the middle both
/// may be marked.
pub(super) fn observe_default_class(
    host: &Host,
    from: Option<&str>,
    to: &str,
    half_done: bool,
) -> Result<LiveState, ProbeError> {
    let Some(list) = fetch(host, STORAGE_CLASSES)? else { return Ok(LiveState::Absent) };
    let defaults = default_classes(&list);
    let is_former = match from {
        Some(from) => defaults == [from],
        None => defaults.is_empty(),
    };
    if is_former {
        return Ok(LiveState::Absent);
    }
    let has = |class: &str| defaults.iter().any(|default| default == class);
    let both = half_done && defaults.len() == 2 && from.is_some_and(has) && has(to);
    if defaults != [to] && !both {
        return Ok(LiveState::Changed(Divergence::DefaultSwitched));
    }
    Ok(match from {
        Some(from) if !exists(&list, from) => {
            LiveState::Changed(Divergence::FormerDefaultGone(from.to_owned()))
        }
        _ => LiveState::Unchanged,
    })
}

fn exists(list: &Value, class: &str) -> bool {
    let items = list.get("items").and_then(Value::as_array);
    items.is_some_and(|items| items.iter().any(|item| text(item, "/metadata/name") == Some(class)))
}
