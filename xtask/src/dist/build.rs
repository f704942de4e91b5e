//! The release build: the same bytes wherever and whenever the same sources are built with the same compiler.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::workspace;

/// What replaces the directories of the machine in the programs: in messages of panics and in C's `__FILE__`.
const WORKSPACE: &str = "/src";
const REGISTRY: &str = "/cargo";
const TARGET: &str = "/target";

/// Builds the programs of these packages and returns where they are, in the same order.
pub(super) fn release<const N: usize>(packages: [&str; N]) -> anyhow::Result<[PathBuf; N]> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| workspace::root().join("target")).join("dist");
    // Of several that match the last one counts, so that the narrowest comes last: the target directory may be ours.
    let renamed = [(workspace::root(), WORKSPACE), (cargo_home()?, REGISTRY), (target.clone(), TARGET)];
    let each = |option: &str, separator: &str| -> String {
        let options = renamed.iter().map(|(from, to)| format!("{option}={}={to}", from.display()));
        options.collect::<Vec<_>>().join(separator)
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--locked"]).current_dir(workspace::root());
    command.env("CARGO_ENCODED_RUSTFLAGS", each("--remap-path-prefix", "\u{1f}"));
    command.env("CFLAGS", each("-ffile-prefix-map", " ")).env("CARGO_TARGET_DIR", &target);
    for package in packages {
        command.args(["--package", package]);
    }
    let status = command.status().context("failed to start cargo")?;
    if !status.success() {
        bail!("failed to build the release: {status}");
    }
    Ok(packages.map(|package| target.join("release").join(package)))
}

fn cargo_home() -> anyhow::Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = std::env::home_dir().context("there is neither CARGO_HOME nor a home directory")?;
    Ok(home.join(".cargo"))
}

/// The directories of this machine that a program must not name.
pub(super) fn private_directories() -> anyhow::Result<Vec<PathBuf>> {
    Ok(vec![workspace::root(), cargo_home()?])
}

/// The programs that this build needs besides cargo.
pub(super) fn require(programs: &[&str]) -> anyhow::Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for program in programs {
        let is_there = |directory: PathBuf| Path::new(&directory).join(program).is_file();
        if !std::env::split_paths(&path).any(is_there) {
            bail!("{program} is not in PATH; install it and run the command again");
        }
    }
    Ok(())
}
