//! What every telemetry command needs to know: the gate, the settings, and whether it may send.

use std::borrow::Cow;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use manifest::{LocalFacts, ManifestError, ManifestEvent, PrivateContext, RunId, RunsDir};
use privacy::disk::{DiskError, PrivateDir};
use privacy::{Gate, LocalIdentifiers};
use schema::RunManifest;
use telemetry::{Consent, Consented, DeliverySettings, OutboxDir, TelemetryError, VettedHeaderValue};

use super::caller;
use crate::cli::TelemetryArgs;
use crate::command::error::Error;
use crate::command::inputs;
use crate::input::{private_variables, runs_dir_from_env};
use crate::run::{error_chain, resolve_consent};
use crate::terminal::{Printer, Signals};

/// What every telemetry command needs to know.
pub(super) struct TelemetryContext {
    pub(super) gate: Gate,
    pub(super) settings: DeliverySettings,
}

impl TelemetryContext {
    /// Reads the settings; the gate knows this machine, the private inputs of the environment, and those of `record`. From here
    /// on the process acts as the user who called sudo.
    ///
    /// # Errors
    /// It cannot give up root.
    pub(super) fn read(
        args: &TelemetryArgs,
        record: impl IntoIterator<Item = String>,
        printer: &mut Printer,
    ) -> Result<Self, Error> {
        let runs_dir = runs_dir(args);
        // A missing runs directory is one without an outbox. Any other fault is told when the outbox is opened.
        let outbox = match PrivateDir::open(&runs_dir) {
            Ok(runs) => OutboxDir::within(&Arc::new(runs)),
            Err(_) => OutboxDir::below(&runs_dir),
        };
        // Held open, because the caller of sudo may not be able to get there.
        let mut context = Self::of(outbox.held_open(), record, printer);
        context.check_chosen_marker(&runs_dir, printer);
        caller::become_caller().map_err(Error::CallerOutOfReach)?;
        Ok(context)
    }

    /// As [`Self::read`], with the outbox that a run has opened and handed on as standard input.
    ///
    /// # Errors
    /// As [`Self::read`], and standard input cannot be used.
    pub(super) fn handed_on(printer: &mut Printer) -> Result<Self, Error> {
        let outbox = std::io::stdin().as_fd().try_clone_to_owned();
        let outbox =
            outbox.map_err(|source| Error::UnreadableDocument { name: "standard input".into(), source });
        // Its marker needs no check: the run passes on what it may send itself.
        let context = Self::of(OutboxDir::opened(outbox?, "the outbox of the run"), [], printer);
        caller::become_caller().map_err(Error::CallerOutOfReach)?;
        Ok(context)
    }

    fn of(outbox: OutboxDir, record: impl IntoIterator<Item = String>, printer: &mut Printer) -> Self {
        // Whatever the inputs of a run hold, usable or not: what it is worth, the gate must not let it pass, and a
        // mistyped variable must not keep anybody from opting out.
        let private = private_variables().filter_map(|name| std::env::var(name).ok()).chain(record);
        let gate = Gate::new(LocalIdentifiers::of_machine().with_private(private));
        let (settings, warnings) = DeliverySettings::from_env(&|name| std::env::var_os(name), &gate, outbox);
        inputs::warn_all(&warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), printer);
        Self { gate, settings }
    }

    /// Gives up the marker for held documents if a run was told a name that it contains: they may be of that run, and whoever
    /// delivers them was not given its inputs.
    fn check_chosen_marker(&mut self, runs_dir: &Path, printer: &mut Printer) {
        let default = VettedHeaderValue::default_marker();
        let Some(marker) = self.settings.chosen_marker.take_if(|marker| *marker != default) else { return };
        let why = match gate_of_runs(runs_dir) {
            Ok(gate) if gate.check_text(marker.as_str()).is_ok() => {
                self.settings.chosen_marker = Some(marker);
                return;
            }
            Ok(_) => "it contains a name that a run was told".to_owned(),
            // Nobody knows which names that run was told.
            Err(error) => error_chain(&error),
        };
        printer.warn(&format!("TELEMETRY_MARKER does not replace the marker of queued events: {why}"));
    }

    /// As [`Self::read`], with what the private record of the run knows that `manifest` is of: whoever sends the manifest
    /// of an earlier run was not given that run's inputs again. Also returns under which ids the run reports it, if the record
    /// knows.
    ///
    /// # Errors
    /// There is a private record and it cannot be read, so that nobody knows what the document must not say.
    pub(super) fn of_run(
        args: &TelemetryArgs,
        path: &Path,
        manifest: &RunManifest,
        printer: &mut Printer,
    ) -> Result<(Self, Option<ManifestEvent>), Error> {
        // Before root is given up: the record of a run by root is root's alone.
        let record = private_record(args, path, &RunId::new(manifest.run_id.clone()))
            .map_err(Error::UncheckedRecord)?;
        let local = record.iter().flat_map(|record| record.local.private_values());
        let context = Self::read(args, local.map(Cow::into_owned), printer)?;
        // A manifest that was copied here may be of another host, whose run was given the same id.
        let of_this_run = record.filter(|record| record.started_at == manifest.started_at);
        Ok((context, of_this_run.and_then(|record| record.manifest_event)))
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

fn runs_dir(args: &TelemetryArgs) -> PathBuf {
    args.runs_dir.clone().unwrap_or_else(runs_dir_from_env)
}

/// A gate that knows what each run in the directory was told.
fn gate_of_runs(runs_dir: &Path) -> Result<Gate, ManifestError> {
    let facts = match RunsDir::open(runs_dir).and_then(|runs| runs.local_facts()) {
        Err(ManifestError::Disk(DiskError::Missing { .. })) => Vec::new(),
        facts => facts?,
    };
    // One run after the other: what is a domain in one may be the name of a host in another.
    let known = |known: LocalIdentifiers, facts: &LocalFacts| known.with_private(facts.private_values());
    Ok(Gate::new(facts.iter().fold(LocalIdentifiers::default(), known)))
}

/// The private record of `run`, which is beside its manifest at `path` or, where the manifest was copied elsewhere, in the
/// directory of runs. A manifest of another machine has none here.
fn private_record(
    args: &TelemetryArgs,
    path: &Path,
    run: &RunId,
) -> Result<Option<PrivateContext>, ManifestError> {
    for dir in [path.parent().unwrap_or(Path::new(".")), &runs_dir(args)] {
        match RunsDir::open(dir).and_then(|runs| runs.load_private(run)) {
            Err(ManifestError::Disk(DiskError::Missing { .. })) => {}
            found => return found.map(Some),
        }
    }
    Ok(None)
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
