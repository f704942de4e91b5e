//! Debian packages, made by `dpkg-deb` from a prepared tree: its output depends on the tree and on `SOURCE_DATE_EPOCH`
//! alone.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use super::limits;
use super::release::ReleaseStamp;
use super::tree::Tree;
use crate::workspace;

/// What the fields of a package say (deb-control(5)).
pub(super) struct Control {
    pub(super) name: &'static str,
    pub(super) section: &'static str,
    /// Packages that most hosts want beside it.
    pub(super) recommends: &'static str,
    /// One line, then the text; lines of the text begin with a space.
    pub(super) description: &'static str,
    /// Files of the operator's, which an upgrade keeps.
    pub(super) conffiles: &'static [&'static str],
    /// The directory of `postinst`, `prerm` and `postrm`, if there are any.
    pub(super) scripts: Option<&'static str>,
}

/// Packs `tree` into `to`.
pub(super) fn write(tree: &Tree, control: &Control, release: &ReleaseStamp, to: &Path) -> anyhow::Result<()> {
    tree.put("DEBIAN/control", fields(tree, control, release)?, 0o644)?;
    if !control.conffiles.is_empty() {
        tree.put("DEBIAN/conffiles", lines(control.conffiles), 0o644)?;
    }
    for script in control.scripts.map_or(&[][..], |_| &["postinst", "prerm", "postrm"]) {
        let directory = control.scripts.unwrap_or_default();
        tree.copy(&format!("DEBIAN/{script}"), &format!("{directory}/{script}"), 0o755)?;
    }
    let status = Command::new("dpkg-deb")
        .args(["--root-owner-group", "-Zxz", "--build"])
        .arg(tree.root())
        .arg(to)
        .env("SOURCE_DATE_EPOCH", &release.epoch)
        // With several threads the output of xz depends on their number. A variable and not the option of the same name,
        // which dpkg of Ubuntu 22.04 refuses.
        .env("DPKG_DEB_THREADS_MAX", "1")
        .stdout(std::process::Stdio::null())
        .status()
        .context("failed to start dpkg-deb")?;
    if !status.success() {
        bail!("failed to write {}: dpkg-deb {status}", to.display());
    }
    Ok(())
}

fn lines(words: &[&str]) -> String {
    words.iter().flat_map(|word| [word, "\n"]).collect()
}

fn fields(tree: &Tree, control: &Control, release: &ReleaseStamp) -> anyhow::Result<String> {
    let Control { name, section, recommends, description, .. } = control;
    let (version, arch, libc) = (&release.version, release.arch, limits::LIBC);
    let size = installed_kib(tree.root())?;
    let recommends =
        if recommends.is_empty() { String::new() } else { format!("Recommends: {recommends}\n") };
    Ok(format!(
        "Package: {name}\nVersion: {version}\nArchitecture: {arch}\nSection: {section}\nPriority: optional\n\
         Installed-Size: {size}\nDepends: libc6 (>= {libc})\n{recommends}\
         Maintainer: Productive K3S maintainers <maintainers@productive-k3s.io>\n\
         Homepage: https://github.com/productive-k3s/productive-k3s-core\nDescription: {description}\n"
    ))
}

/// What the files take on a disk, in KiB, each rounded up: deb-substvars(5) counts so.
fn installed_kib(root: &Path) -> anyhow::Result<u64> {
    let mut kib = 0;
    for name in workspace::files_below(root)? {
        kib += fs::metadata(root.join(name))?.len().div_ceil(1024);
    }
    Ok(kib)
}
