//! Prompts, line by line, on standard error and standard input.
//!
//! Prompt libraries put the terminal in raw mode and read keys; here the end of input and an interrupt must count as
//! an answer (a No to telemetry), on any terminal, so lines are read in the terminal's own mode.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

use super::{Printer, Signals};
use crate::input::{InputSpec, Prompt, PromptError};

/// How a question was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A line, without its line feed.
    Line(String),
    /// The input ended.
    EndOfInput,
    /// A signal arrived.
    Interrupted,
}

/// What `termios(3)` calls `_POSIX_VDISABLE`: no key has this function.
const DISABLED: u8 = 0;

/// Longest line that is read as an answer.
const MAX_ANSWER_BYTES: usize = 4096;

/// Asks the operator. Exists only where there is one.
#[derive(Debug)]
pub struct Prompter<'a> {
    printer: &'a mut Printer,
    signals: &'a Signals,
    asks_all: bool,
}

impl<'a> Prompter<'a> {
    /// A prompter, if standard input and standard error are terminals. `asks_all`: also for inputs with a default.
    pub fn on_terminal(printer: &'a mut Printer, signals: &'a Signals, asks_all: bool) -> Option<Self> {
        on_terminal().then_some(Self { printer, signals, asks_all })
    }

    /// Asks a question and waits for a line.
    pub fn line(&mut self, question: &str) -> Answer {
        self.printer.question(question);
        let answer = read_line(self.signals);
        if answer != Answer::EndOfInput && !matches!(answer, Answer::Line(_)) {
            self.printer.note("");
        }
        answer
    }

    /// Asks a yes-or-no question; `None` when the input ended or a signal arrived.
    pub fn confirm(&mut self, question: &str, default: bool) -> Option<bool> {
        loop {
            let choices = if default { "[Y/n]" } else { "[y/N]" };
            let Answer::Line(line) = self.line(&format!("{question} {choices}")) else { return None };
            match line.trim().to_ascii_lowercase().as_str() {
                "" => return Some(default),
                "y" | "yes" => return Some(true),
                "n" | "no" => return Some(false),
                _ => self.printer.note("Please answer y or n."),
            }
        }
    }

    /// The printer, for what belongs around a question.
    pub fn printer(&mut self) -> &mut Printer {
        self.printer
    }

    fn required_line(&mut self, question: &str) -> Result<String, PromptError> {
        match self.line(question) {
            Answer::Line(line) => Ok(line),
            Answer::EndOfInput => Err(PromptError::EndOfInput),
            Answer::Interrupted => Err(PromptError::Interrupted),
        }
    }
}

impl Prompt for Prompter<'_> {
    fn ask(&mut self, input: &InputSpec, default: Option<&str>) -> Result<String, PromptError> {
        let help = input.help;
        let question = match default {
            Some(default) => format!("{help} [{default}]:"),
            None => format!("{help}:"),
        };
        loop {
            let answer = self.required_line(&question)?.trim().to_owned();
            match (input.check)(&answer) {
                _ if answer.is_empty() && default.is_some() => return Ok(answer),
                Ok(()) => return Ok(answer),
                Err(expected) => self.printer.warn(&format!("{} {expected}", input.key)),
            }
        }
    }

    fn ask_secret(&mut self, what: &str) -> Result<String, PromptError> {
        let hidden = HiddenInput::start();
        let answer = self.required_line(&format!("{what} (not shown):"));
        drop(hidden);
        self.printer.note("");
        answer
    }

    fn asks_all(&self) -> bool {
        self.asks_all
    }
}

/// Whether somebody can be asked: standard input and standard error are terminals.
pub fn on_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Reads bytes of standard input up to a line feed, waiting for a signal at the same time.
fn read_line(signals: &Signals) -> Answer {
    let stdin = io::stdin();
    let mut line = Vec::new();
    loop {
        let mut waited =
            [PollFd::new(&stdin, PollFlags::IN), PollFd::from_borrowed_fd(signals.wakeup(), PollFlags::IN)];
        match poll(&mut waited, None) {
            Ok(_) | Err(Errno::INTR) if signals.pending().is_some() => return Answer::Interrupted,
            Ok(_) if !waited[0].revents().is_empty() => {}
            Ok(_) | Err(Errno::INTR) => continue,
            Err(_) => return Answer::EndOfInput,
        }
        let mut byte = [0];
        match rustix::io::read(stdin.as_fd(), &mut byte) {
            Ok(0) | Err(_) => return Answer::EndOfInput,
            Ok(_) if byte == *b"\n" => return Answer::Line(String::from_utf8_lossy(&line).into_owned()),
            Ok(_) if line.len() < MAX_ANSWER_BYTES => line.push(byte[0]),
            Ok(_) => {}
        }
    }
}

/// Typed characters are not echoed while this lives.
struct HiddenInput {
    before: Option<rustix::termios::Termios>,
}

impl HiddenInput {
    fn start() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut hidden) = before.clone() {
            hidden.local_modes.remove(LocalModes::ECHO);
            // Suspending gives the terminal back to the shell, which makes it echo again when the run goes on.
            hidden.special_codes[SpecialCodeIndex::VSUSP] = DISABLED;
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &hidden);
        }
        Self { before }
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
