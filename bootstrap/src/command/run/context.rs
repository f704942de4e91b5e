//! A run whose first record is written: what an apply and a dry run have in common from there to their end.

use std::path::PathBuf;

use schema::{CommandName, CommandResult, Execution, Finish, Platform};
use telemetry::Consent;

use super::request::Request;
use crate::command::error::Error;
use crate::command::inputs;
use crate::component::PlanContext;
use crate::host::{Host, RunLog};
use crate::preflight::{self, PreflightReport};
use crate::run::{
    Interrupted, PlannedComponent, RunPaths, Session, TelemetryReporter, detect_and_plan, features,
    local_facts,
};
use crate::settings::{Artifacts, Settings};
use crate::terminal::{Printer, Signals};

/// Directory below that of the runs to which artifacts are fetched; a run that ends well leaves none.
const STAGING: &str = "staging";

/// A run whose first record is written.
pub(super) struct RunContext {
    pub(super) session: Session,
    pub(super) reporter: TelemetryReporter,
    pub(super) host: Host,
    pub(super) settings: Settings,
    pub(super) consent: Consent,
    pub(super) paths: RunPaths,
    pub(super) staging: PathBuf,
    pub(super) warnings: Vec<String>,
    platform: Platform,
}

impl RunContext {
    /// Writes the first record and reports that the run began.
    ///
    /// # Errors
    /// The records cannot be used, or the artifacts are where the run would delete them. The host was not touched.
    pub(super) fn new(request: Request, execution: Execution, printer: &mut Printer) -> Result<Self, Error> {
        let Request { inputs, settings, consent, mut warnings } = request;
        let shown = warnings.len();
        let runs_dir = inputs::runs_dir(&inputs);
        let staging = std::path::absolute(&runs_dir).unwrap_or_else(|_| runs_dir.clone()).join(STAGING);
        if let Artifacts::Local(given) = &settings.artifacts
            && std::path::absolute(given).is_ok_and(|given| given == staging)
        {
            return Err(Error::ArtifactsInStaging);
        }
        let platform = inputs::platform(&Host::this_machine(RunLog::discard()));
        let gate = Session::gate(&inputs, &settings);
        let kind = (execution, settings.mode);
        let mut session = Session::begin(&runs_dir, gate.clone(), kind, platform.clone(), &mut warnings)?;
        let subject = (CommandName::Run, settings.mode, execution);
        let mut reporter =
            TelemetryReporter::new(&consent, &session.envelope, &gate, &runs_dir, subject, &mut warnings);
        inputs::warn_all(&warnings[shown..], printer);
        reporter.started();
        let enabled = consent.proof().is_some();
        session.record.set_settings(features(&settings, enabled), local_facts(&settings));
        // A log that cannot be opened does not stop the run: the journal in the private context is what undoes it.
        let log = session.record.files().log().map_or_else(|_| RunLog::discard(), RunLog::to);
        settings.secrets().into_iter().for_each(|secret| log.redact(secret));
        let paths = RunPaths::of(session.record.files());
        let host = Host::this_machine(log);
        Ok(Self { session, reporter, host, settings, consent, paths, staging, warnings, platform })
    }

    /// Checks the host for this run.
    pub(super) fn preflight(&self) -> PreflightReport {
        preflight::check(&self.host, &self.platform, &self.settings)
    }

    /// Detects and plans the components, and records both.
    ///
    /// # Errors
    /// A signal arrived.
    pub(super) fn plan(&mut self, signals: &Signals) -> Result<Vec<PlannedComponent>, Interrupted> {
        let context =
            PlanContext { settings: &self.settings, arch: self.host.arch(), staging: &self.staging };
        detect_and_plan(&self.host, &context, &mut self.session.record, signals)
    }

    /// Writes the last record, reports it, and shows what went wrong with either: once, and kept for the document.
    pub(super) fn finish(&mut self, finish: Finish, exit_code: u8, printer: &mut Printer) {
        self.session.record.finish(finish, exit_code);
        self.reporter.completed(CommandResult::from(finish), Some(self.session.record.public()));
        let late = self.session.record.take_warnings().into_iter().chain(self.reporter.take_warning());
        let late: Vec<String> = late.collect();
        inputs::warn_all(&late, printer);
        self.warnings.extend(late);
    }
}
