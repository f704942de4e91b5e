//! What is wrong with an input, until `input` has an error type of its own.

use crate::terminal::Unanswered;

/// An input that is missing or unusable, or a question about one that nobody answered.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What is wrong, and with which key; never a private value.
    pub message: String,
    /// What the operator can do about it.
    pub hint: Option<String>,
    /// Why the question about the input was not answered, where one was asked.
    pub unanswered: Option<Unanswered>,
}

impl Failure {
    /// A usage or input error.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, unanswered: None }
    }

    /// Adds what the operator can do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Self {
        Self { message: unanswered.to_string(), hint: None, unanswered: Some(unanswered) }
    }
}
