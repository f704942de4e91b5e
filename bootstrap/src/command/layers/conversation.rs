//! How the entry points ask: the text of the shell core, one line for an answer, and no second question for a bad one.
//!
//! A driver has a list of questions and answers and takes each off the list as it sends it. A question that is asked again
//! would wait for ever, so an answer that cannot be used ends the call with a message, before anything was changed. Asking
//! again on a terminal was given up: a driver may have one as well.

use super::refusal::LayerError;
use crate::input::{AnyInput, InputValue, SecretInput, ValueSource};
use crate::terminal::{Echo, PlainPrompter, Printer, Signals, Unanswered};

/// Somebody at standard input.
pub(super) struct Conversation<'a> {
    prompter: PlainPrompter<'a>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(printer: &'a mut Printer, signals: &'a Signals) -> Self {
        Self { prompter: PlainPrompter::new(printer, signals) }
    }

    /// Says something that is no question.
    pub(super) fn say(&mut self, line: &str) {
        self.prompter.say(line);
    }

    /// Asks a yes-or-no question. An empty answer is the default. Anything else that is neither yes nor no ends the call:
    /// the shell core takes the default then, and so a mistyped no for a yes.
    pub(super) fn yes_or_no(
        &mut self,
        question: &str,
        default: bool,
        variable: Option<&str>,
    ) -> Result<bool, LayerError> {
        let word = if default { "y" } else { "n" };
        let variable = variable.map(str::to_owned);
        let answer = self.line(&format!("{question} [{word}] (y/n):"), Echo::Shown, variable.clone())?;
        if answer.is_empty() {
            return Ok(default);
        }
        bool::read(&answer).map_err(|_| LayerError::Unclear { question: question.to_owned(), variable })
    }

    /// Asks a yes-or-no question whose answer is an input, unless the environment answers it.
    pub(super) fn switch(
        &mut self,
        input: &mut dyn AnyInput,
        question: &str,
        default: bool,
    ) -> Result<(), LayerError> {
        if is_answered(input) {
            return Ok(());
        }
        let variable = input.declaration().variable.clone();
        let answer = self.yes_or_no(question, default, Some(&variable))?;
        Ok(input.set(if answer { "true" } else { "false" }, ValueSource::Prompt)?)
    }

    /// Asks for an input, unless the environment has it.
    pub(super) fn text(
        &mut self,
        input: &mut dyn AnyInput,
        question: &str,
        default: &str,
    ) -> Result<(), LayerError> {
        if is_answered(input) {
            return Ok(());
        }
        let variable = input.declaration().variable.clone();
        let answer = self.line(&format!("{question} [{default}]:"), Echo::Shown, Some(variable))?;
        let answer = if answer.is_empty() { default } else { &answer };
        match answer {
            // The default of the input itself: an empty answer to a question that shows none.
            "" => Ok(()),
            value => Ok(input.set(value, ValueSource::Prompt)?),
        }
    }

    /// Asks for a secret, unless the environment has it. An empty answer is none.
    pub(super) fn secret(
        &mut self,
        input: &mut SecretInput,
        question: &str,
        default: &str,
    ) -> Result<(), LayerError> {
        if input.secret().is_some() {
            return Ok(());
        }
        let variable = input.secret_variable().map(str::to_owned);
        let answer = self.line(&format!("{question} [{default}]:"), Echo::Hidden, variable)?;
        if answer.is_empty() { Ok(()) } else { Ok(input.answer(&answer)?) }
    }

    /// Asks for a word that is no input.
    pub(super) fn word(&mut self, question: &str) -> Result<String, LayerError> {
        self.line(&format!("{question}:"), Echo::Shown, None)
    }

    fn line(&mut self, question: &str, echo: Echo, variable: Option<String>) -> Result<String, LayerError> {
        match self.prompter.ask(question, echo) {
            Ok(answer) => Ok(answer.trim().to_owned()),
            Err(Unanswered::EndOfInput) => {
                // The question stands on the line still.
                self.say("");
                Err(LayerError::Unanswered { question: question.trim_end_matches(':').to_owned(), variable })
            }
            Err(interrupted) => Err(interrupted.into()),
        }
    }
}

/// Whether the operator of this run gave the value.
fn is_answered(input: &dyn AnyInput) -> bool {
    input.source().is_some_and(ValueSource::is_given)
}
