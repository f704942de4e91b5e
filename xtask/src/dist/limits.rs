//! The limits of a released program.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::build;

/// Bytes of the `bootstrap` program.
const MAX_BYTES: u64 = 10_000_000;

/// KiB of memory that a dry run has in use at most.
const MAX_DRY_RUN_KIB: u64 = 15 * 1024;

/// The oldest glibc of a supported distribution, that of Ubuntu 22.04.
const GLIBC: (u32, u32) = (2, 35);

/// The C library that a program was linked against.
pub(super) const LIBC: &str = "2.35";

/// Checks the size of `bootstrap` and the memory of a dry run, and returns a line about it.
pub(super) fn check_size_and_memory(program: &Path, scratch: &Path) -> anyhow::Result<String> {
    let bytes = fs::metadata(program)?.len();
    let kib = dry_run_kib(program, scratch)?;
    if bytes > MAX_BYTES {
        bail!("{} has {bytes} bytes; the limit is {MAX_BYTES}", program.display());
    }
    if kib > MAX_DRY_RUN_KIB {
        bail!("a dry run takes {kib} KiB of memory; the limit is {MAX_DRY_RUN_KIB}");
    }
    Ok(format!("bootstrap: {bytes} bytes, a dry run takes {kib} KiB at most"))
}

/// The most memory that a dry run of everything uses, as the kernel reports it to the parent process.
fn dry_run_kib(program: &Path, scratch: &Path) -> anyhow::Result<u64> {
    let runs = scratch.join("runs");
    let report = scratch.join("memory");
    let status = Command::new("time")
        .args(["--format=%M", "--output"])
        .arg(&report)
        .arg(program)
        .args(["run", "--mode", "single-node", "--dry-run", "--yes", "--runs-dir"])
        .arg(&runs)
        .env("TELEMETRY_ENABLED", "false")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("failed to start time")?;
    if !status.success() {
        bail!("a dry run of {} failed: {status}", program.display());
    }
    let text = fs::read_to_string(&report)?;
    fs::remove_dir_all(&runs)?;
    fs::remove_file(&report)?;
    text.trim().parse().with_context(|| format!("time said {text:?}"))
}

/// Fails where a program names a directory of this machine or needs a newer C library than the supported distributions
/// have.
pub(super) fn check_portable(program: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(program)?;
    for directory in build::private_directories()? {
        let name = directory.as_os_str().as_encoded_bytes();
        if bytes.windows(name.len()).any(|window| window == name) {
            bail!("{} names a directory of this machine: {}", program.display(), directory.display());
        }
    }
    let newest = newest_glibc(&bytes);
    if newest.is_some_and(|newest| newest > GLIBC) {
        bail!("{} needs glibc {newest:?}; Ubuntu 22.04 has {LIBC}", program.display());
    }
    Ok(())
}

/// The newest version of glibc among the versions of symbols that a program names (`GLIBC_2.34`).
fn newest_glibc(program: &[u8]) -> Option<(u32, u32)> {
    const PREFIX: &[u8] = b"GLIBC_";
    let starts = program.windows(PREFIX.len()).enumerate().filter(|(_, window)| *window == PREFIX);
    let versions = starts.filter_map(|(start, _)| {
        let rest = &program[start + PREFIX.len()..];
        let text = rest.split(|byte| !byte.is_ascii_digit() && *byte != b'.').next()?;
        let mut parts = std::str::from_utf8(text).ok()?.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    });
    versions.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_counts_wherever_it_stands() {
        assert_eq!(newest_glibc(b"\0GLIBC_2.4\0GLIBC_2.34\0GLIBC_2.2.5\0GLIBC_PRIVATE\0"), Some((2, 34)));
        assert_eq!(newest_glibc(b"nothing"), None);
    }
}
