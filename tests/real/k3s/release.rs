//! The files of a release of k3s, and of helm: from a directory, or from the address of the pinned release.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use tests::workspace;

use crate::artifacts::arch;
use crate::cache::Cache;
use crate::options::Options;
use crate::process;

/// The checksums that the program carries, which name where each pinned file is.
const PINS: &str = "bootstrap/src/component/pins.sha256";

/// Files without which there is no server and no agent, and what states their checksums.
fn files() -> [String; 5] {
    let (suffix, arch) = arch();
    [
        format!("k3s{suffix}"),
        format!("sha256sum-{arch}.txt"),
        "install.sh".to_owned(),
        "install.sh.sha256sum".to_owned(),
        format!("k3s-airgap-images-{arch}.tar.zst"),
    ]
}

/// The directory with the release.
///
/// # Errors
/// The given directory lacks a file, or none was given and the pinned release cannot be downloaded.
pub(super) fn find(cache: &Cache, options: &Options) -> anyhow::Result<PathBuf> {
    let directory = match &options.artifacts {
        Some(directory) => directory.clone(),
        None => download(cache)
            .context("no directory is named with --artifacts, and the pinned release cannot be downloaded")?,
    };
    let missing: Vec<String> = files().into_iter().filter(|file| !directory.join(file).is_file()).collect();
    if !missing.is_empty() {
        bail!("{} lacks {}", directory.display(), missing.join(", "));
    }
    Ok(directory)
}

/// The version that the program of the release says.
pub(super) fn version(directory: &Path) -> anyhow::Result<String> {
    let said = process::output(Command::new(directory.join(&files()[0])).arg("--version"))?;
    // `k3s version v1.35.5+k3s1 (1a2b3c4d)`; a line on its compiler follows.
    said.split_whitespace().nth(2).map(str::to_owned).with_context(|| format!("k3s says {said:?}"))
}

/// The archive of helm in the directory, if there is one.
pub(super) fn helm(directory: &Path) -> anyhow::Result<Option<String>> {
    let end = format!("-linux-{}.tar.gz", arch().1);
    let names = fs::read_dir(directory)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.into_iter().find(|name| name.starts_with("helm-") && name.ends_with(&end)))
}

/// Where the pinned files are: those of k3s' release, its script, and helm.
fn urls() -> anyhow::Result<Vec<String>> {
    let pins = fs::read_to_string(workspace().join(PINS))?;
    let (suffix, arch) = arch();
    let place = |end: &str| {
        let places = pins.lines().filter_map(|line| line.split_once("  ").map(|(_, place)| place));
        places
            .into_iter()
            .find(|place| place.ends_with(end))
            .map(str::to_owned)
            .with_context(|| format!("no pin of {end}"))
    };
    // The program is pinned for at least one architecture; the others are beside it.
    let program = place("/k3s")?;
    let release = program.strip_suffix("/k3s").context("a URL")?;
    let (script, helm) = (place("/install.sh")?, place(&format!("-linux-{arch}.tar.gz"))?);
    Ok(vec![
        format!("{release}/k3s{suffix}"),
        format!("{release}/sha256sum-{arch}.txt"),
        format!("{release}/k3s-airgap-images-{arch}.tar.zst"),
        format!("{script}.sha256sum"),
        script,
        format!("{helm}.sha256sum"),
        helm,
    ])
}

fn download(cache: &Cache) -> anyhow::Result<PathBuf> {
    let urls = urls()?;
    // A raised pin is another directory.
    let version = urls[0].rsplit('/').nth(1).context("a URL")?;
    let name = format!("k3s-{version}");
    cache.once(&name, |directory| {
        urls.iter().try_for_each(|url| {
            let name = url.rsplit('/').next().unwrap_or_default();
            let mut curl = Command::new("curl");
            curl.args(["--fail", "--silent", "--show-error", "--location", "--proto", "=https"]);
            curl.args(["--connect-timeout", "15", "--output"]).arg(directory.join(name)).arg(url);
            process::output(&mut curl).map(drop)
        })?;
        let program = directory.join(&files()[0]);
        process::output(Command::new("chmod").arg("0755").arg(program)).map(drop)
    })?;
    Ok(cache.at(&name))
}
