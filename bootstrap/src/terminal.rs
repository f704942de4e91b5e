//! The operator's terminal: output, prompts and signals.

mod printer;
mod prompt;
mod signals;

pub(crate) use printer::{Level, Printer};
pub(crate) use prompt::{Answer, Prompter};
pub(crate) use signals::Signals;
