//! The artifacts folder of an air-gapped host: stand-ins for k3s and helm, under the names and with the sum files of
//! their releases.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::e2e::cache::Work;
use crate::e2e::process;
use crate::e2e::subject::SHARED;

/// The release of helm whose name the archive has.
const HELM: &str = "v3.21.0";

/// The join token of the agents of the test.
pub(super) const TOKEN: &str = "K10e2e-join-token-0123456789abcdef";

/// The folder.
pub(super) struct Artifacts;

impl Artifacts {
    /// Makes it in the scratch folder, beside a file with the join token.
    pub(super) fn make(work: &Work) -> anyhow::Result<()> {
        let folder = work.folder("artifacts")?;
        let (suffix, arch) = arch();
        program(&folder.join(format!("k3s{suffix}")), include_str!("artifacts/k3s.sh"))?;
        program(&folder.join("install.sh"), include_str!("artifacts/install.sh"))?;
        let platform = work.folder(&format!("linux-{arch}"))?;
        program(&platform.join("helm"), include_str!("artifacts/helm.sh"))?;
        let archive = format!("helm-{HELM}-linux-{arch}.tar.gz");
        let mut tar = Command::new("tar");
        tar.args(["--create", "--gzip", "--file"]).arg(folder.join(&archive));
        process::output(tar.arg("--directory").arg(work.path()).arg(format!("linux-{arch}")))?;
        sums(&folder, &format!("k3s{suffix}"), &format!("sha256sum-{arch}.txt"))?;
        sums(&folder, "install.sh", "install.sh.sha256sum")?;
        sums(&folder, &archive, &format!("{archive}.sha256sum"))?;
        let token = work.path().join("token");
        fs::write(&token, format!("{TOKEN}\n"))?;
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600))?;
        Ok(())
    }

    /// Where machines see the folder.
    pub(super) fn shared() -> String {
        format!("{SHARED}/artifacts")
    }
}

/// How releases of k3s name this architecture in file names, and how those of helm do.
fn arch() -> (&'static str, &'static str) {
    if env::consts::ARCH == "aarch64" { ("-arm64", "arm64") } else { ("", "amd64") }
}

fn program(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn sums(folder: &Path, file: &str, sums: &str) -> anyhow::Result<()> {
    let stated = process::output(Command::new("sha256sum").arg(file).current_dir(folder))?;
    fs::write(folder.join(sums), stated)?;
    Ok(())
}
