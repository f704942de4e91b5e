//! Packages of Debian 12, unpacked into the cache. Neither the machine's packages nor its apt settings are touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::cache::Cache;
use crate::process;

/// Where packages come from.
pub(crate) const MIRROR: &str = "http://deb.debian.org/debian";

/// The release that the tiers were designed for.
pub(crate) const RELEASE: &str = "bookworm";

/// Fails unless this machine is one that a tier can run on: Debian 12, root, and `programs` are there.
pub(crate) fn require(programs: &[&str]) -> anyhow::Result<()> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !release.lines().any(|line| line == format!("VERSION_CODENAME={RELEASE}")) {
        bail!("this machine is not Debian 12, whose packages are used");
    }
    if !tests::is_root() {
        bail!("it needs root");
    }
    for program in programs {
        if process::run(Command::new(program).arg("--version")).is_err() {
            bail!("{program} is not on the search path");
        }
    }
    // Containers without the right to mount look like any other root until the first mount fails.
    process::output(Command::new("unshare").args(["--mount", "--", "true"]))
        .context("mounts are not allowed here")?;
    Ok(())
}

/// apt with settings, lists and files of its own in the cache.
pub(crate) struct Apt {
    config: PathBuf,
}

impl Apt {
    /// Reads the package lists.
    pub(crate) fn refreshed(cache: &Cache) -> anyhow::Result<Self> {
        let directory = cache.at("apt");
        for below in ["lists/partial", "archives/partial"] {
            fs::create_dir_all(directory.join(below))?;
        }
        let (config, sources, shown) =
            (directory.join("apt.conf"), directory.join("sources.list"), directory.display());
        fs::write(&sources, format!("deb {MIRROR} {RELEASE} main\n"))?;
        fs::write(
            &config,
            format!(
                "Dir::Etc::sourcelist \"{shown}/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\n\
                 Dir::State::lists \"{shown}/lists\";\nDir::Cache \"{shown}\";\nAPT::Sandbox::User \"root\";\n"
            ),
        )?;
        let apt = Self { config };
        process::output(apt.get(&directory).args(["update", "--error-on=any"]))
            .context("cannot read Debian's package lists")?;
        Ok(apt)
    }

    /// Unpacks packages into `directory`. Their scripts are not run.
    pub(crate) fn unpack(&self, packages: &[&str], directory: &Path) -> anyhow::Result<()> {
        let archives = directory.join("archives");
        fs::create_dir_all(&archives)?;
        process::output(self.get(&archives).arg("download").args(packages))
            .context("cannot download packages")?;
        // Only unpacked: installing would run maintainer scripts as root on the machine that runs the tier.
        for archive in fs::read_dir(&archives)? {
            process::output(Command::new("dpkg-deb").arg("--extract").arg(archive?.path()).arg(directory))?;
        }
        fs::remove_dir_all(&archives)?;
        Ok(())
    }

    fn get(&self, directory: &Path) -> Command {
        let mut command = Command::new("apt-get");
        command.env("APT_CONFIG", &self.config).arg("--quiet").current_dir(directory);
        command
    }
}
