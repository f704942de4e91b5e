//! The program on a real systemd: a Debian root folder, booted afresh for each part of the test.

mod artifacts;
mod crash;
mod faults;
mod host_local;
mod rollback;
mod root;
mod server;

use super::cache::{Cache, Work};
use super::report::Report;
use super::subject::Subject;
use super::{Skip, machine::Machine};
use crate::e2e::machine::Finished;
use artifacts::Artifacts;
use root::{Booted, Root};

/// Makes the root folder.
pub(super) fn prepare(cache: &Cache, report: &mut Report) -> Result<(), Skip> {
    root::prepare(cache, report)
}

/// Runs the tier.
pub(super) fn run(cache: &Cache, work: &Work, subject: &Subject, report: &mut Report) -> anyhow::Result<()> {
    Artifacts::make(work)?;
    let host = Host { root: Root::new(cache, work), subject };
    server::run(&host, report)?;
    host_local::run(&host, report)?;
    rollback::run(&host, report)?;
    faults::run(&host, report)?;
    crash::run(&host, report)
}

/// What every part needs.
struct Host<'a> {
    root: Root<'a>,
    subject: &'a Subject,
}

impl Host<'_> {
    fn boot(&self) -> anyhow::Result<Booted> {
        self.root.boot()
    }

    /// `bootstrap run` for a server from the artifacts folder.
    fn server_run(&self, machine: &Machine) -> anyhow::Result<Finished> {
        machine.bootstrap(self.subject, &server::RUN)
    }
}
