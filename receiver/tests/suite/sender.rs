//! Our own sender at the other end.

use std::ffi::OsString;
use std::ops::ControlFlow;

use privacy::Gate;
use schema::{
    Command, CommandName, CommandResult, ComponentLabel, Envelope, EventId, Execution, Id, Mode,
    TelemetryEvent, UtcSeconds,
};
use telemetry::{ConsentDecision, DeliverySettings, Interactivity, Outbox, OutboxDir, VettedHeaders};

use crate::support::{Site, on_both_stores};

on_both_stores! {
    what_our_sender_delivers_is_stored_and_leaves_its_outbox,
}

fn what_our_sender_delivers_is_stored_and_leaves_its_outbox(site: &Site) {
    let receiver = site.receiver();
    let endpoint = format!("http://{}/telemetry", receiver.address);
    let variable = |name: &str| match name {
        "TELEMETRY_ENABLED" => Some(OsString::from("true")),
        "TELEMETRY_ENDPOINT" => Some(OsString::from(&endpoint)),
        _ => None,
    };
    let (ConsentDecision::Decided(consent), _) =
        telemetry::decide_consent(&variable, Interactivity::NonInteractive)
    else {
        panic!("decided")
    };
    let (proof, gate) = (consent.proof().expect("given"), Gate::default());
    let (settings, _) = DeliverySettings::from_env(&variable, &gate, OutboxDir::below(site.path()));
    let outbox = Outbox::open(proof, &settings.outbox).expect("opened");
    let envelope = Envelope {
        session_id: Id::random(),
        run_id: Id::random(),
        parent_run_id: None,
        component: ComponentLabel::Core,
    };
    let command = Command {
        name: CommandName::Run,
        mode: Mode::Server,
        execution: Execution::Apply,
        result: CommandResult::Started,
    };
    let at = UtcSeconds::parse("2026-11-22T07:50:02Z").expect("a time");
    let event_id = EventId::random();
    let document = envelope.document(TelemetryEvent::Command(command), event_id, at);
    let vetted = gate.vet(&document).expect("passes");
    outbox.emit(vetted, &VettedHeaders::default()).expect("stored");
    let mut go_on = |_| ControlFlow::Continue(());
    let summary = telemetry::deliver(proof, &settings, &gate, &outbox, telemetry::DEADLINE, &mut go_on);
    assert_eq!(summary.expect("a pass").delivered, 1);
    assert_eq!(site.stored_events(), [event_id.to_string().replace('-', "")]);
}
