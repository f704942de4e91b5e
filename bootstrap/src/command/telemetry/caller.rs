//! Under sudo, telemetry is the caller's: the process gives up root before it touches the outbox or the network.
//!
//! Giving new files to the caller would do for the outbox as well, as a run does that needs root for the rest. But what
//! parses the answers of a server on the network should not be root if it need not be.

use std::io;

use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use privacy::disk::Owner;

/// Goes on as the user who called sudo, for good; without sudo nothing happens.
pub(super) fn become_caller() -> io::Result<()> {
    let Owner::Invoker { uid, gid } = Owner::from_env() else { return Ok(()) };
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    // The groups first: without root they could not be changed any more.
    setgroups(&[gid])?;
    setgid(gid)?;
    setuid(uid)?;
    Ok(())
}
