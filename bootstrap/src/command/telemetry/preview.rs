//! `bootstrap telemetry show` and `preview`: the requests that would go out, and those that a run would make.
//!
//! Both go through the same gate and the same builder of requests as a delivery does. A rendering of its own could differ
//! from what is sent, and would then be a promise that nobody keeps.

use std::collections::BTreeMap;
use std::path::Path;

use schema::{
    Command, CommandName, CommandResult, DocumentKind, EventId, Execution, Finish, Mode, RunManifest,
    TelemetryDocument, TelemetryEvent,
};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use telemetry::{DeliveryRequest, QueuedRequest, envelope_from_env};

use super::context::TelemetryContext;
use crate::command::error::Error;
use crate::command::inputs;
use crate::component::{BuiltInSums, PlanContext, Probe, components, detect, plan};
use crate::host::{Host, RunLog, STAGING};
use crate::input::{Completeness, Flags, collect as collect_inputs, resolve};
use crate::run::{PlannedComponent, features, now};
use crate::terminal::Printer;

/// A request as data.
#[derive(Serialize)]
struct HttpRequest<'a> {
    method: &'static str,
    url: &'a str,
    headers: &'a [telemetry::Header],
    body: &'a RawValue,
}

/// Shows the exact bytes and headers of what waits: of one event, or of all.
pub(super) fn show(context: &TelemetryContext, id: Option<&str>, printer: &mut Printer) -> Result<(), Error> {
    let (outbox, settings, gate) = (context.outbox(), &context.settings, &context.gate);
    let queued = match id.map(EventId::parse).transpose().map_err(|_| Error::NotAnEventId)? {
        Some(id) => telemetry::show(outbox, settings, gate, id).map(|found| vec![found]),
        None => telemetry::show_all(outbox, settings, gate),
    };
    let queued = queued.map_err(|error| context.error(error))?;
    let is_empty = queued.is_empty();
    let requests = sendable(queued, printer);
    if printer.is_json() {
        let documents: Vec<_> = requests.iter().filter_map(request).collect();
        printer.document(&documents);
    } else if is_empty {
        printer.data("No event is queued.");
    }
    for outgoing in &requests {
        show_text(outgoing, printer);
    }
    Ok(())
}

/// Those that can be sent. The others are a warning: what they hold may be what the gate keeps in.
fn sendable(queued: Vec<QueuedRequest>, printer: &mut Printer) -> Vec<DeliveryRequest> {
    let mut requests = Vec::new();
    for found in queued {
        match found {
            QueuedRequest::Sendable(request) => requests.push(request),
            QueuedRequest::Refused(id, reason) => {
                printer.warn(&format!("event {id} will not be sent: {}: {}", reason.rule, reason.message));
            }
            QueuedRequest::Held(id, failure) => {
                printer.warn(&format!("event {id} is not sent now: {}", failure.message()));
            }
        }
    }
    requests
}

/// The request as data.
fn request(outgoing: &DeliveryRequest) -> Option<HttpRequest<'_>> {
    let body = serde_json::from_slice(outgoing.body()).ok()?;
    Some(HttpRequest { method: "POST", url: outgoing.url().as_str(), headers: outgoing.headers(), body })
}

/// The request as it stands on the wire, its token masked.
fn show_text(outgoing: &DeliveryRequest, printer: &mut Printer) {
    printer.data(&format!("POST {}", outgoing.url()));
    for header in outgoing.headers() {
        printer.data(&header.to_string());
    }
    printer.data("");
    printer.data(&String::from_utf8_lossy(outgoing.body()));
    printer.data("");
}

/// Shows what a run of `mode` would send, field by field; nothing is stored.
pub(super) fn preview(context: &TelemetryContext, mode: Mode, printer: &mut Printer) -> Result<(), Error> {
    let documents = documents(context, mode)?;
    let mut outgoing = Vec::new();
    for document in &documents {
        outgoing.push(
            telemetry::preview(&context.settings, &context.gate, document)
                .map_err(|error| context.error(error))?,
        );
    }
    if printer.is_json() {
        printer.document(&outgoing.iter().filter_map(request).collect::<Vec<_>>());
        return Ok(());
    }
    printer.wrapped("", "With consent, a run sends documents such as these. Nothing is stored or sent now.");
    for outgoing in &outgoing {
        printer.data("");
        printer.heading(&format!("POST {}", outgoing.url()));
        for header in outgoing.headers() {
            printer.data(&header.to_string());
        }
        if let Ok(body) = serde_json::from_slice(outgoing.body()) {
            show_fields("", "", &body, &Purposes::published(), printer);
        }
    }
    Ok(())
}

/// One document of each kind that a dry run of `mode` would send on this host, as it is now.
fn documents(context: &TelemetryContext, mode: Mode) -> Result<Vec<TelemetryDocument>, Error> {
    let (envelope, _) = envelope_from_env(&|name| std::env::var_os(name), &context.gate);
    let manifest = dry_run_manifest(mode, envelope.run_id.clone())?;
    let command = Command {
        name: CommandName::Run,
        mode,
        execution: Execution::DryRun,
        result: CommandResult::Started,
    };
    // One of each kind, and not one for each component: what is shown is what can be sent, not how often.
    let events = [
        TelemetryEvent::Command(command),
        TelemetryEvent::Mode(command),
        TelemetryEvent::Manifest(Box::new(manifest)),
    ];
    Ok(events.into_iter().map(|event| envelope.document(event, EventId::random(), now())).collect())
}

fn dry_run_manifest(mode: Mode, run_id: schema::Id) -> Result<RunManifest, Error> {
    // The mode was given to this command; that of the environment would contradict it.
    let variable = |name: &str| (name != "PRODUCTIVE_K3S_MODE").then(|| std::env::var_os(name)).flatten();
    let mut inputs = collect_inputs(&Flags::mode(mode), variable, None, &mut Vec::new())?;
    // A look must work before the run does: required inputs may be missing.
    let settings = resolve(&mut inputs, None, Completeness::Optional)?;
    let host = Host::this_machine(RunLog::discard());
    let mut manifest = RunManifest::begin(run_id, Execution::DryRun, mode, inputs::platform(&host), now());
    manifest.features = features(&settings, true);
    let probe = Probe::new(&host, &settings);
    let context = PlanContext {
        settings: &settings,
        arch: host.arch(),
        staging: Path::new(STAGING),
        sums: BuiltInSums::PROGRAM,
    };
    for component in components(mode) {
        let detection = detect(component, &probe);
        let plan = plan(component, &detection, &context);
        let planned = PlannedComponent { component, detection, plan, installed: None };
        manifest.components.set(component, planned.record(Execution::DryRun));
    }
    manifest.components.set_issuer(settings.tls.issuer());
    manifest.finish(Finish::Success, 0, now());
    Ok(manifest)
}

/// The description of every property of the contract, by its name and that of the object above it.
struct Purposes(BTreeMap<(String, String), String>);

impl Purposes {
    /// From the published schemas: what the operator reads is what receivers read.
    fn published() -> Self {
        let mut purposes = BTreeMap::new();
        for kind in DocumentKind::ALL {
            if let Ok(schema) = serde_json::from_str(privacy::published_schema(kind)) {
                collect(&schema, &mut purposes);
            }
        }
        Self(purposes)
    }

    fn of(&self, parent: &str, name: &str) -> &str {
        let found = self.0.get(&(parent.to_owned(), name.to_owned()));
        found.or_else(|| self.0.get(&(String::new(), name.to_owned()))).map_or("", String::as_str)
    }
}

fn collect(schema: &Value, purposes: &mut BTreeMap<(String, String), String>) {
    let definitions = schema.get("$defs").and_then(Value::as_object);
    // Definitions are named as their types are, so `RunManifest` becomes `runmanifest` and meets `run_manifest` below.
    let root = [(String::new(), schema)];
    let named = definitions.into_iter().flatten().map(|(name, definition)| (name.to_lowercase(), definition));
    for (owner, definition) in root.into_iter().chain(named) {
        // A field of the same name means the same nearly everywhere; where two differ, the object above decides. The first
        // one found stands for the objects that have no definition of their own.
        for (name, property) in definition.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            let text =
                property.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
            purposes.insert((owner.clone(), name.clone()), text.clone());
            purposes.entry((String::new(), name.clone())).or_insert(text);
        }
    }
}

/// Prints each field below `path` with its description. Fields are found in the document and not listed here, so that
/// none can be left out.
fn show_fields(path: &str, parent: &str, value: &Value, purposes: &Purposes, printer: &mut Printer) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if value.is_object() {
            show_fields(&path, &name.replace('_', ""), value, purposes, printer);
        } else {
            printer.data(&format!("  {path} = {value}"));
            printer.wrapped("      ", purposes.of(parent, name));
        }
    }
}
