//! An outbox in a scratch directory, documents for it, and a delivery pass.

use std::ffi::OsString;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use privacy::{Gate, LocalIdentifiers};
use schema::{
    Command, CommandName, CommandResult, ComponentLabel, Envelope, EventId, Execution, Id, Mode,
    TelemetryDocument, TelemetryEvent, UtcSeconds,
};
use telemetry::{
    Consent, ConsentDecision, DeliveryProgress, DeliverySettings, DeliverySummary, Interactivity, Outbox,
    OutboxDir,
};
use tempfile::TempDir;

/// A name that the gate of these tests knows to be local.
pub(crate) const CANARY: &str = "srv01";

/// An outbox that no other test uses.
pub(crate) struct Scratch {
    root: TempDir,
    /// Consent, given.
    pub(crate) consent: Consent,
    /// A gate that knows [`CANARY`].
    pub(crate) gate: Gate,
    /// Settings for `endpoint`, with long timeouts.
    pub(crate) settings: DeliverySettings,
}

impl Scratch {
    /// With this endpoint.
    pub(crate) fn new(endpoint: &str) -> Self {
        let root = TempDir::new().expect("a scratch directory");
        let gate = Gate::new(LocalIdentifiers::default().with_private([CANARY]));
        let variable = |name: &str| (name == "TELEMETRY_ENDPOINT").then(|| OsString::from(endpoint));
        let (mut settings, warnings) =
            DeliverySettings::from_env(&variable, &gate, OutboxDir::below(root.path()));
        assert!(warnings.is_empty() || endpoint.is_empty(), "{warnings:?}");
        // A busy machine must not turn a good answer into a timeout.
        settings.connect_timeout = Duration::from_secs(30);
        settings.request_timeout = Duration::from_secs(30);
        Self { root, consent: consent(), gate, settings }
    }

    /// Timeouts for endpoints that never answer.
    pub(crate) fn with_short_timeouts(mut self) -> Self {
        self.settings.connect_timeout = Duration::from_millis(600);
        self.settings.request_timeout = Duration::from_millis(600);
        self
    }

    /// Sets `TELEMETRY_MARKER` in the environment of what follows.
    pub(crate) fn set_marker(&mut self, marker: &str) {
        let variable = |name: &str| (name == "TELEMETRY_MARKER").then(|| OsString::from(marker));
        let former = self.settings.clone();
        let (settings, _) = DeliverySettings::from_env(&variable, &self.gate, former.outbox);
        self.settings = DeliverySettings {
            endpoint: former.endpoint,
            max_attempts: former.max_attempts,
            connect_timeout: former.connect_timeout,
            request_timeout: former.request_timeout,
            ..settings
        };
    }

    /// A directory for other files of the test.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// The outbox, opened.
    pub(crate) fn outbox(&self) -> Outbox {
        Outbox::open(self.consent.proof().expect("given"), &self.settings.outbox).expect("the outbox opens")
    }

    /// The directory of the outbox.
    pub(crate) fn dir(&self) -> &Path {
        self.settings.outbox.path()
    }

    /// The file of a queued event.
    pub(crate) fn file(&self, id: EventId) -> PathBuf {
        self.dir().join(format!("{id}.json"))
    }

    /// Stores as many new documents, oldest first.
    pub(crate) fn emit(&self, count: usize) -> Vec<EventId> {
        let outbox = self.outbox();
        let store = |_| {
            let document = self.gate.vet(&document()).expect("passes the gate");
            outbox.emit(document, &self.settings.headers).expect("stored").event_id
        };
        (0..count).map(store).collect()
    }

    /// One pass that is stopped when this holds.
    pub(crate) fn deliver_until(&self, is_over: impl Fn(DeliveryProgress) -> bool) -> DeliverySummary {
        self.pass(telemetry::DEADLINE, &mut |progress| {
            if is_over(progress) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }

    /// One pass that lasts at most this long.
    pub(crate) fn deliver_within(&self, deadline: Duration) -> DeliverySummary {
        self.pass(deadline, &mut |_| ControlFlow::Continue(()))
    }

    fn pass(
        &self,
        deadline: Duration,
        report: &mut dyn FnMut(DeliveryProgress) -> ControlFlow<()>,
    ) -> DeliverySummary {
        let consent = self.consent.proof().expect("given");
        telemetry::deliver(consent, &self.settings, &self.gate, &self.outbox(), deadline, report)
            .expect("a round")
    }

    /// One pass.
    pub(crate) fn deliver(&self) -> DeliverySummary {
        self.deliver_within(telemetry::DEADLINE)
    }

    /// What is in the outbox.
    pub(crate) fn status(&self) -> telemetry::OutboxStatus {
        telemetry::status(&self.settings.outbox, 1000).expect("a status")
    }

    /// Attempts that the file of an event states.
    pub(crate) fn attempts(&self, id: EventId) -> u64 {
        self.entry(id)["attempts"].as_u64().expect("a number")
    }

    /// The file of an event.
    pub(crate) fn entry(&self, id: EventId) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.file(id)).expect("it waits")).expect("JSON")
    }
}

/// Consent as the environment gives it.
pub(crate) fn consent() -> Consent {
    let enabled = |name: &str| (name == "TELEMETRY_ENABLED").then(|| OsString::from("true"));
    match telemetry::decide_consent(&enabled, Interactivity::NonInteractive).0 {
        ConsentDecision::Decided(consent) => consent,
        ConsentDecision::Ask(_) => unreachable!("it is decided"),
    }
}

/// A new document.
pub(crate) fn document() -> TelemetryDocument {
    let id = || Id::parse(&EventId::random().to_string()).expect("an id");
    let envelope =
        Envelope { session_id: id(), run_id: id(), parent_run_id: None, component: ComponentLabel::Core };
    let command = Command {
        name: CommandName::Run,
        mode: Mode::Server,
        execution: Execution::DryRun,
        result: CommandResult::Success,
    };
    let at = UtcSeconds::parse("2026-11-22T07:50:02Z").expect("a time");
    envelope.document(TelemetryEvent::Command(command), EventId::random(), at)
}
