//! What asks for agreement where nobody can be asked.

/// What needs `--yes` where there is no terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unattended {
    /// A run that changes the host.
    Run,
    /// A rollback that changes the host.
    Rollback,
    /// Deleting what waits in the outbox.
    Purge,
    /// Removing what all runs installed.
    Clean,
}

impl Unattended {
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Run => "applying without a terminal needs --yes",
            Self::Rollback => "undoing without a terminal needs --yes",
            Self::Clean => "removing without a terminal needs --confirm CLEAN",
            Self::Purge => "purging without a terminal needs --yes",
        }
    }
}
