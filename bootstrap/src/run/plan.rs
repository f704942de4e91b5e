//! Looking at every component of a run and planning it, with a stop at every safe point.

use schema::{Component, ComponentRecord, ComponentResult, Execution, PlannedAction, Step};

use super::Record;
use crate::component::{ComponentPlan, Detection, PlanContext, Probe, components, detect, plan};
use crate::exit::Signal;
use crate::host::Host;
use crate::settings::Settings;
use crate::terminal::Signals;

/// A component, what was found of it, and what is planned.
#[derive(Clone, Debug)]
pub struct PlannedComponent {
    /// The component.
    pub component: Component,
    /// What was found.
    pub detection: Detection,
    /// What is planned.
    pub plan: ComponentPlan,
}

impl PlannedComponent {
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
pub struct Stopped(pub Signal);

/// Detects and plans every component of the mode, and records both.
pub fn detect_and_plan(
    host: &Host,
    context: &PlanContext<'_>,
    record: &mut Record,
    signals: &Signals,
) -> Result<Vec<PlannedComponent>, Stopped> {
    record.enter(Step::Detect);
    let detections = detect_each(host, context.settings, signals)?;
    record.enter(Step::Plan);
    let planned: Vec<PlannedComponent> = detections
        .into_iter()
        .map(|(component, detection)| PlannedComponent {
            component,
            plan: plan(component, &detection, context),
            detection,
        })
        .collect();
    let execution = record.public().execution;
    let records = planned.iter().map(|planned| (planned.component, planned.record(execution)));
    record.plan(records, context.settings.tls.issuer());
    check(signals)?;
    Ok(planned)
}

fn detect_each(
    host: &Host,
    settings: &Settings,
    signals: &Signals,
) -> Result<Vec<(Component, Detection)>, Stopped> {
    let probe = Probe::new(host, settings);
    let mut detections = Vec::new();
    for component in components(settings.mode) {
        check(signals)?;
        detections.push((component, detect(component, &probe)));
    }
    check(signals)?;
    Ok(detections)
}

fn check(signals: &Signals) -> Result<(), Stopped> {
    signals.pending().map_or(Ok(()), |signal| Err(Stopped(signal)))
}
