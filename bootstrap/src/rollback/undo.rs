//! From what a step left to the steps that take it back.

use manifest::{PreviousFile, StepRecord, Undo};

use super::live_state::LiveState;
use super::message;
use super::observe::object;
use crate::component::spec_of;
use crate::host::{Host, ProbeError};
use crate::step::{Action, FormerService, Step, UndoAction};

/// The steps that take `step` back, given what was found of it right before. None where there is nothing to do.
///
/// # Errors
/// What the steps depend on could not be found out.
pub(super) fn steps(host: &Host, step: &StepRecord, live_state: &LiveState) -> Result<Vec<Step>, ProbeError> {
    // A component may have more to do than what is seen, such as telling the kernel.
    let is_line = matches!(step.undo, Undo::Line { .. });
    if *live_state == LiveState::Absent && !is_line {
        return Ok(Vec::new());
    }
    if let Some(steps) = spec_of(step.component).undo(step, host)? {
        return Ok(steps);
    }
    let title = message::subject(step);
    Ok(general(&step.undo).into_iter().map(|action| Step::new(&title, Action::Undo(action))).collect())
}

/// Whether undoing it puts back what was there before, and does not just remove something.
pub(super) fn restores(undo: &Undo) -> bool {
    match undo {
        Undo::File { previous, .. } => *previous != PreviousFile::Absent,
        Undo::LineBlock { previous, .. } => previous.is_some(),
        Undo::ServiceUnit { unit, environment, .. } => {
            [unit, environment].iter().any(|former| **former != PreviousFile::Absent)
        }
        Undo::DefaultStorageClass { from, .. } => from.is_some(),
        Undo::None
        | Undo::Directory { .. }
        | Undo::Line { .. }
        | Undo::Object { .. }
        | Undo::HelmRelease { .. }
        | Undo::Package { .. }
        | Undo::Service { .. } => false,
    }
}

/// What takes back exactly what the record names.
fn general(undo: &Undo) -> Option<UndoAction> {
    match undo {
        Undo::File { path, previous, .. } => {
            Some(UndoAction::RestoreFile { path: path.clone(), previous: previous.clone() })
        }
        Undo::Directory { path } => Some(UndoAction::RemoveDir(path.clone())),
        Undo::LineBlock { path, marker, previous, former_mode, .. } => Some(UndoAction::RestoreBlock {
            path: path.clone(),
            marker: marker.clone(),
            previous: previous.clone(),
            former_mode: former_mode.clone(),
        }),
        Undo::Line { path, line } => Some(UndoAction::RemoveLine { path: path.clone(), line: line.clone() }),
        Undo::Object { uid: Some(uid), .. } => {
            Some(UndoAction::DeleteObject { object: object(undo)?, uid: uid.clone() })
        }
        Undo::HelmRelease { release, namespace, .. } => Some(UndoAction::UninstallRelease {
            namespace: namespace.clone(),
            release: release.clone(),
            confirmation: None,
        }),
        Undo::DefaultStorageClass { from, to } => {
            Some(UndoAction::RestoreDefaultClass { from: from.clone(), to: to.clone() })
        }
        Undo::ServiceUnit { name, unit, environment, enabled, .. } => {
            Some(UndoAction::RestoreService(FormerService {
                service: name.clone(),
                unit: unit.clone(),
                environment: environment.clone(),
                enabled: *enabled,
            }))
        }
        // The planner leaves these to the operator.
        Undo::None | Undo::Package { .. } | Undo::Service { .. } | Undo::Object { uid: None, .. } => None,
    }
}
