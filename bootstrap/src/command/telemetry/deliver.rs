//! Delivering on request, delivering for a run, and deleting what waits.

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use manifest::ManifestEvent;
use schema::limits::MAX_DOCUMENT_BYTES;
use schema::{EventId, RunManifest, UtcSeconds};
use telemetry::{
    ConsentDecision, ConsentReason, Consented, DEADLINE, DeliveryEnd, DeliverySummary, LedgerOutcome, Outbox,
    RequeueSummary, deliver, envelope_from_env, manifest_event,
};

use super::context::{TelemetryContext, consent, proof};
use crate::cli::TelemetryArgs;
use crate::command::diagnostic::Diagnostic;
use crate::command::error::{Error, InterruptedAt, Unattended};
use crate::command::inputs;
use crate::run::{decided_consent, now};
use crate::terminal::{DefaultAnswer, DeliveryBar, Printer, Prompter, Signals};

/// How long `purge` waits for a delivery that is under way to notice.
const PURGE_PATIENCE: Duration = Duration::from_secs(5);

/// Delivers what waits, in front of the operator.
pub(super) fn flush(
    context: &TelemetryContext,
    refused: bool,
    printer: &mut Printer,
) -> Result<(), Diagnostic> {
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let consent = consent(printer, &signals);
    let proof = proof(&consent, &signals)?;
    let outbox = Outbox::open_existing(proof, context.outbox()).map_err(|error| context.error(error))?;
    let summary = match outbox {
        Some(outbox) => {
            if refused {
                requeue(context, &outbox, printer)?;
            }
            delivery_pass(context, proof, &outbox, &signals, printer)?
        }
        None => DeliverySummary::of_nothing(DeliveryEnd::Done, 0),
    };
    show_summary(&summary, &signals, printer)?;
    match summary.ended {
        DeliveryEnd::Done | DeliveryEnd::Stopped if summary.waiting == 0 => Ok(()),
        ended => Err(Diagnostic::from(Error::Undelivered(ended)).after_document()),
    }
}

/// Queues again what was refused: after a receiver was repaired, what it refused by mistake is worth another try.
fn requeue(context: &TelemetryContext, outbox: &Outbox, printer: &mut Printer) -> Result<(), Error> {
    // Another process may be delivering; it ends by itself, but nobody should have to wait for that.
    const PATIENCE: Duration = Duration::from_secs(5);
    match outbox.requeue_rejected(PATIENCE).map_err(|error| context.error(error))? {
        Some(RequeueSummary { requeued, kept }) => {
            printer.note(&format!("{requeued} refused events are queued again"));
            if kept > 0 {
                printer.warn(&format!(
                    "{kept} refused events were not queued again: they are too old or damaged, or the queue is full"
                ));
            }
        }
        None => printer.warn("refused events were not queued again: another process is delivering"),
    }
    Ok(())
}

/// Vets the public manifest of an earlier run, stores it and delivers.
pub(super) fn send(args: &TelemetryArgs, path: &Path, printer: &mut Printer) -> Result<(), Diagnostic> {
    let bytes = read(path)?;
    let (context, known) = &match serde_json::from_slice::<RunManifest>(&bytes) {
        Ok(manifest) => TelemetryContext::of_run(args, path, &manifest, printer)?,
        // It is refused below, with the reason that the gate gives.
        Err(_) => (TelemetryContext::read(args, [], printer)?, None),
    };
    let ManifestEvent { event_id, envelope } =
        known.clone().unwrap_or_else(|| new_manifest_event(context, printer));
    // The document is made and vetted before anybody is asked: consent to what would be refused is asked for in vain.
    let document =
        manifest_event(&bytes, &context.gate, &envelope, event_id).map_err(|error| context.error(error))?;
    let vetted = context.gate.vet(&document).map_err(|error| context.error(error))?;
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let consent = consent(printer, &signals);
    let proof = proof(&consent, &signals)?;
    let outbox = Outbox::open(proof, context.outbox()).map_err(|error| context.error(error))?;
    let stored_at = now();
    outbox.emit(vetted, &context.settings.headers).map_err(|error| context.error(error))?;
    let summary = delivery_pass(context, proof, &outbox, &signals, printer)?;
    show_summary(&summary, &signals, printer)?;
    // Only this event decides, whatever else waits.
    let error = if outbox.is_queued(event_id) {
        Error::Undelivered(summary.ended)
    } else if is_delivered(event_id, stored_at, &outbox, &summary) {
        return Ok(());
    } else {
        Error::NotDelivered
    };
    Err(Diagnostic::from(error).after_document())
}

/// Whether the event, which is not queued any more, has arrived: by this pass or by that of another process, which counts it
/// in its own summary. An earlier delivery of the same event does not count: this one may have been refused.
fn is_delivered(
    event_id: EventId,
    stored_at: UtcSeconds,
    outbox: &Outbox,
    summary: &DeliverySummary,
) -> bool {
    match outbox.last_outcome(event_id, stored_at) {
        Some(outcome) => outcome == LedgerOutcome::Delivered,
        // A ledger that cannot be written stops no delivery. The counts are of all documents, so they must leave no doubt.
        None => summary.delivered > 0 && summary.refused == 0,
    }
}

/// The ids of a manifest whose run is recorded elsewhere, so that nobody here knows how the run reported it.
fn new_manifest_event(context: &TelemetryContext, printer: &mut Printer) -> ManifestEvent {
    let (envelope, warnings) = envelope_from_env(&|name| std::env::var_os(name), &context.gate);
    inputs::warn_all(&warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), printer);
    ManifestEvent { event_id: EventId::random(), envelope }
}

/// Delivers for a run that goes on without waiting: in a process group of its own, with no descriptor of the run's but the
/// open outbox. Nobody reads what it says, so the exit code is all that it leaves.
pub(super) fn detached() -> Result<(), Diagnostic> {
    close_inherited();
    deliver_detached().map_err(|error| Diagnostic::from(error).after_result())
}

fn deliver_detached() -> Result<(), Error> {
    // The run has asked already: without a decision in the environment there is no consent.
    let refused = |reason| Error::NoConsent { reason, signal: None };
    let ConsentDecision::Decided(consent) = decided_consent(&mut Vec::new()) else {
        return Err(refused(ConsentReason::NotInteractive));
    };
    let proof = consent.proof().ok_or_else(|| refused(consent.reason()))?;
    let context = TelemetryContext::handed_on(&mut Printer::silent())?;
    let TelemetryContext { settings, gate } = &context;
    // An outbox that is gone by now was removed on purpose, and is not made again.
    let outbox = Outbox::open_existing(proof, context.outbox()).map_err(|error| context.error(error))?;
    let Some(outbox) = outbox else { return Ok(()) };
    deliver(proof, settings, gate, &outbox, DEADLINE, &mut |_| ControlFlow::Continue(()))
        .map(drop)
        .map_err(|error| context.error(error))
}

/// Deletes everything that waits, and stops a delivery that is under way.
pub(super) fn purge(context: &TelemetryContext, yes: bool, printer: &mut Printer) -> Result<(), Diagnostic> {
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    if !yes {
        let question = "Delete all queued and refused events?";
        // Deleting reports is the operator's right and cannot be taken back, so it is asked for like a change of the host.
        let Some(mut prompter) = Prompter::interactive(printer, &signals) else {
            return Err(Error::NeedsYes(Unattended::Purge).into());
        };
        if !prompter.confirm(question, DefaultAnswer::No) {
            let interrupted = |signal| Error::Interrupted { signal, when: InterruptedAt::Telemetry };
            let error = signals.pending().map_or(Error::Declined, interrupted);
            // The answer stands on the terminal, and nothing was done.
            return Err(Diagnostic::from(error).after_result());
        }
    }
    let purged = telemetry::purge(context.outbox(), PURGE_PATIENCE).map_err(|error| context.error(error))?;
    if printer.is_json() {
        printer.document(&purged);
    }
    printer.data(&format!("{} queued and {} refused events deleted.", purged.waiting, purged.rejected));
    if purged.left > 0 {
        printer.warn(&format!(
            "{} events were not deleted: they belong to another user or cannot be read; their owner can purge them",
            purged.left
        ));
    }
    if purged.in_flight {
        printer.warn("a delivery is running; it stops before its next event and deletes the rest");
    }
    Ok(())
}

fn delivery_pass(
    context: &TelemetryContext,
    proof: &Consented,
    outbox: &Outbox,
    signals: &Signals,
    printer: &mut Printer,
) -> Result<DeliverySummary, Error> {
    let bar = DeliveryBar::new(printer);
    // A signal stops before the next document: what was sent must be noted as sent, or it would be sent twice.
    deliver(proof, &context.settings, &context.gate, outbox, DEADLINE, &mut |progress| {
        bar.set(progress.settled, progress.known);
        if signals.pending().is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .map_err(|error| context.error(error))
}

/// Shows what a pass did.
///
/// # Errors
/// A signal has ended it.
fn show_summary(
    summary: &DeliverySummary,
    signals: &Signals,
    printer: &mut Printer,
) -> Result<(), Diagnostic> {
    // The counts come first in any case: an interrupted or failed pass has delivered something too.
    if printer.is_json() {
        printer.document(summary);
    }
    let DeliverySummary { delivered, refused, waiting, .. } = summary;
    printer.data(&format!("{delivered} delivered, {refused} refused, {waiting} queued."));
    if let Some(warning) = summary.warning {
        printer.warn(warning.message());
    }
    if let Some(signal) = signals.pending() {
        let error = Error::Interrupted { signal, when: InterruptedAt::Telemetry };
        return Err(Diagnostic::from(error).after_result());
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_DOCUMENT_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|source| Error::UnreadableDocument { name: path.display().to_string(), source })?;
    Ok(bytes)
}

/// A descriptor that the caller of the run left open, a pipe above all, would keep that caller waiting for us.
fn close_inherited() {
    const FIRST_OTHER: i32 = 3;
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor >= FIRST_OTHER)
        .collect();
    for descriptor in open {
        // The descriptor that listed the directory is closed already; no other failure is to be expected.
        let _ = nix::unistd::close(descriptor);
    }
}
