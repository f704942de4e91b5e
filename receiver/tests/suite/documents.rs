//! Documents for the tests, made by the types of the contract.

use schema::{
    Command, CommandName, CommandResult, ComponentLabel, Envelope, EventId, Execution, Id, Mode,
    TelemetryEvent, UtcSeconds,
};

/// A document of a chain, and the id of its event as the store shows it.
pub(crate) struct Sample {
    pub(crate) event_id: String,
    pub(crate) bytes: Vec<u8>,
}

/// A document of a run of its own.
pub(crate) fn sample() -> Sample {
    sample_at("2026-11-22T07:50:02Z")
}

/// As [`sample`], at a time.
pub(crate) fn sample_at(at: &str) -> Sample {
    in_session(&Id::random(), &Id::random(), None, ComponentLabel::Core, at)
}

/// A document of a run in a chain.
pub(crate) fn in_session(
    session_id: &Id,
    run_id: &Id,
    parent_run_id: Option<&Id>,
    component: ComponentLabel,
    at: &str,
) -> Sample {
    let envelope = Envelope {
        session_id: session_id.clone(),
        run_id: run_id.clone(),
        parent_run_id: parent_run_id.cloned(),
        component,
    };
    let command = Command {
        name: CommandName::Run,
        mode: Mode::Server,
        execution: Execution::DryRun,
        result: CommandResult::Success,
    };
    let event_id = EventId::random();
    let at = UtcSeconds::parse(at).expect("a time");
    let document = envelope.document(TelemetryEvent::Command(command), event_id, at);
    let bytes = serde_json::to_vec(&document).expect("JSON");
    Sample { event_id: event_id.to_string().replace('-', ""), bytes }
}
