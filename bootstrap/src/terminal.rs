//! The operator's terminal: output, prompts and signals.

mod printer;
mod progress;
mod prompt;
mod signals;

pub use printer::Printer;
pub use progress::Progress;
pub use prompt::{Prompter, on_terminal};
pub use signals::Signals;
