//! `bootstrap telemetry preview`: what a run would send, field by field; nothing is stored.

use std::collections::BTreeMap;
use std::path::Path;

use schema::{
    Command, CommandName, CommandResult, DocumentKind, EventId, Execution, Finish, Mode, RunManifest,
    TelemetryDocument, TelemetryEvent,
};
use serde_json::Value;
use telemetry::{envelope_from_env, preview};

use super::{TelemetryContext, show};
use crate::command::inputs;
use crate::component::{PlanContext, Probe, components, detect, plan};
use crate::exit::{Exit, Failure};
use crate::host::{Host, RunLog, STAGING};
use crate::input::{Demand, Flags, gather, resolve};
use crate::run::{PlannedComponent, features, now};
use crate::terminal::Printer;

pub(super) fn run(context: &TelemetryContext, mode: Mode, printer: &mut Printer) -> Result<Exit, Failure> {
    let documents = documents(context, mode)?;
    let mut outgoing = Vec::new();
    for document in &documents {
        outgoing.push(
            preview(&context.settings, &context.gate, document).map_err(|error| context.failed(&error))?,
        );
    }
    if printer.is_json() {
        printer.document(&outgoing.iter().filter_map(show::request).collect::<Vec<_>>());
        return Ok(Exit::Done);
    }
    printer.wrapped("", "With consent, a run sends documents such as these. Nothing is stored or sent now.");
    for outgoing in &outgoing {
        printer.data("");
        printer.heading(&format!("POST {}", outgoing.url()));
        for header in outgoing.headers() {
            printer.data(&header.to_string());
        }
        if let Ok(body) = serde_json::from_slice(outgoing.body()) {
            fields(&body, &Purposes::published(), printer);
        }
    }
    Ok(Exit::Done)
}

/// One document of each kind that a dry run of `mode` would send on this host, as it is now.
fn documents(context: &TelemetryContext, mode: Mode) -> Result<Vec<TelemetryDocument>, Failure> {
    let (envelope, _) = envelope_from_env(&|name| std::env::var_os(name), &context.gate);
    let manifest = manifest(mode, envelope.run_id.clone())?;
    let command = Command {
        name: CommandName::Run,
        mode,
        execution: Execution::DryRun,
        result: CommandResult::Started,
    };
    let events = [
        TelemetryEvent::Command(command),
        TelemetryEvent::Mode(command),
        TelemetryEvent::Manifest(Box::new(manifest)),
    ];
    Ok(events.into_iter().map(|event| envelope.document(event, EventId::random(), now())).collect())
}

fn manifest(mode: Mode, run_id: schema::Id) -> Result<RunManifest, Failure> {
    let variable = |name: &str| (name != "PRODUCTIVE_K3S_MODE").then(|| std::env::var_os(name)).flatten();
    let mut inputs = gather(&Flags::mode(mode), variable, None, &mut Vec::new())?;
    let settings = resolve(&mut inputs, None, Demand::Known)?;
    let host = Host::this_machine(RunLog::discard());
    let mut manifest = RunManifest::begin(run_id, Execution::DryRun, mode, inputs::platform(&host), now());
    manifest.features = features(&settings, true);
    let probe = Probe::new(&host, &settings);
    let context = PlanContext { settings: &settings, arch: host.arch(), staging: Path::new(STAGING) };
    for component in components(mode) {
        let detection = detect(component, &probe);
        let plan = plan(component, &detection, &context);
        let planned = PlannedComponent { component, detection, plan };
        manifest.components.set(component, planned.record(Execution::DryRun));
    }
    manifest.components.set_issuer(settings.tls.issuer());
    manifest.finish(Finish::Success, Exit::Done.code(), now());
    Ok(manifest)
}

/// The description of every property of the contract, by its name and that of the object above it.
struct Purposes(BTreeMap<(String, String), String>);

impl Purposes {
    /// From the published schemas: what the operator reads is what receivers read.
    fn published() -> Self {
        let mut purposes = BTreeMap::new();
        for kind in DocumentKind::ALL {
            // The gate was compiled from the same text, so it is JSON; a description is never worth an error.
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
    let root = [(String::new(), schema)];
    let named = definitions.into_iter().flatten().map(|(name, definition)| (name.to_lowercase(), definition));
    for (owner, definition) in root.into_iter().chain(named) {
        for (name, property) in definition.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            let text =
                property.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
            purposes.insert((owner.clone(), name.clone()), text.clone());
            purposes.entry((String::new(), name.clone())).or_insert(text);
        }
    }
}

fn fields(body: &Value, purposes: &Purposes, printer: &mut Printer) {
    visit("", "", body, purposes, printer);
}

fn visit(path: &str, parent: &str, value: &Value, purposes: &Purposes, printer: &mut Printer) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if value.is_object() {
            visit(&path, &name.replace('_', ""), value, purposes, printer);
        } else {
            printer.data(&format!("  {path} = {value}"));
            printer.wrapped("      ", purposes.of(parent, name));
        }
    }
}
