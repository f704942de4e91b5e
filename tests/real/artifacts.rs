//! Files of releases that are made here: stand-ins where a tier only asks for their version.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::cache::Scratch;
use crate::process;

/// The release of helm whose name the archive has.
const HELM: &str = "v3.21.0";

/// How releases of k3s name this architecture in file names, and how those of helm do.
pub(crate) fn arch() -> (&'static str, &'static str) {
    if env::consts::ARCH == "aarch64" { ("-arm64", "arm64") } else { ("", "amd64") }
}

/// Makes an archive of a stand-in for helm, in the form of its releases, with its checksum, and returns its name.
pub(crate) fn helm(scratch: &Scratch, directory: &Path) -> anyhow::Result<String> {
    let (_, arch) = arch();
    let platform = scratch.directory(&format!("linux-{arch}"))?;
    program(&platform.join("helm"), include_str!("artifacts/helm.sh"))?;
    let archive = format!("helm-{HELM}-linux-{arch}.tar.gz");
    // helm comes as an archive with a directory for the platform in it; the program has to find the binary there.
    let mut tar = Command::new("tar");
    tar.args(["--create", "--gzip", "--file"]).arg(directory.join(&archive));
    process::output(tar.arg("--directory").arg(scratch.path()).arg(format!("linux-{arch}")))?;
    sums(directory, &[&archive], &format!("{archive}.sha256sum"))?;
    Ok(archive)
}

/// Writes a program.
pub(crate) fn program(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// States the checksums of `files` in the file `sums`.
pub(crate) fn sums(directory: &Path, files: &[&str], sums: &str) -> anyhow::Result<()> {
    let stated = process::output(Command::new("sha256sum").args(files).current_dir(directory))?;
    fs::write(directory.join(sums), stated)?;
    Ok(())
}
