//! What a run reports, if it has consent: documents stored in the outbox, delivered by another process.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use privacy::Gate;
use schema::{
    Command, CommandName, CommandResult, Component, ComponentResult, EnabledComponent, EnabledResult,
    Envelope, Event, EventId, Execution, Mode, RunManifest,
};
use telemetry::{Consent, Consented, DeliverySettings, Outbox, TelemetryError, child_environment};

use super::record::now;
use crate::exit::chain;

/// As PID 1, where nothing outlives us, the end of the run waits this long for the delivery.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// Reports the events of one command. Without consent it does nothing at all; with consent it stores, and sends
/// nothing itself. What fails is one warning, and never more than that.
#[derive(Debug)]
pub(crate) struct Reporter {
    active: Option<Active>,
    command: Command,
    warning: Option<String>,
}

#[derive(Debug)]
struct Active {
    outbox: Outbox,
    gate: Gate,
    envelope: Envelope,
    child_environment: [(&'static str, String); 3],
    settings: DeliverySettings,
    children: Vec<Child>,
}

impl Reporter {
    /// Opens the outbox if there is consent.
    pub(crate) fn new(
        consent: &Consent,
        envelope: &Envelope,
        gate: &Gate,
        runs_dir: &Path,
        command: (CommandName, Mode, Execution),
        warnings: &mut Vec<String>,
    ) -> Self {
        let (name, mode, execution) = command;
        let command = Command { name, mode, execution, result: CommandResult::Started };
        let mut reporter = Self { active: None, command, warning: None };
        let Some(proof) = consent.proof() else { return reporter };
        let (settings, told) = DeliverySettings::from_env(&|name| std::env::var_os(name), gate, runs_dir);
        warnings.extend(told.iter().map(ToString::to_string));
        match open(proof, &settings) {
            Ok(outbox) => {
                let (gate, envelope) = (gate.clone(), envelope.clone());
                let child_environment = child_environment(&envelope, consent);
                reporter.active = Some(Active {
                    outbox,
                    gate,
                    envelope,
                    child_environment,
                    settings,
                    children: Vec::new(),
                });
            }
            Err(error) => reporter.fail(&error),
        }
        reporter
    }

    /// Reports that the command began, and starts the delivery of what waits.
    pub(crate) fn started(&mut self) {
        self.emit(Event::Command(self.command));
        if self.command.name == CommandName::Run {
            self.emit(Event::Mode(self.command));
        }
        self.start_delivery();
    }

    /// Reports a component that was installed or configured; any other result is not reported.
    pub(crate) fn component(&mut self, name: Component, result: ComponentResult) {
        let result = match result {
            ComponentResult::Installed => EnabledResult::Installed,
            ComponentResult::Configured => EnabledResult::Configured,
            _ => return,
        };
        self.emit(Event::Component(EnabledComponent { name, result }));
    }

    /// Reports how the command ended, with the manifest of a run, and starts the delivery.
    pub(crate) fn completed(&mut self, result: CommandResult, manifest: Option<&RunManifest>) {
        let command = Command { result, ..self.command };
        if let Some(manifest) = manifest {
            self.emit(Event::Mode(command));
            self.emit(Event::Manifest(Box::new(manifest.clone())));
        }
        self.emit(Event::Command(command));
        self.start_delivery();
    }

    /// The one warning, if anything failed.
    pub(crate) fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    fn emit(&mut self, event: Event) {
        let Some(active) = &self.active else { return };
        let document = active.envelope.document(event, EventId::random(), now());
        let stored = active
            .gate
            .vet(&document)
            .map_err(TelemetryError::from)
            .and_then(|vetted| active.outbox.emit(vetted));
        if let Err(error) = stored {
            self.fail(&error);
        }
    }

    fn start_delivery(&mut self) {
        let Some(active) = &mut self.active else { return };
        if active.settings.endpoint.is_none() {
            return;
        }
        match spawn_delivery(&active.settings, &active.child_environment) {
            Ok(child) => active.children.push(child),
            Err(error) => self.fail(&TelemetryError::Client(Box::new(error))),
        }
    }

    fn fail(&mut self, error: &TelemetryError) {
        self.warning.get_or_insert_with(|| format!("telemetry of this run is incomplete: {}", chain(error)));
    }
}

fn open(proof: &Consented, settings: &DeliverySettings) -> Result<Outbox, TelemetryError> {
    Outbox::open(proof, &settings.outbox_dir)
}

/// Where nothing outlives PID 1, waits a moment for what was started.
impl Drop for Reporter {
    fn drop(&mut self) {
        if std::process::id() != 1 {
            return;
        }
        let ends = Instant::now() + LAST_WAIT;
        for child in self.active.iter_mut().flat_map(|active| &mut active.children) {
            while Instant::now() < ends && matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Starts `bootstrap telemetry flush --detached`: it makes a session of its own, and holds nothing of ours.
#[expect(
    clippy::disallowed_methods,
    reason = "the delivery is a process of ours and not a command on the host"
)]
fn spawn_delivery(
    settings: &DeliverySettings,
    environment: &[(&'static str, String)],
) -> std::io::Result<Child> {
    let outbox = std::path::absolute(&settings.outbox_dir)?;
    let mut command = std::process::Command::new(std::env::current_exe()?);
    // Inputs of the run, tokens and passwords among them, are none of the delivery's business.
    let inputs = std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_string_lossy().starts_with("PRODUCTIVE_K3S_"));
    for name in inputs {
        command.env_remove(name);
    }
    command
        .args(["telemetry", "flush", "--detached"])
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("TELEMETRY_OUTBOX_DIR", outbox)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}
