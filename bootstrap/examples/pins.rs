//! `cargo xtask pins`: fetches every artifact of the pinned releases, holds each to what its release states, and writes the
//! checksums that the program carries.

#![expect(clippy::disallowed_methods, reason = "a chore writes what is committed")]
#![expect(clippy::print_stdout, reason = "a chore says what it wrote")]

use std::ffi::OsString;
use std::path::Path;

use bootstrap::component::published::published_sums;
use bootstrap::host::{Host, RootAccess, RunLog};
use bootstrap::input::{Completeness, collect, resolve};
use bootstrap::step::{Executor, Journal, StepEvent, Update};
use manifest::{MachineFingerprint, MachineId, ManifestError, PrivateContext, RunId};
use schema::{Execution, Id, Mode};

const PINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/component/pins.sha256");

/// Nothing on this machine is changed, so nothing is written down.
struct NoJournal(PrivateContext);

impl Journal for NoJournal {
    fn context(&self) -> &PrivateContext {
        &self.0
    }

    fn update(&mut self, _: Update<'_>) -> Result<(), ManifestError> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = ["bootstrap", "run", "--mode", "single-node"].map(OsString::from);
    let (_, flags) = bootstrap::cli::parse(arguments)?;
    let mut inputs = collect(&flags, |_| None, None, &mut Vec::new())?;
    let settings = resolve(&mut inputs, None, Completeness::Optional)?;

    let root = tempfile::tempdir()?;
    let search = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let host = Host::stand_in(root.path(), search, RootAccess::Root, RunLog::discard());
    let machine = MachineFingerprint::of(&MachineId::read(Path::new("/")));
    let run = RunId::new(Id::random());
    let now = bootstrap::run::now();
    let mut journal =
        NoJournal(PrivateContext::begin(&run, Execution::DryRun, Mode::SingleNode, machine, now));
    let (mut report, stop) = (|_: StepEvent<'_>| {}, || false);
    let sums = published_sums(&mut Executor::new(&host, &mut journal, &mut report, &stop), &settings)?;

    std::fs::write(PINS, &sums)?;
    print!("{sums}");
    Ok(())
}
