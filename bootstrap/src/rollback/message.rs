//! What the operator is told of a step and its undoing: the one place where facts of a rollback become sentences.

use manifest::{PreviousFile, PrivateContext, StepRecord, Undo};

use super::item::Relation;
use super::observe::object;
use crate::component::{Remainder, spec_of};
use crate::step::KUBECONFIG;

/// What a step made, in a few words.
pub(super) fn subject(step: &StepRecord) -> String {
    match &step.undo {
        Undo::None => step.action.clone(),
        Undo::File { path, .. } => path.display().to_string(),
        Undo::Directory { path } => format!("directory {}", path.display()),
        Undo::LineBlock { path, marker, .. } => format!("block {marker} of {}", path.display()),
        Undo::Line { path, .. } => format!("line of {}", path.display()),
        Undo::Object { .. } => object(&step.undo).map_or_else(String::new, |object| object.to_string()),
        Undo::HelmRelease { release, namespace, .. } => format!("helm release {namespace}/{release}"),
        Undo::Package { name } => format!("package {name}"),
        Undo::Service { name } | Undo::ServiceUnit { name, .. } => format!("service {name}"),
        Undo::DefaultStorageClass { to, .. } => format!("default storage class {to}"),
    }
}

/// What exactly changes when the step is undone.
pub(super) fn change(step: &StepRecord) -> String {
    let subject = subject(step);
    match &step.undo {
        Undo::None => format!("{subject} (what was there is not recorded)"),
        Undo::File { previous: PreviousFile::Absent, .. }
        | Undo::Directory { .. }
        | Undo::Package { .. }
        | Undo::LineBlock { previous: None, .. }
        | Undo::ServiceUnit { unit: PreviousFile::Absent, .. } => format!("remove {subject}"),
        Undo::File { .. } => format!("restore the former content of {subject}"),
        Undo::LineBlock { .. } => format!("restore the former {subject}"),
        Undo::Line { path, line } => format!("remove this line from {}: {line}", path.display()),
        Undo::Object { uid, object_kind, .. } => {
            let uid = uid.as_ref().map_or_else(String::new, |uid| format!(", UID {uid}"));
            let also = match object_kind.as_str() {
                "Ingress" => ", and with it the certificate issued for it",
                _ => "",
            };
            format!("delete {subject}{uid}{also}")
        }
        Undo::HelmRelease { release, .. } if release == "longhorn" => {
            format!("confirm its deletion to Longhorn, then uninstall {subject}; its namespace stays")
        }
        Undo::HelmRelease { .. } => format!("uninstall {subject}; its namespace stays"),
        Undo::Service { .. } => format!("disable {subject}"),
        Undo::ServiceUnit { name, .. } => format!(
            "restore the former unit of {subject}, its environment and its start at boot; to apply it: systemctl restart {name}"
        ),
        Undo::DefaultStorageClass { from: Some(from), .. } => {
            format!("make {from} the default storage class again, in place of the run's")
        }
        Undo::DefaultStorageClass { from: None, .. } => format!("leave no {subject}"),
    }
}

/// The data that undoing the step deletes for good.
pub(super) fn deletes(step: &StepRecord) -> Option<String> {
    let by_component = spec_of(step.component).deletes(step);
    by_component.or_else(|| match &step.undo {
        Undo::Object { object_kind, .. } if object_kind == "PersistentVolumeClaim" => {
            Some(format!("all data of {}", subject(step)))
        }
        _ => None,
    })
}

/// What stays when the step is undone.
pub(super) fn remains(step: &StepRecord) -> &'static [Remainder] {
    spec_of(step.component).remains(step)
}

/// Why undoing is safe when the host is as the run left it.
pub(super) const fn safe_because(step: &StepRecord) -> &'static str {
    match &step.undo {
        Undo::File { .. } => "its SHA-256 is the one that the run wrote",
        Undo::Directory { .. } => "the run created it, and it will be empty",
        Undo::LineBlock { .. } => "the block is as the run wrote it; other lines are not changed",
        Undo::Line { .. } => "the line is as the run wrote it; other lines are not changed",
        Undo::Object { .. } => "same object that the run created (UID matches)",
        Undo::HelmRelease { .. } => "its only revision is the run's",
        Undo::DefaultStorageClass { .. } => "the run changed it, and it was not changed since",
        Undo::ServiceUnit { .. } => "the SHA-256 of the unit is the one that the run wrote",
        Undo::None | Undo::Package { .. } | Undo::Service { .. } => "",
    }
}

/// How what is found in the place of a step hangs on it.
pub(super) fn relation(step: &StepRecord) -> Relation {
    match &step.undo {
        Undo::Directory { .. } => Relation::Content,
        Undo::HelmRelease { .. } => Relation::Data,
        Undo::Object { object_kind, .. } if object_kind == "Namespace" => Relation::Content,
        _ => Relation::User,
    }
}

/// Why the operator has to do it, and how.
pub(super) fn by_hand(step: &StepRecord) -> String {
    if let Some(how) = spec_of(step.component).by_hand(step) {
        return how;
    }
    match &step.undo {
        Undo::None => {
            "it was there before the run, which brought it up to date; its former state is not recorded"
                .to_owned()
        }
        Undo::Package { name } => format!("may be in use; if not: apt-get remove {name}"),
        Undo::Service { name } => {
            format!("may be in use; if not: systemctl disable --now {name}")
        }
        _ => "may be in use; if not, remove it".to_owned(),
    }
}

/// The command with which the operator can inspect it.
pub(super) fn inspect(step: &StepRecord) -> String {
    match &step.undo {
        Undo::None => observe_written(step.wrote.as_deref().unwrap_or_default()),
        Undo::File { path, .. } => format!("sha256sum {}", path.display()),
        Undo::Directory { path } => format!("ls -la {}", path.display()),
        Undo::LineBlock { path, marker, .. } => {
            format!("sed -n '/# BEGIN {marker}/,/# END {marker}/p' {}", path.display())
        }
        Undo::Line { path, .. } => format!("cat {}; exportfs -v", path.display()),
        Undo::Object { object_kind, namespace, name, .. } => match (object_kind.as_str(), namespace) {
            ("Namespace", _) => {
                let kinds = "$(k3s kubectl api-resources --verbs=list --namespaced -o name | paste -sd,)";
                format!("k3s kubectl get {kinds} -n {name}")
            }
            ("CustomResourceDefinition", _) => format!("k3s kubectl get {name} --all-namespaces"),
            (kind, Some(namespace)) => {
                format!("k3s kubectl -n {namespace} get {} {name} -o yaml", kind.to_lowercase())
            }
            (kind, None) => format!("k3s kubectl get {} {name} -o yaml", kind.to_lowercase()),
        },
        Undo::HelmRelease { release, namespace, .. } => helm_history(namespace, release),
        Undo::Package { name } => format!("apt-cache rdepends --installed {name}"),
        Undo::Service { name } | Undo::ServiceUnit { name, .. } => format!("systemctl status {name}"),
        Undo::DefaultStorageClass { .. } => "k3s kubectl get storageclass".to_owned(),
    }
}

/// The command that shows the record itself.
pub(super) fn inspect_record(context: &PrivateContext) -> String {
    format!("less bootstrap-{}-private.json", context.run_id)
}

/// The command that shows what a step says it wrote: an object, a release or a service.
fn observe_written(wrote: &str) -> String {
    let (kind, place) = match wrote.split(' ').collect::<Vec<_>>().as_slice() {
        [_, kind, place] => (Some(kind.to_lowercase()), (*place).to_owned()),
        _ => (None, wrote.to_owned()),
    };
    match (kind, place.split_once('/')) {
        (Some(kind), Some((namespace, name))) => {
            format!("k3s kubectl -n {namespace} get {kind} {name} -o yaml")
        }
        (Some(kind), None) => format!("k3s kubectl get {kind} {place} -o yaml"),
        (None, Some((namespace, release))) => helm_history(namespace, release),
        (None, None) => format!("systemctl status {place}"),
    }
}

/// helm by itself looks for a cluster of the caller.
fn helm_history(namespace: &str, release: &str) -> String {
    format!("helm -n {namespace} --kubeconfig {KUBECONFIG} history {release}")
}
