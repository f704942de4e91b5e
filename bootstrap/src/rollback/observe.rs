//! Looking at what each step of a run left on the host. Nothing is changed.

use std::collections::BTreeMap;

use manifest::{PrivateContext, StepRecord, StepState, Undo};

use super::item::class_of;
use super::live_state::{Divergence, LiveState};
use super::observe_files::FilePlace;
use super::{observe_cluster, observe_files};
use crate::component::spec_of;
use crate::host::{Command, Host, ProbeError};
use crate::step::{ObjectRef, may_be_user_kubeconfig};

/// What is found in the place of each step, by its number.
pub type LiveStates = BTreeMap<u32, LiveState>;

/// Looks at what each step left.
pub fn observe_all(host: &Host, context: &PrivateContext) -> LiveStates {
    let steps = context.steps.iter().filter(|step| class_of(step).is_some());
    steps.map(|step| (step.seq, observe(host, context, step))).collect()
}

/// Looks at what `step` left.
pub(super) fn observe(host: &Host, context: &PrivateContext, step: &StepRecord) -> LiveState {
    // Before anything is looked at: what a record names decides neither what root reads nor what it changes.
    if step.undo != Undo::None && !spec_of(step.component).could_make(&step.undo) {
        return LiveState::Changed(Divergence::NotOfComponent);
    }
    let found = match &step.undo {
        // What was updated cannot be told from here.
        Undo::None => Ok(LiveState::Unchanged),
        Undo::File { path, sha256, previous } => {
            let of_caller = may_be_user_kubeconfig(&step.undo);
            let place = if of_caller { FilePlace::OfCaller } else { FilePlace::System };
            observe_files::observe_file(host, (path, place), sha256, previous)
        }
        Undo::Directory { path } => observe_files::observe_dir(host, path),
        Undo::LineBlock { path, marker, sha256, previous, .. } => {
            observe_files::observe_block(host, path, marker, sha256, previous.as_deref())
        }
        Undo::Line { path, line } => observe_files::observe_line(host, path, line),
        Undo::Object { uid, .. } => match object(&step.undo) {
            Some(reference) => observe_cluster::observe_object(host, step, &reference, uid.as_deref()),
            None => Ok(LiveState::Absent),
        },
        Undo::HelmRelease { release, namespace, revision } => {
            observe_cluster::observe_release(host, step, namespace, release, *revision)
        }
        Undo::Package { name } => host.package_installed(name).map(present),
        Undo::ServiceUnit { name, sha256, unit, environment, .. } => {
            observe_files::observe_unit(host, name, sha256.as_deref(), [unit, environment])
        }
        Undo::Service { name } => is_enabled(host, name).map(present),
        Undo::DefaultStorageClass { from, to } => {
            observe_cluster::observe_default_class(host, from.as_deref(), to, is_half_done(context, step))
        }
    };
    found.into()
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
    use StepState::{Done, Failed, Intent};
    step.state != Done || matches!(context.undo_state(step.seq), Some(Intent | Failed))
}

fn present(found: bool) -> LiveState {
    if found { LiveState::Unchanged } else { LiveState::Absent }
}

fn is_enabled(host: &Host, service: &str) -> Result<bool, ProbeError> {
    Ok(host.ask(&Command::new("systemctl").args(["is-enabled", service]))?.succeeded())
}
