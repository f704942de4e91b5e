//! Chores of the repository: `cargo xtask COMMAND`.

#![expect(
    clippy::disallowed_methods,
    reason = "a chore starts programs and writes files that are committed or temporary"
)]

mod archive;
mod bundle;
mod compat;
mod conformance;
mod contract;
mod crates;
mod dist;
mod load;
mod program;
mod releases;
mod sbom;
mod workspace;

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, bail};

const USAGE: &str = "usage: cargo xtask COMMAND

  schema              write the published contract from the types
  schema --check      fail if the published contract differs from the types
  conformance         run the vectors through our gate and through independent implementations
  wheel               build the gate as a wheel for Python
  wasm                build the gate as a package for JavaScript
  compat              compare the contract with its last release, and demand the version that the difference needs
  release-contract    freeze the contract under its version
  pins                download the pinned releases and write their checksums, which are built into the program
  e2e TIER            test the program on a real systemd (nspawn) or with a real k3s (k3s --artifacts DIR)
  bundle [OPTION...]  make the release for the layers above: archive, checksum and installer
  dist [OPTION...]    make the release for operators: archives, Debian packages, bills of materials, checksums
  load [sqlite|postgres] [DOCUMENTS [CONNECTIONS [STORED]]]
                      start a receiver on loopback, send documents to it twice, and measure
  load table [sqlite|postgres] [PERCENT]
                      measure the receiver's targets on SQLite and PostgreSQL, with the limits of this machine
  load year [sqlite|postgres] [HOSTS]
                      simulate a year of a fleet, and check that no published number shows a small group";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["schema"] => contract::write_all(),
        ["schema", "--check"] => contract::check(),
        ["conformance"] => conformance::run(),
        ["wheel"] => conformance::build_wheel(),
        ["wasm"] => conformance::build_wasm(),
        ["compat"] => compat::run(),
        ["release-contract"] => compat::freeze(),
        ["pins"] => cargo_run(&["--package", "bootstrap", "--example", "pins"], &[]),
        ["e2e", rest @ ..] => cargo_run(&["--package", "tests", "--bin", "real"], rest),
        ["bundle", rest @ ..] => bundle::run(rest),
        ["dist", rest @ ..] => dist::run(rest),
        ["load", rest @ ..] => load::run(rest),
        _ => bail!("{USAGE}"),
    }
}

/// Executes another program of the workspace. Code that fetches releases or drives the built binary is beside what it uses;
/// here it would make every chore wait for its compilation. Replacing this process, and not waiting for a child, passes
/// exit code and signals on as they are.
fn cargo_run(program: &[&str], arguments: &[&str]) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet"]).args(program).arg("--manifest-path");
    command.arg(workspace::root().join("Cargo.toml")).arg("--").args(arguments);
    Err(command.exec()).context("cannot start cargo")
}
