//! A planned component as data, for programs.

use schema::{Component, ComponentResult, DetectedBefore, PlannedAction, RunManifest};
use schemars::JsonSchema;
use serde::Serialize;

use super::plan::{PlannedChange, PlannedComponent};
use crate::component::spec_of;
use crate::settings::Settings;
use crate::step::{Check, CheckDetail, Step, StepDetail};

/// A planned component.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PlanEntry {
    component: Component,
    /// What a run would do to it.
    change: ChangeDetail,
    /// The version that a run installs, where it installs one.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The version that is there, where it is kept as it is and tells one.
    #[serde(skip_serializing_if = "Option::is_none")]
    installed_version: Option<String>,
    /// What it makes, the most telling first.
    makes: Vec<String>,
    detected_before: DetectedBefore,
    planned_action: PlannedAction,
    /// For a reader: what was found, or why nothing can be planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ComponentResult>,
    /// The steps, in order.
    steps: Vec<StepDetail>,
    /// What must be so afterwards, in order.
    verify: Vec<CheckDetail>,
}

/// What a run would do to a component.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ChangeDetail {
    Create,
    Change,
    Unchanged,
    Unknown,
    Skipped,
}

impl PlanEntry {
    /// The entry of `planned`, with what became of it as `manifest` says.
    pub(super) fn new(planned: &PlannedComponent, settings: &Settings, manifest: &RunManifest) -> Self {
        let PlannedComponent { component, detection, plan, installed } = planned;
        let spec = spec_of(*component);
        let change = planned.change();
        let is_installed = matches!(change, Some(PlannedChange::Create | PlannedChange::Change));
        let version = Some(spec.version(settings)).filter(|version| is_installed && !version.is_empty());
        Self {
            component: *component,
            version: version.map(str::to_owned),
            installed_version: installed.clone(),
            makes: spec.makes(settings),
            detected_before: detection.word(),
            planned_action: plan.action,
            detail: detection.detail(),
            result: manifest.components.get(*component).map(|record| record.result),
            steps: plan.steps.iter().map(Step::detail).collect(),
            verify: plan.verify.iter().map(Check::detail).collect(),
            change: match change {
                Some(PlannedChange::Create) => ChangeDetail::Create,
                Some(PlannedChange::Change) => ChangeDetail::Change,
                Some(PlannedChange::Unchanged) => ChangeDetail::Unchanged,
                Some(PlannedChange::Unknown) => ChangeDetail::Unknown,
                None => ChangeDetail::Skipped,
            },
        }
    }
}
