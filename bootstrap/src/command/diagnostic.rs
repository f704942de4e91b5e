//! An error as the operator sees it: once on standard error, and with `--json` as a document too.

use std::path::PathBuf;

use serde::Serialize;

use super::error::Error;
use crate::terminal::Printer;

/// An error on its way to the operator.
#[derive(Debug)]
pub struct Diagnostic {
    error: Box<Error>,
    log: Option<PathBuf>,
    next: Vec<(&'static str, String)>,
    shown: Shown,
}

/// What the operator has seen of an error already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Nothing,
    /// The JSON document of the command, which holds the error.
    Document,
    /// The result of the command, which says all that there is to say.
    Result,
}

/// The JSON document of a command that failed before it had one of its own.
#[derive(Debug, Serialize)]
struct ErrorDocument<'a> {
    error: &'a str,
    help: Option<&'a str>,
    log: Option<&'a PathBuf>,
    exit_code: u8,
}

impl<E: Into<Error>> From<E> for Diagnostic {
    fn from(error: E) -> Self {
        Self { error: Box::new(error.into()), log: None, next: Vec::new(), shown: Shown::Nothing }
    }
}

impl Diagnostic {
    /// Adds where the full log is.
    pub fn with_log(mut self, log: Option<PathBuf>) -> Self {
        self.log = log;
        self
    }

    /// Adds a command that the operator can go on with.
    pub fn with_next(mut self, label: &'static str, command: String) -> Self {
        self.next.push((label, command));
        self
    }

    /// The JSON document of the command is out, so that no second one follows; the message still does.
    pub fn after_document(mut self) -> Self {
        self.shown = Shown::Document;
        self
    }

    /// The result that was printed is the message: only the exit code is left to give.
    pub fn after_result(mut self) -> Self {
        self.shown = Shown::Result;
        self
    }

    /// The error.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Shows what the operator has not seen yet. `exit_code` is what the process exits with, which is not always the code
    /// of the error: `--detailed-exitcode` and the entry points of the bundle have their own.
    pub fn show(&self, exit_code: u8, printer: &mut Printer) {
        if self.shown == Shown::Result {
            return;
        }
        // Rendered once, so that the text and the document cannot differ.
        let (message, hint) = (self.error.message(), self.error.hint());
        let log = self.log.as_ref().map(|log| log.display().to_string());
        let help = hint.iter().map(|hint| ("help", hint.as_str()));
        let next = self.next.iter().map(|(label, command)| (*label, command.as_str()));
        let below: Vec<(&str, &str)> =
            help.chain(next).chain(log.iter().map(|log| ("log", log.as_str()))).collect();
        match *self.error {
            // Whoever said no, or asked to stop, has made no mistake.
            Error::Interrupted { .. } | Error::Declined | Error::Unanswered(_) => {
                printer.outcome(&message, &below);
            }
            _ => printer.error(&message, &below),
        }
        if printer.is_json() && self.shown == Shown::Nothing {
            self.document(&message, hint.as_deref(), exit_code, printer);
        }
    }

    /// Shows the document alone, where something else has written the message.
    pub fn show_document(&self, exit_code: u8, printer: &mut Printer) {
        self.document(&self.error.message(), self.error.hint().as_deref(), exit_code, printer);
    }

    fn document(&self, message: &str, hint: Option<&str>, exit_code: u8, printer: &mut Printer) {
        printer.document(&ErrorDocument { error: message, help: hint, log: self.log.as_ref(), exit_code });
    }
}
