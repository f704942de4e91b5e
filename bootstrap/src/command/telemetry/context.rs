//! What every telemetry command needs to know: the gate, the settings, and whether it may send.

use std::os::fd::AsFd;
use std::sync::Arc;

use privacy::disk::PrivateDir;
use privacy::{Gate, LocalIdentifiers};
use telemetry::{Consent, Consented, DeliverySettings, OutboxDir, TelemetryError};

use super::caller;
use crate::cli::TelemetryArgs;
use crate::command::error::Error;
use crate::command::inputs;
use crate::input::{private_variables, runs_dir_from_env};
use crate::run::resolve_consent;
use crate::terminal::{Printer, Signals};

/// What every telemetry command needs to know.
pub(super) struct TelemetryContext {
    pub(super) gate: Gate,
    pub(super) settings: DeliverySettings,
}

impl TelemetryContext {
    /// Reads the settings; the gate knows this machine and the private inputs of the environment. From here on the
    /// process acts as the user who called sudo.
    ///
    /// # Errors
    /// It cannot give up root.
    pub(super) fn read(args: &TelemetryArgs, printer: &mut Printer) -> Result<Self, Error> {
        let runs_dir = args.runs_dir.clone().unwrap_or_else(runs_dir_from_env);
        // A missing runs directory is one without an outbox. Any other fault is told when the outbox is opened.
        let outbox = match PrivateDir::open(&runs_dir) {
            Ok(runs) => OutboxDir::within(&Arc::new(runs)),
            Err(_) => OutboxDir::below(&runs_dir),
        };
        Self::of(outbox, printer)
    }

    /// As [`Self::read`], with the outbox that the run has opened and handed on as standard input.
    ///
    /// # Errors
    /// As [`Self::read`], and standard input cannot be used.
    pub(super) fn of_run(printer: &mut Printer) -> Result<Self, Error> {
        let outbox = std::io::stdin().as_fd().try_clone_to_owned();
        let outbox =
            outbox.map_err(|source| Error::UnreadableDocument { name: "standard input".into(), source });
        Self::of(OutboxDir::opened(outbox?, "the outbox of the run"), printer)
    }

    fn of(outbox: OutboxDir, printer: &mut Printer) -> Result<Self, Error> {
        // Whatever the inputs of a run hold, usable or not: what it is worth, the gate must not let it pass, and a
        // mistyped variable must not keep anybody from opting out.
        let private: Vec<String> = private_variables().filter_map(|name| std::env::var(name).ok()).collect();
        let gate = Gate::new(LocalIdentifiers::of_machine().with_private(private));
        // Held open, because the caller of sudo may not be able to get there.
        let outbox = outbox.held_open();
        caller::become_caller().map_err(Error::CallerOutOfReach)?;
        let (settings, warnings) = DeliverySettings::from_env(&|name| std::env::var_os(name), &gate, outbox);
        inputs::warn_all(&warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), printer);
        Ok(Self { gate, settings })
    }

    /// Where the outbox is.
    pub(super) fn outbox(&self) -> &OutboxDir {
        &self.settings.outbox
    }

    /// An error of the crate `telemetry` together with the outbox that it is about.
    pub(super) fn error(&self, error: impl Into<TelemetryError>) -> Error {
        Error::Telemetry { error: error.into(), outbox_dir: self.outbox().path().to_owned() }
    }
}

/// Consent for a command whose very purpose is to send: from the environment, or asked.
pub(super) fn consent(printer: &mut Printer, signals: &Signals) -> Consent {
    let mut warnings = Vec::new();
    let consent = resolve_consent(&mut warnings, printer, signals);
    inputs::warn_all(&warnings, printer);
    consent
}

/// The proof without which nothing can be stored or sent.
///
/// # Errors
/// There is no consent: the reason, and the signal that cut the question short, if one did.
pub(super) fn proof<'a>(consent: &'a Consent, signals: &Signals) -> Result<&'a Consented, Error> {
    // An interrupt at the question counts as No, but the code must say that it was a signal.
    let refused = || Error::NoConsent { reason: consent.reason(), signal: signals.pending() };
    consent.proof().ok_or_else(refused)
}
