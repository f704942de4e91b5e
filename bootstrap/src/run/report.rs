//! What a program gets to see of a run: one JSON document.
//!
//! The public manifest is not that document: it must hold no path and no password, and the operator needs both.

use std::path::{Path, PathBuf};

use manifest::RunFiles;
use schema::{Component, Execution, Id, Mode, Platform, RunManifest, Status};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Serialize, Serializer};

use super::plan::PlannedComponent;
use super::plan_data::PlanEntry;
use crate::preflight::PreflightReport;
use crate::secret::Secret;
use crate::settings::Settings;

/// The form of the document. A field that is added keeps it, anything else gets the next number.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
enum RunFormat {
    /// What a run would do.
    #[serde(rename = "plan/v1")]
    Plan,
    /// What a run has done; the plan is that of before.
    #[serde(rename = "run/v1")]
    Run,
}

/// The JSON document of a run. For the operator of this host: it holds paths, and the passwords that the run
/// has made, which are shown nowhere else.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Plan or result of a run of Productive K3S")]
pub struct RunReport<'a> {
    format: RunFormat,
    run_id: &'a Id,
    mode: Mode,
    execution: Execution,
    status: Status,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    platform: &'a Platform,
    preflight: &'a PreflightReport,
    plan: Vec<PlanEntry>,
    files: &'a RunPaths,
    telemetry: Telemetry,
    warnings: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    generated: &'a [Generated],
}

/// Where the files of a run are.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunPaths {
    public: PathBuf,
    private: PathBuf,
    log: PathBuf,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Telemetry {
    enabled: bool,
    why: String,
}

/// A password that this run, or one before it, has generated. This is the only place where it is ever shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Generated {
    pub(super) component: Component,
    #[serde(serialize_with = "exposed")]
    #[schemars(with = "String")]
    pub(super) password: Secret,
}

impl RunPaths {
    /// The files of `run`.
    pub fn of(run: &RunFiles) -> Self {
        let (runs, id) = (run.runs(), run.run());
        Self { public: runs.public_path(id), private: runs.private_path(id), log: runs.log_path(id) }
    }

    #[cfg(test)]
    pub(super) fn sample() -> Self {
        let file = |end| PathBuf::from(format!("runs/bootstrap-9f86d081884c7d65{end}"));
        Self { public: file(".json"), private: file("-private.json"), log: file(".log") }
    }

    /// The public record.
    pub fn public(&self) -> &Path {
        &self.public
    }

    /// The full log.
    pub fn log(&self) -> &Path {
        &self.log
    }
}

impl<'a> RunReport<'a> {
    /// The document of a run that has ended as `manifest` says.
    pub fn new(
        manifest: &'a RunManifest,
        preflight: &'a PreflightReport,
        (planned, settings): (&[PlannedComponent], &Settings),
        files: &'a RunPaths,
        consent: &telemetry::Consent,
        warnings: &'a [String],
    ) -> Self {
        Self {
            format: if manifest.execution == Execution::DryRun { RunFormat::Plan } else { RunFormat::Run },
            run_id: &manifest.run_id,
            mode: manifest.bootstrap_mode,
            execution: manifest.execution,
            status: manifest.status,
            exit_code: manifest.exit_code.unwrap_or_default(),
            error: None,
            platform: &manifest.platform,
            preflight,
            plan: planned.iter().map(|planned| PlanEntry::new(planned, settings, manifest)).collect(),
            files,
            telemetry: Telemetry { enabled: consent.proof().is_some(), why: consent.reason().to_string() },
            warnings,
            generated: &[],
        }
    }

    /// Adds the generated passwords; they are shown only here.
    pub fn generated(mut self, generated: &'a [Generated]) -> Self {
        self.generated = generated;
        self
    }

    /// Says that the process ends with another code than the run is recorded with.
    pub fn exit_code(mut self, exit_code: u8) -> Self {
        self.exit_code = exit_code;
        self
    }

    /// Adds why the run failed.
    pub fn error(mut self, error: Option<&'a str>) -> Self {
        self.error = error;
        self
    }
}

/// JSON Schema of the document of a run and of a dry run.
pub fn run_schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<RunReport<'_>>().to_value()
}

fn exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_schema_is_that_of_the_document() {
        let committed: serde_json::Value =
            serde_json::from_str(include_str!("../../run.schema.json")).expect("JSON");
        assert_eq!(
            committed,
            super::run_schema(),
            "fix it with: bootstrap run-schema > bootstrap/run.schema.json"
        );
    }
}
