//! `bootstrap telemetry`: what is sent, what waits, and how to stop it.

mod deliver;
mod preview;
mod show;
mod status;

use std::path::Path;

use privacy::{Gate, LocalIdentifiers};
use telemetry::{Consent, ConsentDecision, ConsentReason, DeliverySettings, TelemetryError};

use super::inputs;
use crate::cli::{Telemetry, TelemetryCommand};
use crate::exit::{Exit, Failure, chain};
use crate::input::{private_variables, runs_dir_from_env};
use crate::run::{ask_consent, decided_consent};
use crate::terminal::{Printer, Signals};

/// What every telemetry command needs to know.
struct Context {
    gate: Gate,
    settings: DeliverySettings,
}

impl Context {
    /// Reads the settings; the gate knows this machine and the private inputs of the environment.
    fn read(options: &Telemetry, printer: &mut Printer) -> Self {
        let runs_dir = options.runs_dir.clone().unwrap_or_else(runs_dir_from_env);
        // Whatever the inputs of a run hold, usable or not: what it is worth, the gate must not let it pass, and a
        // mistyped variable must not keep anybody from opting out.
        let private: Vec<String> = private_variables().filter_map(|name| std::env::var(name).ok()).collect();
        let gate = Gate::new(LocalIdentifiers::of_machine().with_private(private));
        let (settings, warnings) =
            DeliverySettings::from_env(&|name| std::env::var_os(name), &gate, &runs_dir);
        inputs::warn_all(&warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), printer);
        Self { gate, settings }
    }

    fn outbox_dir(&self) -> &Path {
        &self.settings.outbox_dir
    }

    fn failed(&self, error: &TelemetryError) -> Failure {
        let failure = Failure::failed(chain(error));
        match error {
            TelemetryError::Disk(_) => {
                failure.hint(format!("look at the outbox folder {}", self.outbox_dir().display()))
            }
            TelemetryError::NoEndpoint => failure.hint("set TELEMETRY_ENDPOINT, or unset it for the default"),
            TelemetryError::NotQueued(_) => failure.hint("`bootstrap telemetry status` lists what waits"),
            TelemetryError::NotAManifest | TelemetryError::Rejected(_) => {
                failure.hint("name a public manifest: runs/bootstrap-<run_id>.json")
            }
            _ => failure,
        }
    }
}

/// Dispatches the telemetry commands.
pub(super) fn run(options: &Telemetry, printer: &mut Printer) -> Result<Exit, Failure> {
    if let TelemetryCommand::Flush { detached: true } = options.command {
        return Ok(deliver::detached(options));
    }
    let context = Context::read(options, printer);
    match &options.command {
        TelemetryCommand::Status => status::run(&context, printer),
        TelemetryCommand::Show { id } => show::run(&context, id.as_deref(), printer),
        TelemetryCommand::Preview { mode } => preview::run(&context, *mode, printer),
        TelemetryCommand::Send { manifest } => deliver::send(&context, manifest, printer),
        TelemetryCommand::Flush { .. } => deliver::flush(&context, printer),
        TelemetryCommand::Purge { yes } => deliver::purge(&context, *yes, printer),
    }
}

/// Consent for a command whose very purpose is to send: from the environment, or asked.
fn consent(printer: &mut Printer, signals: &Signals) -> Result<Consent, Failure> {
    let mut warnings = Vec::new();
    let consent = match decided_consent(&mut warnings) {
        ConsentDecision::Decided(consent) => consent,
        ConsentDecision::Ask(question) => ask_consent(question, printer, signals),
    };
    inputs::warn_all(&warnings, printer);
    if consent.proof().is_some() {
        return Ok(consent);
    }
    let exit = match (signals.pending(), consent.reason()) {
        (Some(signal), _) => Exit::Interrupted(signal),
        (None, ConsentReason::Declined) => Exit::Declined,
        _ => Exit::Usage,
    };
    Err(Failure::new(exit, format!("nothing is sent without consent: {}", consent.reason()))
        .hint("set TELEMETRY_ENABLED=true to agree"))
}
