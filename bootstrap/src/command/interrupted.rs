//! What a command had done when a signal stopped it.

/// What was done when a signal was obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterruptedAt {
    /// A run or rollback had not changed anything.
    NothingChanged,
    /// A run was changing the host.
    Run {
        /// Components that are done.
        done: usize,
        /// Components that were to be done.
        of: usize,
    },
    /// A rollback was undoing.
    Rollback {
        /// Items that are undone.
        done: usize,
        /// Items that were to be undone.
        of: usize,
    },
    /// The runs on a host were being taken back.
    Clean {
        /// Runs that are dealt with.
        done: usize,
        /// Runs on record.
        of: usize,
    },
    /// A backup was being written.
    Backup,
    /// A delivery or purge was asked for; its own result tells how far it came.
    Telemetry,
}

impl InterruptedAt {
    pub(super) fn message(self) -> String {
        match self {
            Self::NothingChanged => "nothing was changed".to_owned(),
            Self::Run { done, of } => format!("{done} of {of} components done"),
            Self::Rollback { done, of } => format!("{done} of {of} items undone"),
            Self::Clean { done, of } => format!("{done} of {of} runs on record taken back"),
            Self::Backup => "the backup is not complete".to_owned(),
            Self::Telemetry => "queued events are kept".to_owned(),
        }
    }
}
