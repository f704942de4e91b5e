//! Delivering on request, delivering for a run, and deleting what waits.

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use schema::limits::MAX_DOCUMENT_BYTES;
use telemetry::{
    ConsentDecision, Consented, DEADLINE, DeliveryEnd, DeliverySummary, Outbox, TelemetryError, deliver,
    envelope_from_env, manifest_event,
};

use super::{Context, consent};
use crate::cli::Telemetry;
use crate::exit::{Exit, Failure};
use crate::run::decided_consent;
use crate::terminal::{Printer, Prompter, Signals};

/// How long `purge` waits for a delivery that is under way to notice.
const PURGE_PATIENCE: Duration = Duration::from_secs(5);

/// Delivers what waits, in front of the operator.
pub(super) fn flush(context: &Context, printer: &mut Printer) -> Result<Exit, Failure> {
    let signals = signals()?;
    let consent = consent(printer, &signals)?;
    let Some(proof) = consent.proof() else { return Ok(Exit::Declined) };
    let outbox =
        Outbox::open_existing(proof, context.outbox_dir()).map_err(|error| context.failed(&error))?;
    let summary = match outbox {
        Some(outbox) => round(context, proof, &outbox, &signals, printer)?,
        None => {
            DeliverySummary { delivered: 0, refused: 0, evicted: 0, waiting: 0, ended: DeliveryEnd::Done }
        }
    };
    tell(&summary, &signals, printer)
}

/// Vets the public manifest of an earlier run, stores it and delivers.
pub(super) fn send(context: &Context, path: &Path, printer: &mut Printer) -> Result<Exit, Failure> {
    let bytes = read(path)?;
    let (envelope, _) = envelope_from_env(&|name| std::env::var_os(name), &context.gate);
    let document =
        manifest_event(&bytes, &context.gate, &envelope).map_err(|error| context.failed(&error))?;
    let vetted = context.gate.vet(&document).map_err(|error| context.failed(&error.into()))?;
    let signals = signals()?;
    let consent = consent(printer, &signals)?;
    let Some(proof) = consent.proof() else { return Ok(Exit::Declined) };
    let outbox = Outbox::open(proof, context.outbox_dir()).map_err(|error| context.failed(&error))?;
    outbox.emit(vetted).map_err(|error| context.failed(&error))?;
    let summary = round(context, proof, &outbox, &signals, printer)?;
    tell(&summary, &signals, printer)
}

/// Delivers for a run that goes on without waiting: a session of its own, and not one descriptor of the run's.
pub(super) fn detached(options: &Telemetry) -> Exit {
    close_inherited();
    let _ = rustix::process::setsid();
    let mut warnings = Vec::new();
    let ConsentDecision::Decided(consent) = decided_consent(&mut warnings) else { return Exit::Usage };
    let Some(proof) = consent.proof() else { return Exit::Usage };
    let context = Context::read(options, &mut Printer::silent());
    // An outbox that is gone by now was removed on purpose, and is not made again.
    let delivered = Outbox::open_existing(proof, context.outbox_dir()).and_then(|outbox| {
        outbox.map_or(Ok(()), |outbox| {
            let Context { settings, gate } = &context;
            deliver(proof, settings, gate, &outbox, DEADLINE, &mut |_| ControlFlow::Continue(())).map(drop)
        })
    });
    if delivered.is_ok() { Exit::Done } else { Exit::Failed }
}

/// Deletes everything that waits, and stops a delivery that is under way.
pub(super) fn purge(context: &Context, yes: bool, printer: &mut Printer) -> Result<Exit, Failure> {
    let signals = signals()?;
    if !yes {
        let question = "Delete everything that waits or was refused?";
        let answer = match Prompter::on_terminal(printer, &signals, false) {
            Some(mut prompter) => prompter.confirm(question, false),
            None => return Err(Failure::usage("purging needs --yes where nobody can be asked")),
        };
        if answer != Some(true) {
            return Ok(signals.pending().map_or(Exit::Declined, Exit::Interrupted));
        }
    }
    let purged = telemetry::purge(context.outbox_dir(), PURGE_PATIENCE)
        .map_err(|error| context.failed(&error.into()))?;
    if printer.is_json() {
        printer.document(&purged);
    }
    printer.data(&format!("{} waiting and {} refused documents deleted.", purged.waiting, purged.rejected));
    if purged.in_flight {
        printer.warn("a delivery is under way; it stops before its next document and deletes the rest");
    }
    Ok(Exit::Done)
}

fn round(
    context: &Context,
    proof: &Consented,
    outbox: &Outbox,
    signals: &Signals,
    printer: &mut Printer,
) -> Result<DeliverySummary, Failure> {
    let bar = bar(printer);
    let summary = deliver(proof, &context.settings, &context.gate, outbox, DEADLINE, &mut |progress| {
        bar.set_length(progress.known as u64);
        bar.set_position(progress.settled as u64);
        if signals.pending().is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    summary.map_err(|error: TelemetryError| context.failed(&error))
}

fn bar(printer: &Printer) -> ProgressBar {
    if !printer.is_live() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} delivering [{bar:30}] {pos} of {len}, {elapsed}");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn tell(summary: &DeliverySummary, signals: &Signals, printer: &mut Printer) -> Result<Exit, Failure> {
    if printer.is_json() {
        printer.document(summary);
    }
    let DeliverySummary { delivered, refused, waiting, .. } = summary;
    printer.data(&format!("{delivered} delivered, {refused} refused, {waiting} still waiting."));
    if let Some(signal) = signals.pending() {
        return Ok(Exit::Interrupted(signal));
    }
    let failed = |message: &str| {
        Err(Failure::failed(message).hint("`bootstrap telemetry status` shows the last outcomes"))
    };
    match summary.ended {
        DeliveryEnd::Done | DeliveryEnd::Stopped if *waiting == 0 => Ok(Exit::Done),
        DeliveryEnd::Done | DeliveryEnd::Stopped => {
            failed("not everything could be delivered; it stays in the outbox")
        }
        DeliveryEnd::Unreachable(_) => {
            failed("the endpoint cannot be reached; what waits stays in the outbox")
        }
        DeliveryEnd::Deadline => failed("the time of one round was over; what waits stays in the outbox"),
        DeliveryEnd::Busy => failed("another process is delivering; it was not over in time"),
        DeliveryEnd::NoEndpoint => failed("there is no endpoint: TELEMETRY_ENDPOINT is set but empty"),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_DOCUMENT_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    Ok(bytes)
}

fn signals() -> Result<Signals, Failure> {
    Signals::install().map_err(|error| Failure::failed(format!("cannot take over signals: {error}")))
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
        let _ = nix::unistd::close(descriptor);
    }
}
