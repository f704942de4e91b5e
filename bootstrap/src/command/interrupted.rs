//! What a command had done when a signal stopped it.

/// What was done when a signal was obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterruptedAt {
    /// A run had not begun.
    BeforeRun,
    /// A dry run was looking.
    DryRun,
    /// A run was changing the host.
    Run,
    /// A rollback had not begun to undo.
    BeforeRollback,
    /// A rollback was undoing.
    Rollback,
    /// A delivery or purge was asked for; its own result tells how far it came.
    Telemetry,
}

impl InterruptedAt {
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::BeforeRun => "interrupted; nothing was done",
            Self::DryRun => "interrupted; nothing on this host was changed",
            Self::Run => "interrupted; what was done so far stays",
            Self::BeforeRollback => "interrupted; nothing was changed",
            Self::Rollback => "interrupted; what is undone stays undone",
            Self::Telemetry => "interrupted; what waits stays in the outbox",
        }
    }
}
