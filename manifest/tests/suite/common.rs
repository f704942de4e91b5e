//! Helpers of the tests of this crate.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use manifest::{MachineFingerprint, MachineId, PrivateContext, RunId, RunsDir};
use privacy::{Gate, LocalIdentifiers};
use schema::{
    Arch, Execution, Id, Mode, OsFamily, OsId, OsVersion, Platform, RunManifest, Support, UtcSeconds,
};
use tempfile::TempDir;

/// Tests name ids; a name in hexadecimal, padded, has the form of an id.
pub(super) fn id(name: &str) -> Id {
    let digits = name.bytes().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
    Id::parse(&format!("{digits:0<32}")).expect("an id")
}

pub(super) fn run(name: &str) -> RunId {
    RunId::new(id(name))
}

/// Name of a file of the run, with the suffix after its id.
pub(super) fn file_name(run: &str, ending: &str) -> String {
    format!("bootstrap-{}{ending}", id(run))
}

pub(super) fn at(second: u32) -> UtcSeconds {
    UtcSeconds::parse(&format!("2026-11-22T07:50:{second:02}Z")).expect("a time")
}

pub(super) fn scratch() -> (TempDir, RunsDir) {
    let temp = TempDir::new().expect("a scratch directory");
    let runs = RunsDir::open_or_create(&temp.path().join("runs")).expect("a runs directory");
    (temp, runs)
}

pub(super) fn gate() -> Gate {
    Gate::new(LocalIdentifiers::default())
}

pub(super) fn manifest(run: &RunId) -> RunManifest {
    let platform = Platform {
        support: Support::Supported,
        os_family: OsFamily::Debian,
        os_id: OsId::Debian,
        os_version: OsVersion::parse("13").expect("a version"),
        arch: Arch::Amd64,
    };
    RunManifest::begin(run.id().clone(), Execution::Apply, Mode::SingleNode, platform, at(2))
}

/// A machine id that is read from a root directory made for it.
pub(super) fn machine(text: &str) -> MachineId {
    let root = TempDir::new().expect("a scratch directory");
    fs::create_dir(root.path().join("etc")).expect("a directory");
    fs::write(root.path().join("etc/machine-id"), text).expect("written");
    MachineId::read(root.path())
}

pub(super) fn context(run: &RunId) -> PrivateContext {
    let machine = MachineFingerprint::of(&machine("0123456789abcdef"));
    PrivateContext::begin(run, Execution::Apply, Mode::SingleNode, machine, at(2))
}

/// Repeats `attempt` until it gives something.
///
/// A lock that was released here may still be held for a moment: between fork and exec, a child that another test of
/// this process starts has a copy of every descriptor, and a lock lives as long as its last copy.
#[track_caller]
pub(super) fn eventually<T>(awaited: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let limit = Instant::now() + Duration::from_mins(2);
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < limit, "waited in vain until {awaited}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(super) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("metadata").permissions().mode() & 0o7777
}
