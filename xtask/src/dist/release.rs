//! Which release is made, and the time that all of its files have.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

use crate::workspace;

/// What is released.
pub(super) struct ReleaseStamp {
    pub(super) version: String,
    /// The time of every file, in seconds: that of the commit.
    pub(super) epoch: String,
    /// As Debian names it.
    pub(super) arch: &'static str,
    pub(super) out: PathBuf,
}

impl ReleaseStamp {
    /// The release of the sources in this checkout, into `out`.
    pub(super) fn here(out: PathBuf) -> anyhow::Result<Self> {
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => bail!("there are no packages for {other}"),
        };
        let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(epoch) => epoch,
            Err(_) => commit_time()?,
        };
        Ok(Self { version: env!("CARGO_PKG_VERSION").to_owned(), epoch, arch, out })
    }
}

/// The time of the commit, in seconds.
fn commit_time() -> anyhow::Result<String> {
    let output = Command::new("git")
        .args(["log", "-1", "--format=%ct"])
        .current_dir(workspace::root())
        .output()
        .context("failed to start git")?;
    let time = String::from_utf8(output.stdout)?.trim().to_owned();
    if !output.status.success() || time.is_empty() {
        bail!("the sources are not a git checkout; set SOURCE_DATE_EPOCH to the time of the release");
    }
    Ok(time)
}
