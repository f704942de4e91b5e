//! This machine for the commands that look at much of it: as root where root can be had, and until a signal arrives.

use super::error::{Error, InterruptedAt};
use crate::host::{CommandError, Host, RunLog};
use crate::terminal::{Interruption, Signals, is_interactive};

/// This machine, as root where sudo agrees: most of what is asked is root's to read, and whoever does not become root is told at
/// each answer what could not be seen.
pub(super) fn host(signals: &Signals) -> Host {
    with_root(signals).0
}

/// This machine, with the rights of this process.
pub(super) fn without_root(signals: &Signals) -> Host {
    let heard = Interruption::new(signals);
    Host::this_machine(RunLog::discard()).with_stop(move || heard.requests())
}

/// As [`host`], with why this process did not become root where it did not. Signals are noted and end commands, so that the
/// password which sudo was made to ask for is given up also where somebody presses Ctrl-C.
pub(super) fn with_root(signals: &Signals) -> (Host, Result<(), CommandError>) {
    let mut host = without_root(signals);
    let got = host.acquire_root(is_interactive());
    (host, got)
}

/// Passes if no signal has arrived: what was seen after it may have been cut off.
///
/// # Errors
/// [`Error::Interrupted`].
pub(super) fn check_uninterrupted(signals: &Signals, when: InterruptedAt) -> Result<(), Error> {
    signals.pending().map_or(Ok(()), |signal| Err(Error::Interrupted { signal, when }))
}
