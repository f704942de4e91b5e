//! The tier on a real systemd: a Debian root directory, booted again for each part, because a part that shared a
//! machine with another one could pass on what that one left.

mod bundle;
mod crash;
mod faults;
mod host_local;
mod k3s;
mod package;
mod postures;
mod rollback;
mod server;
mod setup;

use crate::cache::{Cache, Scratch, Subject};
use crate::container;
use crate::options::Options;
use crate::transcript::{Skip, Transcript};
use setup::NspawnSetup;

/// Makes the root directory.
pub(crate) fn prepare(cache: &Cache, _: &Options, transcript: &mut Transcript) -> Result<(), Skip> {
    container::prepare(cache, transcript)
}

/// Runs the tier.
pub(crate) fn run(
    cache: &Cache,
    _: &Options,
    scratch: &Scratch,
    subject: &Subject,
    transcript: &mut Transcript,
) -> anyhow::Result<()> {
    let setup = NspawnSetup::new(cache, scratch, subject)?;
    server::run(&setup, transcript)?;
    k3s::run(&setup, transcript)?;
    host_local::run(&setup, transcript)?;
    postures::run(&setup, transcript)?;
    rollback::run(&setup, transcript)?;
    bundle::run(&setup, transcript)?;
    faults::run(&setup, transcript)?;
    crash::run(&setup, transcript)?;
    package::run(&setup, transcript)
}
