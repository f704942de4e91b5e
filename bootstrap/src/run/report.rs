//! What the operator gets to see of a run: as text, or as one JSON document.

use std::path::PathBuf;

use manifest::RunFiles;
use schema::{Execution, Id, Mode, PlannedAction, RunManifest, Status};
use serde::Serialize;

use super::{Generated, Planned, Summary};
use crate::preflight::Report;
use crate::terminal::Printer;

/// The JSON document of a run. For the operator of this host: it holds paths, but no secret.
#[derive(Debug, Serialize)]
pub(crate) struct RunReport<'a> {
    run_id: &'a Id,
    mode: Mode,
    execution: Execution,
    status: Status,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    preflight: &'a Report,
    plan: Vec<PlanEntry>,
    files: &'a Files,
    telemetry: Telemetry,
    warnings: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    generated: &'a [Generated],
}

/// Where the files of a run are.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Files {
    public: PathBuf,
    private: PathBuf,
    log: PathBuf,
}

#[derive(Debug, Serialize)]
struct Telemetry {
    enabled: bool,
    why: String,
}

#[derive(Debug, Serialize)]
struct PlanEntry {
    component: schema::Component,
    detected_before: schema::DetectedBefore,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    planned_action: PlannedAction,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<schema::ComponentResult>,
    steps: Vec<StepEntry>,
    verify: Vec<String>,
}

#[derive(Debug, Serialize)]
struct StepEntry {
    title: String,
    does: Vec<String>,
}

impl Files {
    /// The files of `run`.
    pub(crate) fn of(run: &RunFiles) -> Self {
        let (runs, id) = (run.runs(), run.run());
        Self { public: runs.public_path(id), private: runs.private_path(id), log: runs.log_path(id) }
    }

    /// The full log.
    pub(crate) fn log(&self) -> &std::path::Path {
        &self.log
    }

    /// Tells where the files are.
    pub(crate) fn show(&self, printer: &mut Printer) {
        printer.data(&format!("Public record   {}", self.public.display()));
        printer.data(&format!("Private record  {} (stays on this host)", self.private.display()));
    }
}

impl<'a> RunReport<'a> {
    /// The document of a run that has ended as `manifest` says.
    pub(crate) fn new(
        manifest: &'a RunManifest,
        preflight: &'a Report,
        planned: &[Planned],
        files: &'a Files,
        consent: &telemetry::Consent,
        warnings: &'a [String],
    ) -> Self {
        Self {
            run_id: &manifest.run_id,
            mode: manifest.bootstrap_mode,
            execution: manifest.execution,
            status: manifest.status,
            exit_code: manifest.exit_code.unwrap_or_default(),
            error: None,
            preflight,
            plan: planned.iter().map(|planned| PlanEntry::new(planned, manifest)).collect(),
            files,
            telemetry: Telemetry { enabled: consent.proof().is_some(), why: consent.reason().to_string() },
            warnings,
            generated: &[],
        }
    }

    /// Adds the passwords that the run has made; they are shown only here.
    pub(crate) fn generated(mut self, summary: &'a Summary) -> Self {
        self.generated = summary.generated();
        self
    }

    /// Adds why the run failed.
    pub(crate) fn error(mut self, error: Option<&'a str>) -> Self {
        self.error = error;
        self
    }
}

impl PlanEntry {
    fn new(planned: &Planned, manifest: &RunManifest) -> Self {
        Self {
            component: planned.component,
            detected_before: planned.detection.word(),
            detail: planned.detection.detail().map(str::to_owned),
            planned_action: planned.plan.action,
            result: manifest.components.get(planned.component).map(|record| record.result),
            steps: planned
                .plan
                .steps
                .iter()
                .map(|step| StepEntry { title: step.title.clone(), does: step.describe() })
                .collect(),
            verify: planned.plan.verify.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Prints the plan: for each component what was found, what will be done, and each step.
pub(crate) fn show_plan(planned: &[Planned], printer: &mut Printer) {
    for Planned { component, detection, plan } in planned {
        let found = detection.word();
        let action = match plan.blocked {
            Some(_) => "cannot be planned",
            None => plan.action.as_str(),
        };
        printer.heading(&format!("{component:<21}  {found:<22}  {action}"));
        if let Some(detail) = detection.detail() {
            printer.wrapped("    ", detail);
        }
        for (number, step) in plan.steps.iter().enumerate() {
            printer.data(&format!("  {:>2}. {}", number + 1, step.title));
            for line in step.describe() {
                let text = line.trim_start();
                let indent = " ".repeat(6 + line.len() - text.len());
                printer.folded(&indent, &format!("{indent}  "), text);
            }
        }
        for check in &plan.verify {
            printer.wrapped("   => ", &check.to_string());
        }
    }
}
