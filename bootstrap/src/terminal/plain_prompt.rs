//! A conversation with a program: questions in plain text where the result goes, answers from standard input, with a terminal
//! or without one.
//!
//! The drivers of the layers above find a question by its text, which they read character by character. One of them waits
//! for the pipe to be readable and then takes one character out of a buffer of its own, so that it sees the end of what was
//! written only when something else follows. A person sees no difference; a driver that is one read behind answers at once.

use std::io;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::OptionalActions;

use super::printer::Printer;
use super::prompt::{HiddenInput, Unanswered, read_line};
use super::signals::Signals;

/// So long an answer may take before something follows the question. A pipe gives what is written in between as one piece.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// What follows a question that is not answered yet, one after each pause: the first lets a driver read the question to its
/// end, the second lets it read the first.
const FOLLOWING: [&str; 2] = [" ", " "];

/// Whether an answer is shown on a terminal while it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// It is shown.
    Shown,
    /// It is a secret.
    Hidden,
}

/// Asks whoever is at standard input, whether that is a terminal or not.
#[derive(Debug)]
pub struct PlainPrompter<'a> {
    printer: &'a mut Printer,
    signals: &'a Signals,
}

impl<'a> PlainPrompter<'a> {
    /// A prompter on standard input and where results go.
    pub fn new(printer: &'a mut Printer, signals: &'a Signals) -> Self {
        Self { printer, signals }
    }

    /// Says something that is no question.
    pub fn say(&mut self, line: &str) {
        self.printer.plain(&format!("{line}\n"));
    }

    /// Asks a question and waits for a line, which comes without its line feed.
    ///
    /// # Errors
    /// The input ended or a signal arrived first.
    pub fn ask(&mut self, question: &str, echo: Echo) -> Result<String, Unanswered> {
        // A driver may have sent the answer already, together with the one before: it must not be thrown away.
        let hidden = (echo == Echo::Hidden).then(|| HiddenInput::start(OptionalActions::Now));
        self.printer.plain(&format!("{question} "));
        for following in FOLLOWING {
            if !self.is_answered() {
                self.printer.plain(following);
            }
        }
        let answer = read_line(self.signals);
        if hidden.is_some() {
            self.printer.plain("\n");
        }
        answer
    }

    /// Waits for an answer, the end of the input or a signal, for a moment.
    fn is_answered(&self) -> bool {
        let stdin = io::stdin();
        let mut waited = [
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::from_borrowed_fd(self.signals.wakeup(), PollFlags::IN),
        ];
        poll(&mut waited, Some(&PAUSE)).is_ok_and(|ready| ready > 0)
    }
}
