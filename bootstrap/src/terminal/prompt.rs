//! Prompts, line by line, on standard error and standard input.
//!
//! Prompt libraries put the terminal in raw mode and read keys; here the end of input and an interrupt must count as
//! an answer (a No to telemetry), on any terminal, so lines are read in the terminal's own mode.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

use super::printer::Printer;
use super::signals::{Signal, Signals};

/// Why a question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The input ended.
    #[error("the input ended before the question was answered")]
    EndOfInput,
    /// A signal arrived.
    #[error("interrupted: nothing was changed")]
    Interrupted(Signal),
}

/// The answer that an empty line stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAnswer {
    /// Yes: for what harms nobody.
    Yes,
    /// No: for what changes something.
    No,
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
}

impl<'a> Prompter<'a> {
    /// A prompter, if somebody can be asked.
    pub fn interactive(printer: &'a mut Printer, signals: &'a Signals) -> Option<Self> {
        is_interactive().then_some(Self { printer, signals })
    }

    /// Asks a question and waits for a line, which comes without its line feed.
    ///
    /// # Errors
    /// The input ended or a signal arrived first.
    pub fn line(&mut self, question: &str) -> Result<String, Unanswered> {
        self.printer.question(question);
        let answer = read_line(self.signals);
        if matches!(answer, Err(Unanswered::Interrupted(_))) {
            // The cursor stands behind the question still.
            self.printer.note("");
        }
        answer
    }

    /// Asks for a line that is not shown while it is typed.
    ///
    /// # Errors
    /// As [`Prompter::line`].
    pub fn hidden_line(&mut self, question: &str) -> Result<String, Unanswered> {
        // Flushed, or what was typed ahead for the question before would be taken for the secret.
        let hidden = HiddenInput::start(OptionalActions::Flush);
        let answer = self.line(question);
        drop(hidden);
        self.printer.note("");
        answer
    }

    /// Asks a yes-or-no question. No answer is a no, whatever the default: only who answers can agree.
    pub fn confirm(&mut self, question: &str, default: DefaultAnswer) -> bool {
        loop {
            let choices = if default == DefaultAnswer::Yes { "[Y/n]" } else { "[y/N]" };
            let Ok(line) = self.line(&format!("{question} {choices}")) else { return false };
            match line.trim().to_ascii_lowercase().as_str() {
                "" => return default == DefaultAnswer::Yes,
                "y" | "yes" => return true,
                "n" | "no" => return false,
                // Anything else is asked again: neither guess would be what the operator meant.
                _ => self.printer.note("Please answer y or n."),
            }
        }
    }

    /// The printer, for what belongs around a question.
    pub fn printer(&mut self) -> &mut Printer {
        self.printer
    }
}

/// Whether somebody can be asked: standard input and standard error are terminals. Standard output may be a pipe, since
/// questions do not go there.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Reads bytes of standard input up to a line feed, waiting for a signal at the same time.
///
/// One byte at a time, because what follows the line feed belongs to the next question or to sudo.
pub(super) fn read_line(signals: &Signals) -> Result<String, Unanswered> {
    let stdin = io::stdin();
    let mut line = Vec::new();
    loop {
        let mut waited =
            [PollFd::new(&stdin, PollFlags::IN), PollFd::from_borrowed_fd(signals.wakeup(), PollFlags::IN)];
        let polled = poll(&mut waited, None);
        if let (Ok(_) | Err(Errno::INTR), Some(signal)) = (polled, signals.pending()) {
            return Err(Unanswered::Interrupted(signal));
        }
        match polled {
            Ok(_) if !waited[0].revents().is_empty() => {}
            Ok(_) | Err(Errno::INTR) => continue,
            Err(_) => return Err(Unanswered::EndOfInput),
        }
        let mut byte = [0];
        match rustix::io::read(stdin.as_fd(), &mut byte) {
            Ok(0) | Err(_) => return Err(Unanswered::EndOfInput),
            Ok(_) if byte == *b"\n" => return Ok(String::from_utf8_lossy(&line).into_owned()),
            // Further bytes are dropped up to the line feed: no answer is that long, and the memory stays bounded.
            Ok(_) if line.len() < MAX_ANSWER_BYTES => line.push(byte[0]),
            Ok(_) => {}
        }
    }
}

/// Typed characters are not echoed while this lives.
pub(super) struct HiddenInput {
    before: Option<rustix::termios::Termios>,
}

impl HiddenInput {
    /// `when` decides what becomes of characters that were typed and not read.
    pub(super) fn start(when: OptionalActions) -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut hidden) = before.clone() {
            hidden.local_modes.remove(LocalModes::ECHO);
            // Suspending gives the terminal back to the shell, which makes it echo again when the run goes on.
            hidden.special_codes[SpecialCodeIndex::VSUSP] = DISABLED;
            let _ = tcsetattr(io::stdin(), when, &hidden);
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
