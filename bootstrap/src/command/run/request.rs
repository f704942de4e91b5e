//! What a run is asked to do: inputs, settings and consent, complete before anything is written.

use telemetry::{Consent, Decision};

use crate::cli::RunArgs;
use crate::command::error::{Error, InterruptedAt};
use crate::exit::Failure;
use crate::input::{Asker, Demand, Input, Inputs, resolve};
use crate::run::{ask_consent, decided_consent};
use crate::settings::Settings;
use crate::terminal::{Printer, Prompter, Signals, is_interactive};

/// What is known before anything is written.
pub(super) struct Request {
    pub(super) inputs: Inputs,
    pub(super) settings: Settings,
    pub(super) consent: Consent,
    pub(super) warnings: Vec<String>,
}

impl Request {
    /// Asks for everything that is missing.
    ///
    /// # Errors
    /// An input is missing or unusable, or the operator did not answer. Nothing was written.
    pub(super) fn complete(
        mut inputs: Inputs,
        mut warnings: Vec<String>,
        args: &RunArgs,
        printer: &mut Printer,
        signals: &Signals,
    ) -> Result<Self, Error> {
        let decision = decided_consent(&mut warnings);
        // Faults in what was given, and without a terminal what is missing, are told before anybody is asked anything.
        let demand = if is_interactive() { Demand::Known } else { Demand::Complete };
        resolve(&mut inputs.clone(), None, demand)?;
        let consent = match decision {
            Decision::Decided(consent) => consent,
            Decision::Ask(question) => ask_consent(question, printer, signals),
        };
        if let Some(signal) = signals.pending() {
            return Err(Error::Interrupted { signal, when: InterruptedAt::BeforeRun });
        }
        // Who looks, or has said yes to everything, is asked only for what the run cannot do without.
        let asks_all = !args.dry_run && !args.yes;
        let mut asker =
            Prompter::interactive(printer, signals).map(|prompter| InputPrompter { prompter, asks_all });
        let asker = asker.as_mut().map(|asker| asker as &mut dyn Asker);
        let settings = resolve(&mut inputs, asker, Demand::Complete)?;
        Ok(Self { inputs, settings, consent, warnings })
    }
}

/// Asks for inputs on the terminal. It stands here because the terminal knows no inputs, and inputs no terminal.
struct InputPrompter<'a> {
    prompter: Prompter<'a>,
    asks_all: bool,
}

impl Asker for InputPrompter<'_> {
    fn ask(&mut self, input: &Input, default: Option<&str>) -> Result<String, Failure> {
        let help = input.help.split(" [default").next().unwrap_or(input.help);
        let question = match default {
            Some(default) => format!("{help} [{default}]:"),
            None => format!("{help}:"),
        };
        loop {
            let answer = self.prompter.line(&question)?.trim().to_owned();
            match input.kind.check(&answer) {
                _ if answer.is_empty() && default.is_some() => return Ok(answer),
                Ok(()) => return Ok(answer),
                Err(expected) => self.prompter.printer().warn(&format!("{} {expected}", input.key)),
            }
        }
    }

    fn ask_secret(&mut self, what: &str) -> Result<String, Failure> {
        Ok(self.prompter.hidden_line(&format!("{what} (not shown):"))?)
    }

    fn asks_all(&self) -> bool {
        self.asks_all
    }
}
