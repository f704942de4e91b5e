//! The operator's terminal: output, prompts and signals.
//!
//! The lowest room but `secret`: it takes text and numbers, and knows neither the command line nor what a run does. Who
//! shows a thing turns it into text.

mod check_line;
mod interruption;
mod line;
mod plain_prompt;
mod printer;
mod progress;
mod prompt;
mod signals;

pub use check_line::{CheckMark, check_line, help_line};
pub use interruption::Interruption;
pub use line::{Line, Tone};
pub use plain_prompt::{Echo, PlainPrompter};
pub use printer::{ColorChoice, OutputFormat, Printer, Verbosity, terminal_columns};
pub use progress::{DeliveryBar, StepProgress};
pub use prompt::{DefaultAnswer, Prompter, Unanswered, is_interactive};
pub use signals::{Signal, Signals};
