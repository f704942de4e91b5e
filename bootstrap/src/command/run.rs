//! `bootstrap run`: one run, from the command line to its last record.

mod apply;
mod dry_run;

use std::path::PathBuf;

use schema::{CommandName, Execution, Platform};
use telemetry::{Consent, ConsentDecision};

use super::inputs;
use crate::cli;
use crate::exit::{Exit, Failure};
use crate::host::{Host, RunLog};
use crate::input::{Asker, Demand, Flags, Inputs, gather, resolve};
use crate::recipe::components;
use crate::run::{Files, Reporter, Session, ask_consent, decided_consent, features, local_facts};
use crate::settings::{Artifacts, Settings};
use crate::terminal::{Printer, Prompter, Signals, on_terminal};

pub(super) fn run(options: &cli::Run, flags: &Flags, printer: &mut Printer) -> Result<Exit, Failure> {
    if !options.dry_run && !options.yes && !on_terminal() {
        return Err(Failure::usage("applying without a terminal needs --yes")
            .hint("look at the plan with --dry-run first, then add --yes"));
    }
    // Files that were named are read before signals are taken over: one that never ends must not keep Ctrl-C from
    // ending the program.
    let mut warnings = Vec::new();
    let inputs = gather(flags, |name| std::env::var_os(name), options.config.as_deref(), &mut warnings)?;
    let signals =
        Signals::install().map_err(|error| Failure::failed(format!("cannot take over signals: {error}")))?;
    let request = request(inputs, warnings, options, printer, &signals)?;
    inputs::warn_all(&request.warnings, printer);
    if options.dry_run {
        dry_run::run(request, printer, &signals)
    } else {
        apply::run(request, options, printer, &signals)
    }
}

/// Folder below the runs folder that artifacts are fetched to; a run that ends well leaves none.
const STAGING: &str = "staging";

/// What is known before anything is written.
struct Request {
    inputs: Inputs,
    settings: Settings,
    consent: Consent,
    warnings: Vec<String>,
}

/// Everything that is asked; a fault in it ends the run before anything is written.
fn request(
    mut inputs: Inputs,
    mut warnings: Vec<String>,
    options: &cli::Run,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<Request, Failure> {
    let decision = decided_consent(&mut warnings);
    // Faults in what was given, and without a terminal what is missing, are told before anybody is asked anything.
    let demand = if on_terminal() { Demand::Known } else { Demand::Complete };
    resolve(&mut inputs.clone(), None, demand)?;
    let consent = match decision {
        ConsentDecision::Decided(consent) => consent,
        ConsentDecision::Ask(question) => ask_consent(question, printer, signals),
    };
    if let Some(signal) = signals.pending() {
        return Err(Failure::new(Exit::Interrupted(signal), "interrupted; nothing was done"));
    }
    let mut prompter = Prompter::on_terminal(printer, signals, !options.dry_run && !options.yes);
    let asker = prompter.as_mut().map(|prompter| prompter as &mut dyn Asker);
    let settings = resolve(&mut inputs, asker, Demand::Complete)?;
    Ok(Request { inputs, settings, consent, warnings })
}

/// A run whose first record is written.
struct Begun {
    session: Session,
    reporter: Reporter,
    host: Host,
    platform: Platform,
    settings: Settings,
    consent: Consent,
    files: Files,
    staging: PathBuf,
    warnings: Vec<String>,
}

impl Begun {
    /// Writes the first record and reports that the run began.
    fn new(request: Request, execution: Execution, printer: &mut Printer) -> Result<Self, Failure> {
        let Request { inputs, settings, consent, mut warnings } = request;
        let told = warnings.len();
        let runs_dir = inputs::runs_dir(&inputs);
        let staging = std::path::absolute(&runs_dir).unwrap_or_else(|_| runs_dir.clone()).join(STAGING);
        if let Artifacts::Local(folder) = &settings.artifacts
            && std::path::absolute(folder).is_ok_and(|folder| folder == staging)
        {
            return Err(Failure::usage("artifacts_dir is the folder that runs clear when they end well")
                .hint("move the artifacts to a folder of their own"));
        }
        let platform = inputs::platform(&Host::this_machine(RunLog::discard()));
        let gate = Session::gate(&inputs, &settings);
        let kind = (execution, settings.mode);
        let mut session = Session::begin(&runs_dir, gate.clone(), kind, platform.clone(), &mut warnings)?;
        let subject = (CommandName::Run, settings.mode, execution);
        let mut reporter =
            Reporter::new(&consent, &session.envelope, &gate, &runs_dir, subject, &mut warnings);
        inputs::warn_all(&warnings[told..], printer);
        reporter.started();
        let all = components(settings.mode);
        let given = consent.proof().is_some();
        session.record.describe(features(&settings, all, given), local_facts(&settings, all));
        let log = session.record.files().log().map_or_else(|_| RunLog::discard(), RunLog::to);
        settings.secrets().into_iter().for_each(|secret| log.learn(secret));
        let files = Files::of(session.record.files());
        let host = Host::this_machine(log);
        Ok(Self { session, reporter, host, platform, settings, consent, files, staging, warnings })
    }

    /// Problems with records and telemetry, told once and kept for the document.
    fn tell_warnings(&mut self, printer: &mut Printer) {
        let new: Vec<String> =
            self.session.record.take_warnings().into_iter().chain(self.reporter.take_warning()).collect();
        inputs::warn_all(&new, printer);
        self.warnings.extend(new);
    }
}
