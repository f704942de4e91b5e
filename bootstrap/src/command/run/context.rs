//! The beginning of a run, and what an apply and a dry run have in common from there to their end.
//!
//! A [`RunRequest`] is complete before anything is written; a [`RunContext`] exists once the first record is. Two types, so that
//! no question can be asked after a record says that the run began.

use std::path::PathBuf;

use schema::{CommandName, CommandResult, Component, Execution, Finish, Platform};
use telemetry::{Consent, ConsentDecision, ignored_run_id};

use super::requirements;
use super::run_error::RunError;
use crate::cli::RunArgs;
use crate::command::error::{Error, InterruptedAt};
use crate::command::{inputs, inspection};
use crate::component::{BuiltInSums, PlanContext, Probe, spec_of};
use crate::host::{Host, HostLock, RunLog};
use crate::input::{Completeness, Declaration, Inputs, Prompt, resolve};
use crate::layers::RunOrigin;
use crate::preflight::{self, PreflightReport};
use crate::run::{
    Interrupted, PlannedComponent, RunPaths, Session, TelemetryReporter, ask_consent, decided_consent,
    detect_and_plan, features, local_facts,
};
use crate::settings::Settings;
use crate::terminal::{Interruption, Printer, Prompter, Signals, Unanswered, is_interactive};

/// What is known before anything is written.
pub(super) struct RunRequest {
    pub(super) inputs: Inputs,
    pub(super) settings: Settings,
    pub(super) consent: Consent,
    pub(super) warnings: Vec<String>,
    pub(super) platform: Platform,
    pub(super) report: PreflightReport,
    /// Why the run must not go on; it is on record before it ends.
    pub(super) refused: Option<RunError>,
    pub(super) origin: RunOrigin,
}

impl RunRequest {
    /// Asks for everything that is missing.
    ///
    /// # Errors
    /// An input is missing or unusable, or the operator did not answer. Nothing was written.
    pub(super) fn complete(
        mut inputs: Inputs,
        mut warnings: Vec<String>,
        args: &RunArgs,
        printer: &mut Printer,
        signals: &Signals,
    ) -> Result<Self, Error> {
        let origin = RunOrigin::default();
        let decision = decided_consent(&mut warnings);
        // Faults in what was given, and without a terminal what is missing, are told before anybody is asked anything.
        let completeness = if is_interactive() { Completeness::Optional } else { Completeness::Required };
        resolve(&mut inputs.clone(), None, completeness)?;
        let consent = match decision {
            ConsentDecision::Decided(consent) => consent,
            ConsentDecision::Ask(question) => ask_consent(question, printer, signals),
        };
        if let Some(signal) = signals.pending() {
            return Err(Error::Interrupted { signal, when: InterruptedAt::NothingChanged });
        }
        let platform = inputs::platform(&inspection::without_root(signals));
        if args.dry_run {
            let settings = Self::answered(&mut inputs, args, printer, signals)?.0;
            let report = preflight::check(&inspection::without_root(signals), &platform, &settings);
            return Ok(Self { inputs, settings, consent, warnings, platform, report, refused: None, origin });
        }
        let settings = resolve(&mut inputs.clone(), None, Completeness::Optional)?;
        let (report, refused) = requirements::check(&platform, &settings, args, printer, signals);
        if refused.is_some() {
            return Ok(Self { inputs, settings, consent, warnings, platform, report, refused, origin });
        }
        let (settings, asked) = Self::answered(&mut inputs, args, printer, signals)?;
        let (report, refused) = if asked {
            requirements::check_again(&report, &platform, &settings, args, printer, signals)
        } else {
            (report, None)
        };
        Ok(Self { inputs, settings, consent, warnings, platform, report, refused, origin })
    }

    /// The settings once every question is answered, and whether there was one.
    fn answered(
        inputs: &mut Inputs,
        args: &RunArgs,
        printer: &mut Printer,
        signals: &Signals,
    ) -> Result<(Settings, bool), Error> {
        // Who looks, or has said yes to everything, is asked only for what the run cannot do without.
        let asks_all = !args.dry_run && !args.yes;
        let prompter = Prompter::interactive(printer, signals);
        let mut prompter = prompter.map(|prompter| InputPrompter { prompter, asks_all, asked: false });
        let prompt = prompter.as_mut().map(|prompter| prompter as &mut dyn Prompt);
        let settings = resolve(inputs, prompt, Completeness::Required)?;
        Ok((settings, prompter.is_some_and(|prompter| prompter.asked)))
    }
}

/// Asks for inputs on the terminal. It stands here because the terminal knows no inputs, and inputs no terminal.
struct InputPrompter<'a> {
    prompter: Prompter<'a>,
    asks_all: bool,
    asked: bool,
}

impl Prompt for InputPrompter<'_> {
    fn ask(&mut self, input: &Declaration, default: Option<&str>) -> Result<String, Unanswered> {
        self.asked = true;
        let help = input.help;
        let question = match default {
            Some(default) => format!("{help} [{default}]:"),
            None => format!("{help}:"),
        };
        loop {
            let answer = self.prompter.line(&question)?.trim().to_owned();
            match (input.check)(&answer) {
                _ if answer.is_empty() && default.is_some() => return Ok(answer),
                Ok(()) => return Ok(answer),
                Err(expected) => self.prompter.printer().warn(&format!("{} {expected}", input.key)),
            }
        }
    }

    fn ask_secret(&mut self, what: &str) -> Result<String, Unanswered> {
        self.asked = true;
        self.prompter.hidden_line(&format!("{what} (not shown):"))
    }

    fn asks_all(&self) -> bool {
        self.asks_all
    }
}

/// A run whose first record is written.
pub(super) struct RunContext {
    pub(super) session: Session,
    pub(super) reporter: TelemetryReporter,
    pub(super) host: Host,
    pub(super) interruption: Interruption,
    pub(super) settings: Settings,
    pub(super) consent: Consent,
    pub(super) paths: RunPaths,
    pub(super) staging: PathBuf,
    pub(super) warnings: Vec<String>,
    pub(super) origin: RunOrigin,
    /// The right to change the host, from before detection to the end of the run.
    pub(super) host_lock: Option<HostLock>,
    pub(super) platform: Platform,
    pub(super) report: PreflightReport,
    pub(super) refused: Option<RunError>,
}

impl RunContext {
    /// Writes the first record and reports that the run began.
    ///
    /// # Errors
    /// The records cannot be used. The host was not touched.
    pub(super) fn new(
        request: RunRequest,
        execution: Execution,
        printer: &mut Printer,
        signals: &Signals,
    ) -> Result<Self, Error> {
        let RunRequest { inputs, settings, consent, mut warnings, platform, report, refused, origin } =
            request;
        let shown = warnings.len();
        let runs_dir = inputs::runs_dir(&inputs);
        // The gate knows every private value before the first document is made, so that none can hold one.
        let gate = Session::gate(&inputs, &settings);
        let kind = (execution, settings.mode);
        let mut session = Session::begin(&runs_dir, gate.clone(), kind, platform.clone(), &mut warnings)?;
        let subject = (CommandName::Run, settings.mode, execution);
        let runs = session.record.files().runs();
        let mut reporter =
            TelemetryReporter::new(&consent, &session.envelope, &gate, runs, subject, &mut warnings);
        if !origin.tells_command() {
            reporter = reporter.without_command();
        }
        inputs::warn_all(&warnings[shown..], printer);
        reporter.started();
        let enabled = consent.proof().is_some();
        session.record.set_settings(features(&settings, enabled), local_facts(&inputs, &settings));
        // A log that cannot be opened does not stop the run: the journal in the private context is what undoes it.
        let log = session.record.files().log().map_or_else(|_| RunLog::discard(), RunLog::to);
        if let Some(note) = ignored_run_id(&|name| std::env::var_os(name)) {
            log.line(&note.to_string());
        }
        // Before the host is handed the log, and so before any command runs.
        settings.secrets().into_iter().for_each(|secret| log.redact(secret));
        report.findings.iter().for_each(|finding| log.line(&finding.to_string()));
        let paths = RunPaths::of(session.record.files());
        let interruption = Interruption::new(signals);
        let heard = interruption.clone();
        let host = Host::this_machine(log).with_stop(move || heard.requests());
        let staging = host.staging(session.record.public().run_id.as_str());
        Ok(Self {
            session,
            reporter,
            host,
            interruption,
            settings,
            consent,
            paths,
            staging,
            warnings,
            origin,
            host_lock: None,
            platform,
            report,
            refused,
        })
    }

    /// Detects and plans the components, and records both.
    ///
    /// # Errors
    /// A signal arrived.
    pub(super) fn plan(&mut self, signals: &Signals) -> Result<Vec<PlannedComponent>, Interrupted> {
        let context = PlanContext {
            settings: &self.settings,
            arch: self.host.arch(),
            staging: &self.staging,
            sums: BuiltInSums::PROGRAM,
        };
        detect_and_plan(&self.host, &context, &mut self.session.record, signals)
    }

    /// Writes down which version of the component is installed where it is not the one that was asked for. Returns what the
    /// operator should know of it.
    pub(super) fn record_version(&mut self, component: Component) -> Option<String> {
        let (spec, settings) = (spec_of(component), &self.settings);
        let found = spec.installed_version(&Probe::new(&self.host, settings)).ok().flatten()?;
        let wanted = spec.version(settings);
        // Charts are named with and without the letter.
        if found.trim_start_matches('v') == wanted.trim_start_matches('v') {
            return None;
        }
        let warning = match (is_older(&found, wanted), spec.upgrade(settings)) {
            (true, Some(upgrade)) => {
                format!("{component} {found} is installed, not {wanted}; to upgrade it: {upgrade}")
            }
            _ => format!("{component} {found} is installed, not {wanted}; it is kept"),
        };
        self.session.record.set_version(component, found);
        Some(warning)
    }

    /// What the operator gave for a component that is there and does not take it. What cannot be found out is not told.
    pub(super) fn ignored(&self, component: Component) -> Option<String> {
        spec_of(component).ignored(&Probe::new(&self.host, &self.settings)).ok().flatten()
    }

    /// Writes the last record, reports it, and shows what went wrong with either: once, and kept for the document.
    pub(super) fn finish(&mut self, finish: Finish, exit_code: u8, printer: &mut Printer) {
        self.session.record.finish(finish, exit_code);
        let manifest = (self.session.record.public(), self.session.manifest_event_id);
        self.reporter.completed(CommandResult::from(finish), Some(manifest));
        let late = self.session.record.take_warnings().into_iter().chain(self.reporter.take_warning());
        let late: Vec<String> = late.collect();
        inputs::warn_all(&late, printer);
        self.warnings.extend(late);
    }
}

/// Whether one version comes before another: number by number, as `v1.9.2+k3s1` comes before `v1.10.0+k3s1`.
fn is_older(version: &str, than: &str) -> bool {
    let numbers = |version: &str| -> Vec<u64> {
        version
            .split(|digit: char| !digit.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect()
    };
    numbers(version) < numbers(than)
}

#[cfg(test)]
mod tests {
    use super::is_older;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(is_older("v1.9.2+k3s1", "v1.10.0+k3s1") && is_older("v1.35.5+k3s1", "v1.35.5+k3s2"));
        assert!(!is_older("v1.35.5+k3s1", "v1.35.5+k3s1") && !is_older("v1.36.0+k3s1", "v1.35.5+k3s1"));
    }
}
