//! An archive that depends only on its content: not on the user, the time, the machine, or the order of files on a disk.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// The time of every entry unless `SOURCE_DATE_EPOCH` sets another (reproducible-builds.org): tar warns about the year
/// 1970.
pub(crate) fn epoch() -> String {
    std::env::var("SOURCE_DATE_EPOCH").unwrap_or_else(|_| "1767225600".to_owned())
}

/// Packs the directory `name` below `directory` into `archive`; every entry gets the time `epoch`, in seconds.
pub(crate) fn write(directory: &Path, name: &str, archive: &Path, epoch: &str) -> anyhow::Result<()> {
    let mut tar = Command::new("tar")
        .args(["--create", "--format=ustar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .args(["--mode=u=rwX,go=rX", &format!("--mtime=@{epoch}"), "--directory"])
        .arg(directory)
        .arg(name)
        // Otherwise the order of names depends on the locale.
        .env("LC_ALL", "C")
        .stdout(Stdio::piped())
        .spawn()
        .context("failed to start tar")?;
    let packed = tar.stdout.take().context("its output is read")?;
    // Without a file name and a time in the header.
    let zipped =
        Command::new("gzip").args(["-9", "-n"]).stdin(packed).stdout(File::create(archive)?).status();
    let (tar, gzip) = (tar.wait()?, zipped.context("failed to start gzip")?);
    if !tar.success() || !gzip.success() {
        bail!("failed to write {}: tar {tar}, gzip {gzip}", archive.display());
    }
    Ok(())
}
