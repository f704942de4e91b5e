//! This machine for the commands that look at much of it: as root where root can be had, and until a signal arrives.

use super::error::{Error, InterruptedAt};
use crate::host::{Host, RunLog};
use crate::terminal::{Signals, is_interactive};

/// This machine, as root where sudo agrees: most of what is asked is root's to read, and whoever does not become root is told at
/// each answer what could not be seen. Signals are noted and end commands, so that the password which sudo was made to ask
/// for is given up also where somebody presses Ctrl-C.
pub(super) fn host(signals: &Signals) -> Host {
    let heard = signals.clone();
    let mut host = Host::this_machine(RunLog::discard()).with_stop(move || heard.requests());
    if host.program("sudo").is_some() {
        let _ = host.acquire_root(is_interactive());
    }
    host
}

/// Passes if no signal has arrived: what was seen after it may have been cut off.
///
/// # Errors
/// [`Error::Interrupted`].
pub(super) fn check_uninterrupted(signals: &Signals, when: InterruptedAt) -> Result<(), Error> {
    signals.pending().map_or(Ok(()), |signal| Err(Error::Interrupted { signal, when }))
}
