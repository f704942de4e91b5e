//! The plan of a run: made with a stop at every safe point.
//!
//! Every component is detected before the first is planned, and planned before the first is changed: the operator agrees to
//! the whole, and a component that cannot be planned stops the run while nothing has happened yet.

use schema::{Component, ComponentRecord, ComponentResult, Execution, PlannedAction, Step};

use super::record::RunRecorder;
use crate::component::{ComponentPlan, Detection, PlanContext, Probe, components, detect, plan, spec_of};
use crate::host::Host;
use crate::terminal::{Signal, Signals};

/// A component, what was found of it, and what is planned.
#[derive(Clone, Debug)]
pub struct PlannedComponent {
    /// The component.
    pub component: Component,
    /// What was found.
    pub detection: Detection,
    /// What is planned.
    pub plan: ComponentPlan,
    /// The version that is there, where it is kept as it is and tells one.
    pub installed: Option<String>,
}

/// What a run would do to a component, as the plan shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedChange {
    /// It is not there and is made.
    Create,
    /// It is there and is changed, or completed.
    Change,
    /// It is there and stays as it is.
    Unchanged,
    /// It could not be found out what it is, or something rules it out.
    Unknown,
}

impl PlannedComponent {
    /// What a run would do to it; `None` if the run has no use for it.
    pub fn change(&self) -> Option<PlannedChange> {
        let edits_alone = || {
            !self.plan.steps.is_empty() && self.plan.steps.iter().all(crate::step::Step::edits_a_shared_file)
        };
        Some(match (self.plan.action, &self.detection) {
            (PlannedAction::Skip, _) => return None,
            (PlannedAction::Pending, _) => PlannedChange::Unknown,
            (PlannedAction::Reuse, _) => PlannedChange::Unchanged,
            (_, Detection::Missing) if !edits_alone() => PlannedChange::Create,
            _ => PlannedChange::Change,
        })
    }

    /// What a manifest says of the component before anything was done; in a dry run that is the last word.
    pub fn record(&self, execution: Execution) -> ComponentRecord {
        let result = match (self.plan.action, execution) {
            (PlannedAction::Skip, _) => ComponentResult::Skipped,
            (_, Execution::DryRun) => ComponentResult::DryRun,
            (_, Execution::Apply) => ComponentResult::Pending,
        };
        ComponentRecord { detected_before: self.detection.word(), planned_action: self.plan.action, result }
    }
}

/// A signal arrived at a safe point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted(pub Signal);

/// Detects and plans every component of the mode, and records both.
///
/// # Errors
/// A signal arrived; the components that were looked at are not recorded then, unless all of them were.
pub fn detect_and_plan(
    host: &Host,
    context: &PlanContext<'_>,
    record: &mut RunRecorder,
    signals: &Signals,
) -> Result<Vec<PlannedComponent>, Interrupted> {
    record.enter_step(Step::Detect);
    // One probe for all: it asks once whether there is a cluster, and stops asking one that is silent.
    let probe = Probe::new(host, context.settings).with_history(record.history());
    let detections = detect_each(&probe, signals)?;
    record.enter_step(Step::Plan);
    let planned: Vec<PlannedComponent> = detections
        .into_iter()
        .map(|(component, detection)| {
            let plan = plan(component, &detection, context);
            let installed = installed_version(component, &plan, &probe);
            PlannedComponent { component, detection, plan, installed }
        })
        .collect();
    // All entries at once: a reader of the manifest sees no plan or the whole plan.
    let execution = record.public().execution;
    let records = planned.iter().map(|planned| (planned.component, planned.record(execution)));
    record.set_plan(records, context.settings.tls.issuer());
    // Once more after the record is written: the next thing is a question, or a change.
    check_signals(signals)?;
    Ok(planned)
}

fn detect_each(probe: &Probe<'_>, signals: &Signals) -> Result<Vec<(Component, Detection)>, Interrupted> {
    let mut detections = Vec::new();
    for component in components(probe.settings.mode) {
        check_signals(signals)?;
        detections.push((component, detect(component, probe)));
    }
    check_signals(signals)?;
    Ok(detections)
}

/// The version of a component that is kept as it is. One that does not tell it is shown without.
fn installed_version(component: Component, plan: &ComponentPlan, probe: &Probe<'_>) -> Option<String> {
    let is_kept = plan.action == PlannedAction::Reuse;
    is_kept.then(|| spec_of(component).installed_version(probe).ok().flatten()).flatten()
}

fn check_signals(signals: &Signals) -> Result<(), Interrupted> {
    signals.pending().map_or(Ok(()), |signal| Err(Interrupted(signal)))
}
