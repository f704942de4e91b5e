//! What the operator gets to see at the end of a run: as text, or as one JSON document.
//!
//! The public manifest is not that document: it must hold no path and no password, and the operator needs both.

use std::path::{Path, PathBuf};
use std::time::Duration;

use manifest::RunFiles;
use schema::{Component, ComponentResult, Execution, Id, Mode, Platform, RunManifest, Status};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Serialize, Serializer};

use super::plan::PlannedComponent;
use super::plan_data::PlanEntry;
use crate::preflight::PreflightReport;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::terminal::Printer;

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

/// How long the components took, and which generated passwords are to be shown.
#[derive(Debug, Default)]
pub struct RunSummary {
    took: Vec<(Component, Duration)>,
    generated: Vec<Generated>,
}

/// A password that this run, or one before it, has generated. This is the only place where it is ever shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Generated {
    component: Component,
    #[serde(serialize_with = "exposed")]
    #[schemars(with = "String")]
    password: Secret,
}

impl RunPaths {
    /// The files of `run`.
    pub fn of(run: &RunFiles) -> Self {
        let (runs, id) = (run.runs(), run.run());
        Self { public: runs.public_path(id), private: runs.private_path(id), log: runs.log_path(id) }
    }

    /// The public record.
    pub fn public(&self) -> &Path {
        &self.public
    }

    /// The full log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Tells where the files are.
    pub fn show(&self, printer: &mut Printer) {
        printer.data(&format!("Public record   {}", self.public.display()));
        printer.data(&format!("Private record  {} (stays on this host)", self.private.display()));
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
    pub fn generated(mut self, summary: &'a RunSummary) -> Self {
        self.generated = summary.generated();
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

impl RunSummary {
    /// Adds how long a component took.
    pub fn add(&mut self, component: Component, took: Duration) {
        self.took.push((component, took));
    }

    /// Adds the passwords that are to be shown.
    pub fn add_passwords(&mut self, passwords: Vec<(Component, Secret)>) {
        let generated = passwords.into_iter().map(|(component, password)| Generated { component, password });
        self.generated.extend(generated);
    }

    /// The passwords that are to be shown.
    pub fn generated(&self) -> &[Generated] {
        &self.generated
    }

    /// Prints what was done, where it is reachable, and the generated passwords.
    pub fn show(&self, manifest: &RunManifest, settings: &Settings, printer: &mut Printer) {
        printer.heading(&format!("Run {}: {}", manifest.run_id, manifest.status));
        for (component, record) in manifest.components.iter() {
            let took = self.took.iter().find(|(of, _)| *of == component);
            let took = took.map(|(_, took)| format!("{:.1} s", took.as_secs_f32())).unwrap_or_default();
            printer.data(format!("  {component:<21}  {:<11}  {took}", record.result).trim_end());
        }
        for (component, host) in
            [(Component::Rancher, &settings.rancher.host), (Component::Registry, &settings.registry.host)]
        {
            // Where to find it is said only where the run has verified that it is there.
            let result = manifest.components.get(component).map(|record| record.result);
            if matches!(
                result,
                Some(ComponentResult::Installed | ComponentResult::Reused | ComponentResult::Configured)
            ) {
                printer.data(&format!("{component} is at https://{host}"));
            }
        }
        for Generated { component, password } in &self.generated {
            printer.data(&format!("Generated password for {component} (shown once): {}", password.expose()));
        }
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
