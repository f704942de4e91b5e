//! `bootstrap` and `apply`: a run whose questions are asked in the words of the layers.
//!
//! Everything is asked before anything is done, and standard input is not read afterwards: what a driver still sends then
//! meets nobody. What is found before the questions is looked at again by the run itself, under the lock of the host.

use schema::{Component, Mode};
use telemetry::ConsentDecision;

use super::conversation::Conversation;
use super::options::BootstrapOptions;
use super::questions::{self, Found};
use super::records;
use super::refusal::LayerError;
use crate::command::error::{Error, InterruptedAt};
use crate::command::inspection;
use crate::command::run::{LayerDecision, LayerRun, run_for_layer};
use crate::component::{Cluster, Detection, Probe, RunHistory, components, detect};
use crate::host::Host;
use crate::input::{Completeness, InputValue, Inputs, resolve};
use crate::layers::{RunOrigin, check_runtime};
use crate::run::{ask_consent, decided_consent};
use crate::settings::Settings;
use crate::terminal::{Printer, Signals, is_interactive};

/// What asks for the plan to be carried out without a question.
const APPROVED: &str = "PRODUCTIVE_K3S_AUTO_APPROVE_APPLY_PLAN";

pub(super) fn run(
    options: &BootstrapOptions,
    origin: RunOrigin,
    printer: &mut Printer,
) -> Result<(), LayerError> {
    check_runtime(|name| std::env::var_os(name))?;
    let mut warnings = Vec::new();
    let mode = options.mode.unwrap_or(Mode::SingleNode);
    let inputs = records::inputs(mode, &mut warnings)?;
    let asks = if is_approved() { Asks::Inputs } else { Asks::All };
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let host = inspection::without_root(&signals);
    Request { inputs, warnings, dry_run: options.dry_run, origin, signals, host }.run(asks, printer)
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// The inputs and whether to go on.
    All,
    /// The inputs.
    Inputs,
    /// Nothing.
    Nothing,
}

/// A run that is asked for.
pub(super) struct Request {
    pub(super) inputs: Inputs,
    pub(super) warnings: Vec<String>,
    pub(super) dry_run: bool,
    pub(super) origin: RunOrigin,
    pub(super) signals: Signals,
    /// The host as it is looked at before the run. It stays until the run has ended, because a password that sudo was told
    /// goes with it: after the last answer there may be nobody who could type it again.
    pub(super) host: Host,
}

impl Request {
    /// Asks what is to be asked, and carries the run out.
    pub(super) fn run(mut self, asks: Asks, printer: &mut Printer) -> Result<(), LayerError> {
        let signals = self.signals.clone();
        let consent = match decided_consent(&mut self.warnings) {
            ConsentDecision::Decided(consent) => consent,
            ConsentDecision::Ask(question) => ask_consent(question, printer, &signals),
        };
        let mut decision = if self.dry_run { LayerDecision::DryRun } else { LayerDecision::Apply };
        // Under other names, or without its login, what is installed would not be found, or be set anew.
        if let Some(installation) = records::installation() {
            installation.recall(&mut self.inputs)?;
        }
        if asks != Asks::Nothing {
            let found = self.look()?;
            inspection::check_uninterrupted(&signals, InterruptedAt::NothingChanged)?;
            let mut conversation = Conversation::new(printer, &signals);
            questions::ask(&mut conversation, &found, &mut self.inputs)?;
            tell_plan(&mut conversation, &found, &self.inputs)?;
            let goes_on = asks == Asks::Inputs
                || conversation.yes_or_no("Proceed with this plan?", true, Some(APPROVED))?;
            if !goes_on {
                decision = LayerDecision::Cancel;
            }
        }
        let settings = resolve(&mut self.inputs, None, Completeness::Required)?;
        let (inputs, warnings, origin) = (self.inputs, self.warnings, self.origin);
        let run = LayerRun { inputs, settings, consent, warnings, origin };
        Ok(run_for_layer(run, decision, printer, &signals)?)
    }

    /// Looks at the host with the rights that the run will have.
    fn look(&mut self) -> Result<Found, LayerError> {
        let settings = resolve(&mut self.inputs.clone(), None, Completeness::Optional)?;
        if !self.dry_run {
            // That root is out of reach is told by the run, which has it on record.
            let _ = self.host.acquire_root(is_interactive());
        }
        Ok(found(&self.host, &settings, records::history()))
    }
}

fn found(host: &Host, settings: &Settings, history: RunHistory) -> Found {
    let probe = Probe::new(host, settings).with_history(history);
    let detections: Vec<(Component, Detection)> =
        components(settings.mode).map(|component| (component, detect(component, &probe))).collect();
    let found = Found { mode: settings.mode, k3s: false, helm: false, detections };
    let (k3s, helm) = match settings.mode {
        // A stack is put on a k3s that is there.
        Mode::Stack => (*probe.cluster() == Cluster::Here, host.program("helm").is_some()),
        _ => (found.has(Component::K3s), found.has(Component::Helm)),
    };
    Found { k3s, helm, ..found }
}

/// One line a component, before the question whether to go on.
fn tell_plan(conversation: &mut Conversation<'_>, found: &Found, inputs: &Inputs) -> Result<(), LayerError> {
    let settings = resolve(&mut inputs.clone(), None, Completeness::Required)?;
    conversation.say(&format!("Plan for mode {}:", found.mode));
    for component in components(found.mode) {
        let wanted = crate::component::spec_of(component).wanted(&settings)
            && !settings.skipped.contains(&component)
            && !found.is_left_out(component);
        let action = match (wanted, found.has(component)) {
            (false, _) => "skip",
            (true, true) => "reuse",
            (true, false) => "install",
        };
        conversation.say(&format!("- {component}: {action}"));
    }
    Ok(())
}

fn is_approved() -> bool {
    // What is no clear yes is asked about.
    std::env::var(APPROVED).is_ok_and(|value| bool::read(&value) == Ok(true))
}
