//! What a run means to do with a component.

use std::path::Path;

use schema::{Arch, ComponentResult, PlannedAction};

use super::{BuiltInSums, Detection};
use crate::settings::Settings;
use crate::step::{Check, Step};

/// What plans are made from, apart from the detection.
#[derive(Clone, Copy, Debug)]
pub struct PlanContext<'a> {
    /// The inputs of the run.
    pub settings: &'a Settings,
    /// Processor architecture of the host.
    pub arch: Arch,
    /// Absolute path of the directory that artifacts are fetched to, `/var/lib/productive-k3s/staging/<run id>`. Only
    /// root can enter it.
    pub staging: &'a Path,
    /// The checksums of default artifacts that the program carries.
    pub sums: BuiltInSums,
}

/// The plan of one component.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentPlan {
    /// What is meant to be done.
    pub action: PlannedAction,
    /// The steps, in order. None where the component is reused, skipped or blocked.
    pub steps: Vec<Step>,
    /// What must be so afterwards, in order. A reused component is verified too.
    pub verify: Vec<Check>,
    /// Why nothing can be planned. A run must not go on; a dry run shows it.
    pub blocked: Option<String>,
}

impl ComponentPlan {
    /// The component is left out.
    pub(super) fn skip() -> Self {
        Self { action: PlannedAction::Skip, steps: Vec::new(), verify: Vec::new(), blocked: None }
    }

    /// Nothing can be planned, because the state of the component could not be told or speaks against it.
    pub(super) fn blocked(reason: String) -> Self {
        let blocked = Some(reason);
        Self { action: PlannedAction::Pending, steps: Vec::new(), verify: Vec::new(), blocked }
    }

    /// Installs what is missing, completes what is incomplete, and reuses what is there. The steps are only made where
    /// they are needed.
    pub(super) fn for_state(
        detection: &Detection,
        steps: impl FnOnce() -> Vec<Step>,
        verify: Vec<Check>,
    ) -> Self {
        let action = match detection {
            Detection::Missing => PlannedAction::Install,
            Detection::Incomplete(_) => PlannedAction::Ensure,
            _ => PlannedAction::Reuse,
        };
        Self::doing(action, steps, verify)
    }

    /// Brings a setting of the host or the cluster about, or reuses the one that is there.
    pub(super) fn ensuring(
        detection: &Detection,
        steps: impl FnOnce() -> Vec<Step>,
        verify: Vec<Check>,
    ) -> Self {
        let action = match detection {
            Detection::Missing | Detection::Incomplete(_) => PlannedAction::Ensure,
            _ => PlannedAction::Reuse,
        };
        Self::doing(action, steps, verify)
    }

    /// Does `action`.
    pub(super) fn doing(
        action: PlannedAction,
        steps: impl FnOnce() -> Vec<Step>,
        verify: Vec<Check>,
    ) -> Self {
        let steps = if action == PlannedAction::Reuse { Vec::new() } else { steps() };
        Self { action, steps, verify, blocked: None }
    }

    /// What became of the component once every step is done and the verification has passed.
    pub fn result(&self) -> ComponentResult {
        match self.action {
            PlannedAction::Install | PlannedAction::Update => ComponentResult::Installed,
            PlannedAction::Ensure | PlannedAction::AddExport => ComponentResult::Configured,
            PlannedAction::Reuse => ComponentResult::Reused,
            PlannedAction::Skip => ComponentResult::Skipped,
            PlannedAction::Pending => ComponentResult::Pending,
        }
    }
}
