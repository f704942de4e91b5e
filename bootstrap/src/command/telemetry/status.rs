//! `bootstrap telemetry status`.

use serde::Serialize;
use telemetry::{ConsentDecision, OutboxStatus, status};

use super::Context;
use crate::exit::{Exit, Failure};
use crate::run::decided_consent;
use crate::terminal::Printer;

/// Last outcomes that are shown.
const LAST_OUTCOMES: usize = 10;

#[derive(Debug, Serialize)]
struct Document<'a> {
    enabled: Option<bool>,
    why: String,
    endpoint: Option<String>,
    outbox: &'a std::path::Path,
    #[serde(flatten)]
    status: &'a OutboxStatus,
}

pub(super) fn run(context: &Context, printer: &mut Printer) -> Result<Exit, Failure> {
    let status = status(context.outbox_dir(), LAST_OUTCOMES).map_err(|error| context.failed(&error))?;
    let (enabled, why) = consent();
    let endpoint = context.settings.endpoint.as_ref().map(|endpoint| endpoint.url().to_string());
    if printer.is_json() {
        printer.document(&Document { enabled, why, endpoint, outbox: context.outbox_dir(), status: &status });
        return Ok(Exit::Done);
    }
    let state = match enabled {
        Some(true) => "on",
        Some(false) => "off",
        None => "asked",
    };
    printer.data(&format!("telemetry  {state}: {why}"));
    printer.data(&format!("endpoint   {}", endpoint.as_deref().unwrap_or("none, so nothing is delivered")));
    printer.data(&format!("outbox     {}", context.outbox_dir().display()));
    show(&status, printer);
    Ok(Exit::Done)
}

/// What a run would decide now; `None` if it would ask.
fn consent() -> (Option<bool>, String) {
    match decided_consent(&mut Vec::new()) {
        ConsentDecision::Decided(consent) => (Some(consent.proof().is_some()), consent.reason().to_string()),
        ConsentDecision::Ask(_) => (None, "TELEMETRY_ENABLED is not set, so a run asks".to_owned()),
    }
}

fn show(status: &OutboxStatus, printer: &mut Printer) {
    printer.data(&format!("waiting    {}", status.waiting.len()));
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
    if status.unfit > 0 {
        printer.data(&format!(
            "unfit      {} files are no entries; the next delivery sets them aside",
            status.unfit
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
    if status.evicted > 0 {
        printer.data(&format!("evicted    {} to keep the bounds", status.evicted));
    }
    if !status.ledger.is_empty() {
        printer.data("last outcomes");
    }
    for line in &status.ledger {
        let outcome =
            serde_json::to_value(line.outcome).ok().and_then(|word| word.as_str().map(str::to_owned));
        let status = line.status.map(|status| format!(" {status}")).unwrap_or_default();
        let name = line.event_name.as_deref().unwrap_or("");
        let text = format!("  {}  {}{status}  {name}", line.time, outcome.unwrap_or_default());
        printer.data(text.trim_end());
    }
}
