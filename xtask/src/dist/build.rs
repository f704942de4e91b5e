//! The release build: the same bytes wherever and whenever the same sources are built with the same compiler.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::workspace;

/// What replaces the directories of the machine in the programs: in messages of panics and in C's `__FILE__`.
const WORKSPACE: &str = "/src";
const REGISTRY: &str = "/cargo";
const TARGET: &str = "/target";

/// The time that C's `__DATE__` and `__TIME__` say: the allocator prints both, and the compiler would take the clock. Not
/// the time of the commit, because a build directory that is kept would keep that of the commit before.
const COMPILED_AT: &str = "1767225600";

/// Builds the programs of these packages and returns where they are, in the same order.
pub(super) fn release<const N: usize>(packages: [&str; N]) -> anyhow::Result<[PathBuf; N]> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| workspace::root().join("target")).join("dist");
    let renamed = renamed(&target)?;
    let each = |option: &str, separator: &str| -> String {
        let options = renamed.iter().map(|(from, to)| format!("{option}={}={to}", from.display()));
        options.collect::<Vec<_>>().join(separator)
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--locked"]).current_dir(workspace::root());
    command.env("CARGO_ENCODED_RUSTFLAGS", each("--remap-path-prefix", "\u{1f}"));
    command.env("CFLAGS", each("-ffile-prefix-map", " ")).env("CARGO_TARGET_DIR", &target);
    command.env("SOURCE_DATE_EPOCH", COMPILED_AT);
    for package in packages {
        command.args(["--package", package]);
    }
    let status = command.status().context("failed to start cargo")?;
    if !status.success() {
        bail!("failed to build the release: {status}");
    }
    Ok(packages.map(|package| target.join("release").join(package)))
}

/// Which directory is called what. Of several that match the last one counts, so that the narrowest comes last: the target
/// directory may be in the workspace. Where crates are unpacked is named after the registry and by a number of Cargo's,
/// which others have otherwise.
fn renamed(target: &Path) -> anyhow::Result<Vec<(PathBuf, &'static str)>> {
    let home = cargo_home()?;
    let mut renamed = vec![(workspace::root(), WORKSPACE), (home.clone(), REGISTRY)];
    // There is none where the crates are vendored.
    let mut unpacked: Vec<PathBuf> = std::fs::read_dir(home.join("registry/src"))
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    unpacked.sort();
    renamed.extend(unpacked.into_iter().map(|directory| (directory, REGISTRY)));
    renamed.push((target.to_owned(), TARGET));
    Ok(renamed)
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
