//! Why a run ended before its last step.

use schema::{FailureReason, Finish, Step};

use crate::command::error::{Error, InterruptedAt};
use crate::run::Interrupted;
use crate::terminal::{DefaultAnswer, Printer, Prompter, Signal, Signals};

/// Why a run ended before its last step: what the record says, and what the operator is told. The record is public and
/// takes a step and a reason of the contract, so it cannot hold the error itself.
#[derive(Debug)]
pub(super) struct RunError {
    pub(super) finish: Finish,
    pub(super) error: Error,
}

impl RunError {
    /// A signal came before anything was changed.
    pub(super) fn interrupted(signal: Signal) -> Self {
        Self::interrupted_at(signal, InterruptedAt::NothingChanged)
    }

    pub(super) fn interrupted_at(signal: Signal, when: InterruptedAt) -> Self {
        Self { finish: Finish::Interrupted, error: Error::Interrupted { signal, when } }
    }

    pub(super) fn failed(step: Step, reason: FailureReason, error: Error) -> Self {
        Self { finish: Finish::Failed(schema::Failure { step, reason }), error }
    }
}

impl From<Interrupted> for RunError {
    fn from(Interrupted(signal): Interrupted) -> Self {
        Self::interrupted(signal)
    }
}

/// Goes on only after a yes. A signal that arrived together with the yes came later than what the operator meant by it.
pub(super) fn confirm(question: &str, printer: &mut Printer, signals: &Signals) -> Result<(), RunError> {
    let agreed = Prompter::interactive(printer, signals)
        .is_some_and(|mut prompter| prompter.confirm(question, DefaultAnswer::No));
    match signals.pending() {
        Some(signal) => Err(RunError::interrupted(signal)),
        None if agreed => Ok(()),
        None => Err(RunError { finish: Finish::Cancelled, error: Error::Declined }),
    }
}
