//! The tier on a real systemd: a Debian root directory, booted afresh for each part, because a part that shared a
//! machine with another one could pass on what that one left.

mod crash;
mod faults;
mod host_local;
mod rollback;
mod server;
mod setup;

use crate::cache::{Cache, Scratch, Subject};
use crate::container;
use crate::report::{Report, Skip};
use setup::NspawnSetup;

/// Makes the root directory.
pub(crate) fn prepare(cache: &Cache, report: &mut Report) -> Result<(), Skip> {
    container::prepare(cache, report)
}

/// Runs the tier.
pub(crate) fn run(
    cache: &Cache,
    scratch: &Scratch,
    subject: &Subject,
    report: &mut Report,
) -> anyhow::Result<()> {
    let setup = NspawnSetup::new(cache, scratch, subject)?;
    server::run(&setup, report)?;
    host_local::run(&setup, report)?;
    rollback::run(&setup, report)?;
    faults::run(&setup, report)?;
    crash::run(&setup, report)
}
