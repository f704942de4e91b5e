//! The operator's terminal: output, prompts and signals.

mod printer;
mod progress;
mod prompt;
mod signals;

pub(crate) use printer::Printer;
pub(crate) use progress::Progress;
pub(crate) use prompt::{Prompter, on_terminal};
pub(crate) use signals::Signals;
