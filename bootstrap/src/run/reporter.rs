//! Telemetry of one command: the question for consent, and what is reported once there is one.
//!
//! Documents are stored in the outbox and delivered by another process. Sending them here was given up: the process that
//! changes the host as root then opens no connection of its own, and a slow endpoint never holds up an installation.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use manifest::RunsDir;
use privacy::Gate;
use schema::{
    Command, CommandName, CommandResult, Component, ComponentResult, EnabledComponent, EnabledResult,
    Envelope, EventId, Execution, Mode, RunManifest, TelemetryDocument, TelemetryEvent, UtcSeconds,
};
use telemetry::{
    Consent, ConsentAnswer, ConsentDecision, ConsentQuestion, DeliverySettings, Interactivity, Outbox,
    OutboxDir, TelemetryError, child_environment, decide_consent, manifest_document,
};

use super::record::{error_chain, now};
use crate::host::is_of_network;
use crate::terminal::{DefaultAnswer, Printer, Prompter, Signals, is_interactive};

/// Asked before anything is stored. It names what is sent and what is not, because consent to the unknown is none.
const QUESTION: &str = "\
Anonymous telemetry shows which set-ups work. May this run report?
  sent        mode, platform, components and their results, times,
              exit code, settings such as the number of replicas
  never sent  names of hosts or users, addresses, URLs, paths,
              networks, passwords, tokens
  see it all  bootstrap telemetry preview";

/// What the delivery sees of our environment beside what telemetry is told and how to reach the network: who this machine
/// and its users are, which the gate must know; who called sudo, as whom it acts; and what speaks against sending.
const OF_DELIVERY: [&str; 9] =
    ["HOME", "USER", "LOGNAME", "SUDO_USER", "SUDO_UID", "SUDO_GID", "PATH", "DO_NOT_TRACK", "CI"];

/// As PID 1, where nothing outlives us, the end of the run waits this long for the delivery.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// What the environment says, and whether there is somebody to ask.
pub fn decided_consent(warnings: &mut Vec<String>) -> ConsentDecision {
    let terminals = if is_interactive() { Interactivity::Interactive } else { Interactivity::NonInteractive };
    let (decision, problems) = decide_consent(&|name| std::env::var_os(name), terminals);
    warnings.extend(problems.iter().map(ToString::to_string));
    decision
}

/// Asks once; the end of the input and an interrupt mean no.
pub fn ask_consent(question: ConsentQuestion, printer: &mut Printer, signals: &Signals) -> Consent {
    let agreed = Prompter::interactive(printer, signals).is_some_and(|mut prompter| {
        prompter.printer().prompt_text(QUESTION);
        prompter.confirm("Send anonymous telemetry for this run?", DefaultAnswer::Yes)
    });
    question.answered(if agreed { ConsentAnswer::Yes } else { ConsentAnswer::No })
}

/// The consent of the environment, or of the operator where the environment is silent.
pub fn resolve_consent(warnings: &mut Vec<String>, printer: &mut Printer, signals: &Signals) -> Consent {
    match decided_consent(warnings) {
        ConsentDecision::Decided(consent) => consent,
        ConsentDecision::Ask(question) => ask_consent(question, printer, signals),
    }
}

/// Reports the events of one command. Without consent it does nothing at all; with consent it stores, and sends
/// nothing itself. What fails is one warning, and never more than that.
#[derive(Debug)]
pub struct TelemetryReporter {
    active: Option<Active>,
    command: Command,
    tells_command: bool,
    warning: Option<String>,
}

#[derive(Debug)]
struct Active {
    outbox: Outbox,
    gate: Gate,
    envelope: Envelope,
    child_environment: [(&'static str, String); 4],
    settings: DeliverySettings,
    children: Vec<Child>,
}

impl TelemetryReporter {
    /// Opens the outbox if there is consent.
    pub fn new(
        consent: &Consent,
        envelope: &Envelope,
        gate: &Gate,
        runs: &RunsDir,
        command: (CommandName, Mode, Execution),
        warnings: &mut Vec<String>,
    ) -> Self {
        let (name, mode, execution) = command;
        let command = Command { name, mode, execution, result: CommandResult::Started };
        let mut reporter = Self { active: None, command, tells_command: true, warning: None };
        // Without consent the settings are not even read: a wrong endpoint is then no reason for a warning.
        let Some(proof) = consent.proof() else { return reporter };
        let outbox = OutboxDir::within(runs.directory());
        let (settings, problems) = DeliverySettings::from_env(&|name| std::env::var_os(name), gate, outbox);
        warnings.extend(problems.iter().map(ToString::to_string));
        match Outbox::open(proof, &settings.outbox) {
            Ok(outbox) => {
                let (gate, envelope) = (gate.clone(), envelope.clone());
                let child_environment = child_environment(&envelope, consent, &settings);
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

    /// Leaves the events of the command to whoever called this program for it.
    pub fn without_command(mut self) -> Self {
        self.tells_command = false;
        self
    }

    /// Reports that the command began, and starts the delivery of what waits.
    pub fn started(&mut self) {
        let at = now();
        self.emit_command(self.command, at);
        // A rollback does not choose a mode, so it reports none.
        if self.command.name == CommandName::Run {
            self.emit(TelemetryEvent::Mode(self.command), at);
        }
        // Now and not only at the end: what earlier runs left is on its way while this one works.
        self.start_delivery();
    }

    /// Reports a component that was installed or configured; any other result is not reported.
    pub fn component(&mut self, name: Component, result: ComponentResult) {
        let result = match result {
            ComponentResult::Installed => EnabledResult::Installed,
            ComponentResult::Configured => EnabledResult::Configured,
            // What was reused or skipped is in the manifest; events are for what the run itself brought about.
            _ => return,
        };
        self.emit(TelemetryEvent::Component(EnabledComponent { name, result }), now());
    }

    /// Reports how the command ended, with the manifest of a run under its own event id, and starts the delivery.
    pub fn completed(&mut self, result: CommandResult, manifest: Option<(&RunManifest, EventId)>) {
        let command = Command { result, ..self.command };
        // One time for all: receivers order documents by it, and the last record was on the disk before this is called.
        let at = manifest.and_then(|(manifest, _)| manifest.finished_at).unwrap_or_else(now);
        if let Some((manifest, event_id)) = manifest {
            self.emit(TelemetryEvent::Mode(command), at);
            self.store(|envelope| manifest_document(manifest.clone(), envelope, event_id));
        }
        self.emit_command(command, at);
        self.start_delivery();
    }

    /// The one warning, if anything failed.
    pub fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    fn emit_command(&mut self, command: Command, at: UtcSeconds) {
        if self.tells_command {
            self.emit(TelemetryEvent::Command(command), at);
        }
    }

    fn emit(&mut self, event: TelemetryEvent, at: UtcSeconds) {
        self.store(|envelope| envelope.document(event, EventId::random(), at));
    }

    fn store(&mut self, document: impl FnOnce(&Envelope) -> TelemetryDocument) {
        let Some(active) = &self.active else { return };
        let document = document(&active.envelope);
        // The document passes the gate before it touches the disk, and again when it is sent: rules may change between.
        let stored = active
            .gate
            .vet(&document)
            .map_err(TelemetryError::from)
            .and_then(|vetted| active.outbox.emit(vetted, &active.settings.headers));
        if let Err(error) = stored {
            self.fail(&error);
        }
    }

    fn start_delivery(&mut self) {
        let Some(active) = &mut self.active else { return };
        if active.settings.endpoint.is_none() {
            return;
        }
        match spawn_delivery(&active.outbox, &active.child_environment) {
            // Kept only for PID 1; elsewhere init reaps the child when we are gone.
            Ok(child) => active.children.push(child),
            Err(error) => self.fail(&error),
        }
    }

    /// Keeps the first error. The others nearly always have the same cause, and telemetry must not fill the screen.
    fn fail(&mut self, error: &TelemetryError) {
        self.warning
            .get_or_insert_with(|| format!("telemetry of this run is incomplete: {}", error_chain(error)));
    }
}

/// Where nothing outlives PID 1, waits a moment for what was started.
impl Drop for TelemetryReporter {
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

/// Starts `bootstrap telemetry flush --detached`. The open outbox is its standard input: by its path it could find
/// another one. Of ours it holds nothing else.
#[expect(
    clippy::disallowed_methods,
    reason = "the delivery is a process of ours and not a command on the host"
)]
fn spawn_delivery(outbox: &Outbox, environment: &[(&'static str, String)]) -> Result<Child, TelemetryError> {
    let failed = |error: std::io::Error| TelemetryError::Client(Box::new(error));
    // Not by its path: an upgrade may have put another program there since this one started, or be about to.
    let mut command = std::process::Command::new("/proc/self/exe");
    command.arg0(env!("CARGO_PKG_NAME"));
    // Inputs of the run, tokens and passwords among them, are none of the delivery's business, and neither is what else is
    // in the environment.
    let passed_on = |name: &OsString| {
        name.to_str().is_some_and(|name| {
            name.starts_with("TELEMETRY_") || OF_DELIVERY.contains(&name) || is_of_network(name)
        })
    };
    command.env_clear().envs(std::env::vars_os().filter(|(name, _)| passed_on(name)));
    command
        .args(["telemetry", "flush", "--detached"])
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env_remove("TELEMETRY_OUTBOX_DIR")
        .stdin(Stdio::from(outbox.to_fd()?))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Before it runs, and so before this process can end: if this process leads its session, its end hangs up the
        // terminal, and every process of the foreground group is signalled.
        .process_group(0)
        .spawn()
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reporter with consent, which queues documents below `dir` and delivers none.
    fn reporter(dir: &std::path::Path) -> TelemetryReporter {
        let environment = |name: &str| match name {
            "TELEMETRY_ENABLED" => Some("true".into()),
            "TELEMETRY_ENDPOINT" => Some("".into()),
            _ => None,
        };
        let gate = Gate::default();
        let (ConsentDecision::Decided(consent), _) =
            decide_consent(&environment, Interactivity::NonInteractive)
        else {
            panic!("the environment decides");
        };
        let (envelope, _) = telemetry::envelope_from_env(&environment, &gate);
        let (settings, _) = DeliverySettings::from_env(&environment, &gate, OutboxDir::below(dir));
        let active = Active {
            outbox: Outbox::open(consent.proof().expect("it says yes"), &settings.outbox).expect("opened"),
            child_environment: child_environment(&envelope, &consent, &settings),
            gate,
            envelope,
            settings,
            children: Vec::new(),
        };
        let command = Command {
            name: CommandName::Run,
            mode: Mode::Server,
            execution: Execution::DryRun,
            result: CommandResult::Started,
        };
        TelemetryReporter { active: Some(active), command, tells_command: true, warning: None }
    }

    /// A run whose last record took a second to write still reports its end in the order that the contract states.
    #[test]
    fn what_ends_with_a_run_has_the_time_of_its_manifest() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut reporter = reporter(dir.path());
        let platform = schema::Platform {
            support: schema::Support::Supported,
            os_family: schema::OsFamily::Debian,
            os_id: schema::OsId::Debian,
            os_version: schema::OsVersion::or_other("12"),
            arch: schema::Arch::Amd64,
        };
        let began = UtcSeconds::parse("2026-11-22T07:50:02Z").expect("a time");
        let ended = UtcSeconds::parse("2026-11-22T07:50:03Z").expect("a time");
        let mut manifest =
            RunManifest::begin(schema::Id::random(), Execution::DryRun, Mode::Server, platform, began);
        manifest.finish(schema::Finish::Success, 0, ended);
        reporter.completed(CommandResult::Success, Some((&manifest, EventId::random())));
        let outbox = &reporter.active.as_ref().expect("consent").settings.outbox;
        let queued = telemetry::status(outbox, 0).expect("a status").waiting;
        assert_eq!((queued.len(), reporter.take_warning()), (3, None));
        assert!(queued.iter().all(|document| document.occurred_at == ended), "{queued:?}");
    }
}
