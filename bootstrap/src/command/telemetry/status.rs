//! `bootstrap telemetry status`.

use serde::Serialize;
use telemetry::{ConsentDecision, OutboxStatus, status};

use super::context::TelemetryContext;
use crate::command::error::Error;
use crate::run::{decided_consent, now};
use crate::terminal::Printer;

/// Last outcomes that are shown.
const LAST_OUTCOMES: usize = 10;

/// The JSON document of the command.
#[derive(Debug, Serialize)]
struct StatusDocument<'a> {
    enabled: Option<bool>,
    why: String,
    endpoint: Option<String>,
    outbox: &'a std::path::Path,
    #[serde(flatten)]
    status: &'a OutboxStatus,
}

pub(super) fn run(context: &TelemetryContext, printer: &mut Printer) -> Result<(), Error> {
    let status = status(context.outbox(), LAST_OUTCOMES).map_err(|error| context.error(error))?;
    let (enabled, why) = consent();
    let endpoint = context.settings.endpoint.as_ref().map(|endpoint| endpoint.url().to_string());
    if printer.is_json() {
        printer.document(&StatusDocument {
            enabled,
            why,
            endpoint,
            outbox: context.outbox().path(),
            status: &status,
        });
        return Ok(());
    }
    let state = match enabled {
        Some(true) => "on",
        Some(false) => "off",
        None => "asked",
    };
    printer.data(&format!("telemetry  {state}: {why}"));
    printer.data(&format!("endpoint   {}", endpoint.as_deref().unwrap_or("none; nothing is delivered")));
    printer.data(&format!("outbox     {}", context.outbox().path().display()));
    show_endpoint_state(&status, printer);
    show_waiting(&status, printer);
    show_rejected(&status, printer);
    show_outcomes(&status, printer);
    Ok(())
}

/// What a run would decide now; `None` if it would ask.
fn consent() -> (Option<bool>, String) {
    match decided_consent(&mut Vec::new()) {
        ConsentDecision::Decided(consent) => (Some(consent.proof().is_some()), consent.reason().to_string()),
        ConsentDecision::Ask(_) => (None, "TELEMETRY_ENABLED is not set; a run asks".to_owned()),
    }
}

/// How the last attempt failed, if it did: a queue that does not get shorter has its reason here.
fn show_endpoint_state(status: &OutboxStatus, printer: &mut Printer) {
    let Some(state) = &status.endpoint_state else { return };
    // Where nobody listens, nobody has answered.
    let (label, code) = match state.failure.status {
        Some(status) => ("answered", format!("HTTP {status}, ")),
        None => ("failed", String::new()),
    };
    printer.data(&format!("{label:<10} {}  {code}{}", state.time, state.failure.class.message()));
    if let Some(until) = state.not_before.filter(|until| *until > now()) {
        printer.data(&format!("paused     until {until}; nothing is sent before"));
    }
}

fn show_waiting(status: &OutboxStatus, printer: &mut Printer) {
    printer.data(&format!("queued     {}", status.waiting.len()));
    for waiting in &status.waiting {
        let attempts = waiting.attempts;
        let failure =
            waiting.last_failure.as_ref().map(|failure| format!(", last: {}", failure.class.message()));
        printer.data(&format!("  {}  {}", waiting.event_id, waiting.event_name));
        printer.data(&format!(
            "    {}, {attempts} attempts{}",
            waiting.occurred_at,
            failure.unwrap_or_default()
        ));
    }
}

/// What will never be sent, with the rule that it broke. The contents are left out: they may be what the gate keeps in.
fn show_rejected(status: &OutboxStatus, printer: &mut Printer) {
    if status.unfit > 0 {
        printer.data(&format!("invalid    {} files; the next delivery quarantines them", status.unfit));
    }
    if status.foreign > 0 {
        printer.data(&format!(
            "foreign    {} entries belong to another user or cannot be read; they are kept",
            status.foreign
        ));
    }
    printer.data(&format!("refused    {}", status.rejected.len()));
    for rejected in &status.rejected {
        let name = rejected.event_name.as_deref().unwrap_or("unknown event");
        printer.data(&format!("  {}  {name}", rejected.event_id));
        let refusal = &rejected.reason;
        let place =
            if refusal.pointer.is_empty() { String::new() } else { format!(" at {}", refusal.pointer) };
        printer.wrapped("    ", &format!("{}{place}: {}", refusal.rule, refusal.message));
    }
    // Dropped documents are gone, but that reports are missing must not go unseen.
    if status.evicted > 0 {
        printer.data(&format!("dropped    {} (queue limit)", status.evicted));
    }
}

fn show_outcomes(status: &OutboxStatus, printer: &mut Printer) {
    for warning in &status.warnings {
        printer.warn(warning.message());
    }
    if !status.ledger.is_empty() {
        printer.data("last results");
    }
    // The words of the ledger are those of its JSON form, so that both outputs can be searched for the same.
    for line in &status.ledger {
        let outcome =
            serde_json::to_value(line.outcome).ok().and_then(|word| word.as_str().map(str::to_owned));
        let status = line.status.map(|status| format!(" {status}")).unwrap_or_default();
        let name = line.event_name.as_deref().unwrap_or("");
        let text = format!("  {}  {}{status}  {name}", line.time, outcome.unwrap_or_default());
        printer.data(text.trim_end());
    }
}
