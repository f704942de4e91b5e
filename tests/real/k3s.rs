//! The tier on a real k3s: server, agent, kubelet and containerd of a release, on two machines under systemd-nspawn in two
//! network namespaces.
//!
//! A release is a directory with its files, of any version. On a machine with a network the pinned one is downloaded.

mod agent;
mod foreign;
mod frozen;
mod interrupted;
mod release;
mod server;
mod setup;
mod uninstalled;

use crate::cache::{Cache, Scratch, Subject};
use crate::container;
use crate::debian;
use crate::network;
use crate::options::Options;
use crate::transcript::{Skip, Transcript};
use setup::K3sSetup;

/// Programs of this machine that the tier uses besides those of the machines.
const PROGRAMS: [&str; 4] = ["cp", "find", "ip", "unshare"];

/// Finds or downloads the release, and makes the root directory.
pub(crate) fn prepare(cache: &Cache, options: &Options, transcript: &mut Transcript) -> Result<(), Skip> {
    debian::require(&PROGRAMS)?;
    let directory = release::find(cache, options)?;
    transcript.note(&format!("k3s {} is the release", release::version(&directory)?));
    container::prepare(cache, transcript)?;
    drop(network::Cable::lay()?);
    transcript.note("two network namespaces can be joined");
    Ok(())
}

/// Runs the tier.
pub(crate) fn run(
    cache: &Cache,
    options: &Options,
    scratch: &Scratch,
    subject: &Subject,
    transcript: &mut Transcript,
) -> anyhow::Result<()> {
    let setup = K3sSetup::new(cache, options, scratch, subject)?;
    {
        let pair = server::run(&setup, transcript)?;
        let joined = agent::run(&setup, pair, transcript)?;
        frozen::run(&setup, &joined, transcript)?;
        uninstalled::run(&setup, &joined, transcript)?;
    }
    foreign::run(&setup, transcript)?;
    interrupted::run(&setup, transcript)
}
