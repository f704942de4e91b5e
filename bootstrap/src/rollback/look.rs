//! Looking at what each step of a run left on the host. Nothing is changed.

use std::collections::BTreeMap;

use manifest::{PriorState, PrivateContext, StepRecord, Undo};
use schema::Component;
use serde_json::Value;

use super::class::class_of;
use super::sight::Sight;
use super::{cluster, files};
use crate::host::{Answer, Command, Host};
use crate::step::{Found, ObjectRef, Revision, STORAGE_CLASSES, default_classes};

/// What is found in the place of each step, by its number.
pub(crate) type Sights = BTreeMap<u32, Sight>;

/// Looks at what each step left.
pub(crate) fn look_at_all(host: &Host, context: &PrivateContext) -> Sights {
    let steps = context.steps.iter().filter(|step| class_of(step).is_some());
    steps.map(|step| (step.seq, look(host, context, step))).collect()
}

/// Looks at what `step` left.
pub(super) fn look(host: &Host, context: &PrivateContext, step: &StepRecord) -> Sight {
    match &step.undo {
        Undo::None => look_at_the_rest(host, step),
        Undo::File { path, sha256, previous } => files::look_at_file(host, path, sha256, previous),
        Undo::Directory { path } => files::look_at_folder(host, path),
        Undo::LineBlock { path, marker, sha256, previous } => {
            files::look_at_block(host, path, marker, sha256, previous.as_deref())
        }
        Undo::Line { path, line } => files::look_at_line(host, path, line),
        Undo::Object { uid, .. } => match object(&step.undo) {
            Some(reference) => cluster::look_at_object(host, &reference, uid.as_deref()),
            None => Sight::Gone,
        },
        Undo::HelmRelease { release, namespace, revision } => {
            look_at_release(host, step, namespace, release, *revision)
        }
        Undo::Package { name } => of_answer(host.package_installed(name)),
        Undo::Service { name } => look_at_service(host, name),
        Undo::DefaultStorageClass { from, to } => {
            look_at_default_class(host, from.as_deref(), to, is_half_done(context, step))
        }
    }
}

/// The object that an undo is about.
pub(super) fn object(undo: &Undo) -> Option<ObjectRef> {
    let Undo::Object { api_version, object_kind, namespace, name, .. } = undo else { return None };
    Some(ObjectRef {
        api_version: api_version.clone(),
        kind: object_kind.clone(),
        namespace: namespace.clone(),
        name: name.clone(),
    })
}

/// Whether an undo is about something of the cluster.
pub(super) fn is_in_cluster(undo: &Undo) -> bool {
    matches!(undo, Undo::Object { .. } | Undo::HelmRelease { .. } | Undo::DefaultStorageClass { .. })
}

/// Whether the step or its undoing may have stopped in the middle.
fn is_half_done(context: &PrivateContext, step: &StepRecord) -> bool {
    use manifest::StepState::{Done, Failed, Intent};
    step.state != Done || matches!(context.undo_state(step.seq), Some(Intent | Failed))
}

/// What the install script of k3s brought is there as long as k3s is; what was updated cannot be told from here.
fn look_at_the_rest(host: &Host, step: &StepRecord) -> Sight {
    let units = ["k3s", "k3s-agent"].iter().any(|unit| host.has_unit(unit));
    if step.component == Component::K3s && step.before == PriorState::Unknown && !units {
        return Sight::Gone;
    }
    Sight::Ours
}

fn of_answer(answer: Answer) -> Sight {
    match answer {
        Answer::Yes => Sight::Ours,
        Answer::No => Sight::Gone,
        Answer::Unknown(reason) => Sight::Unknown(reason),
    }
}

fn look_at_service(host: &Host, name: &str) -> Sight {
    match host.ask(&Command::new("systemctl").args(["is-enabled", name])) {
        Ok(output) if output.succeeded() => Sight::Ours,
        Ok(_) => Sight::Gone,
        Err(error) => Sight::Unknown(error.to_string()),
    }
}

/// Helm numbers the revisions of a release, and keeps a secret for each. The release is the run's if the last number is
/// the one that the run was told and its secret was made while the run installed it.
fn look_at_release(
    host: &Host,
    step: &StepRecord,
    namespace: &str,
    release: &str,
    revision: Option<u32>,
) -> Sight {
    let kept = match cluster::fetch(host, &Revision::path(namespace, release)) {
        Found::Object(kept) => kept,
        Found::NotFound => return Sight::Gone,
        Found::Unknown(reason) => return Sight::Unknown(reason),
    };
    let Some(last) = Revision::all(&kept).pop() else { return Sight::Gone };
    let secrets = kept.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let secret = secrets.iter().find(|secret| cluster::text(secret, "/metadata/name") == Some(&last.secret));
    // An installation that failed was not told a number; it is the first.
    let number = u64::from(revision.unwrap_or(1));
    if last.number != number {
        return Sight::Changed(format!("the release has come to revision {} since", last.number));
    }
    if !secret.is_some_and(|secret| cluster::made_in(step, secret)) {
        return Sight::Changed("the release was not certainly made by the run".to_owned());
    }
    let volumes = if release == "longhorn" { cluster::longhorn_volumes(host) } else { Ok(Vec::new()) };
    match volumes {
        Ok(volumes) if volumes.is_empty() => Sight::Ours,
        Ok(volumes) => Sight::Inhabited(volumes),
        Err(reason) => Sight::Unknown(reason),
    }
}

fn look_at_default_class(host: &Host, from: Option<&str>, to: &str, half_done: bool) -> Sight {
    let list = match cluster::fetch(host, STORAGE_CLASSES) {
        Found::Object(list) => list,
        Found::NotFound => return Sight::Gone,
        Found::Unknown(reason) => return Sight::Unknown(reason),
    };
    let defaults = default_classes(&list);
    let is_former = match from {
        Some(from) => defaults == [from],
        None => defaults.is_empty(),
    };
    let both =
        half_done && defaults.len() == 2 && from.is_some_and(|from| defaults.iter().any(|d| d == from));
    if is_former {
        Sight::Gone
    } else if defaults == [to] || (both && defaults.iter().any(|default| default == to)) {
        match from {
            Some(from) if !exists(&list, from) => {
                Sight::Changed(format!("the former default, {from}, is not there any more"))
            }
            _ => Sight::Ours,
        }
    } else {
        Sight::Changed("the default was switched since".to_owned())
    }
}

fn exists(list: &Value, class: &str) -> bool {
    let items = list.get("items").and_then(Value::as_array);
    items.is_some_and(|items| items.iter().any(|item| cluster::text(item, "/metadata/name") == Some(class)))
}
