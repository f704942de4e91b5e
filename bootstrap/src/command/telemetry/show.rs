//! `bootstrap telemetry show`: the exact bytes and headers that would go out.

use schema::EventId;
use serde::Serialize;
use serde_json::value::RawValue;
use telemetry::{DeliveryRequest, show, status};

use super::Context;
use crate::exit::{Exit, Failure};
use crate::terminal::Printer;

#[derive(Serialize)]
pub(super) struct Request<'a> {
    method: &'static str,
    url: &'a str,
    headers: &'a [telemetry::Header],
    body: &'a RawValue,
}

pub(super) fn run(context: &Context, id: Option<&str>, printer: &mut Printer) -> Result<Exit, Failure> {
    let ids = match id {
        Some(text) => vec![EventId::parse(text).map_err(|_| {
            Failure::usage("the id is not that of an event")
                .hint("`bootstrap telemetry status` lists what waits")
        })?],
        None => waiting(context)?,
    };
    let mut requests = Vec::new();
    for id in ids {
        let outgoing = show(context.outbox_dir(), &context.settings, &context.gate, Some(id));
        requests.extend(outgoing.map_err(|error| context.failed(&error))?);
    }
    if printer.is_json() {
        let documents: Vec<_> = requests.iter().filter_map(request).collect();
        printer.document(&documents);
    } else if requests.is_empty() {
        printer.data("Nothing waits.");
    }
    for outgoing in &requests {
        text(outgoing, printer);
    }
    Ok(Exit::Done)
}

fn waiting(context: &Context) -> Result<Vec<EventId>, Failure> {
    let status = status(context.outbox_dir(), 0).map_err(|error| context.failed(&error))?;
    Ok(status.waiting.iter().map(|waiting| waiting.event_id).collect())
}

/// The request as data.
pub(super) fn request(outgoing: &DeliveryRequest) -> Option<Request<'_>> {
    let body = serde_json::from_slice(outgoing.body()).ok()?;
    Some(Request { method: "POST", url: outgoing.url().as_str(), headers: outgoing.headers(), body })
}

/// The request as it stands on the wire, its token masked.
fn text(outgoing: &DeliveryRequest, printer: &mut Printer) {
    printer.data(&format!("POST {}", outgoing.url()));
    for header in outgoing.headers() {
        printer.data(&header.to_string());
    }
    printer.data("");
    printer.data(&String::from_utf8_lossy(outgoing.body()));
    printer.data("");
}
