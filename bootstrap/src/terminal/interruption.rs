//! What is said and done when a signal arrives while something goes on.
//!
//! Whoever waits looks here often: the host between two looks at a command, the executor between two looks at a condition.
//! The first look after a signal tells the operator what is still finished, so that Ctrl-C is answered at once. A handler
//! cannot do that, and a thread that watches would be a second writer to the terminal.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::rc::Rc;

use indicatif::ProgressBar;

use super::signals::{Signal, Signals};

/// Answers signals. Clones share what they know.
#[derive(Clone, Debug)]
pub struct Interruption {
    signals: Signals,
    now: Rc<Occupation>,
}

/// What is going on, and how often the operator was answered meanwhile.
#[derive(Debug, Default)]
struct Occupation {
    /// What is being done, in the words of the live line; empty where nothing is that could not be left at once.
    subject: RefCell<String>,
    live: RefCell<Option<ProgressBar>>,
    told: Cell<usize>,
}

impl Interruption {
    /// Answers the signals that `signals` notes.
    pub fn new(signals: &Signals) -> Self {
        Self { signals: signals.clone(), now: Rc::default() }
    }

    /// The signal to obey, if one arrived.
    pub fn pending(&self) -> Option<Signal> {
        self.signals.pending()
    }

    /// How often the operator has asked to stop. Each new request is answered on standard error here.
    pub fn requests(&self) -> usize {
        let Some(signal) = self.signals.pending() else { return 0 };
        let requests = self.signals.requests().max(1);
        if self.now.told.replace(requests) < requests {
            self.answer(signal, requests);
        }
        requests
    }

    /// What is done from now on, such as `helm: download`.
    pub fn set_subject(&self, subject: &str, live: Option<&ProgressBar>) {
        subject.clone_into(&mut self.now.subject.borrow_mut());
        *self.now.live.borrow_mut() = live.cloned();
    }

    fn answer(&self, signal: Signal, requests: usize) {
        let subject = self.now.subject.borrow();
        if subject.is_empty() {
            return;
        }
        let by = signal.as_str();
        let text = match (requests, signal) {
            (1, Signal::Interrupt) => {
                format!("{by} stopping after \"{subject}\" (press again to end the command)")
            }
            (1, _) => format!("{by} stopping after \"{subject}\""),
            _ => format!("{by} ending \"{subject}\""),
        };
        // The terminal itself has echoed the key, which our line is written over.
        let start = if io::stderr().is_terminal() { "\r" } else { "" };
        let print = || {
            let _ = writeln!(io::stderr(), "{start}{text}");
        };
        match &*self.now.live.borrow() {
            Some(live) => live.suspend(print),
            None => print(),
        }
    }
}
