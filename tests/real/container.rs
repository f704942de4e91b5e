//! A Debian root directory with systemd, and machines that boot from it under systemd-nspawn.
//!
//! nspawn and not a virtual machine: it needs no hardware support and boots in about a second, so that each part of a
//! tier gets a machine of its own. The disadvantage: kernel modules and the kernel's settings are those of this machine.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::cache::{Cache, SHARED, Scratch};
use crate::debian::{self, Apt, MIRROR, RELEASE};
use crate::machine::Machine;
use crate::process::{self, Daemon};
use crate::transcript::{Skip, Transcript};

/// What a host has before the first run; `strace` ends the program at a chosen system call.
const PACKAGES: &str =
    "systemd,systemd-sysv,dbus,sudo,curl,jq,nfs-kernel-server,open-iscsi,iproute2,ca-certificates,strace";

/// Programs of this machine that the tier uses.
const PROGRAMS: [&str; 6] = ["apt-get", "dpkg-deb", "nsenter", "setpriv", "sha256sum", "tar"];

/// Where the tools are in the cache.
const TOOLS: &str = "nspawn-tools";

/// Where the root directory is in the cache.
const ROOT: &str = "nspawn-root";

/// Everything that needs the network or minutes, done once.
pub(crate) fn prepare(cache: &Cache, transcript: &mut Transcript) -> Result<(), Skip> {
    debian::require(&PROGRAMS)?;
    let packages = ["debootstrap", "libsystemd-shared", "systemd-container"];
    let unpacked = cache.once(TOOLS, |directory| Apt::refreshed(cache)?.unpack(&packages, directory))?;
    transcript.note(if unpacked {
        "debootstrap and systemd-nspawn unpacked"
    } else {
        "debootstrap and systemd-nspawn are in the cache"
    });
    let tools = cache.at(TOOLS);
    let made = cache.once(ROOT, |directory| {
        let mut debootstrap = Command::new(tools.join("usr/sbin/debootstrap"));
        debootstrap.env("DEBOOTSTRAP_DIR", tools.join("usr/share/debootstrap"));
        debootstrap
            .args(["--variant=minbase", &format!("--include={PACKAGES}"), RELEASE])
            .arg(directory)
            .arg(MIRROR);
        process::output(&mut debootstrap).context("cannot make a Debian root directory")?;
        // Each boot is another machine.
        fs::write(directory.join("etc/machine-id"), "")?;
        fs::remove_file(directory.join("var/lib/dbus/machine-id")).context("dbus has no machine id")
    })?;
    transcript.note(if made { "Debian root directory made" } else { "Debian root directory is cached" });
    let booted = boot(cache, &cache.at("boot.log"), None).context("systemd-nspawn cannot boot here")?;
    drop(booted);
    transcript.note("systemd-nspawn boots");
    Ok(())
}

/// Boots machines that share the scratch directory.
pub(crate) struct Root<'a> {
    cache: &'a Cache,
    scratch: &'a Scratch,
}

impl<'a> Root<'a> {
    /// For machines that see the scratch directory `scratch`.
    pub(crate) fn new(cache: &'a Cache, scratch: &'a Scratch) -> Self {
        Self { cache, scratch }
    }

    /// The scratch directory.
    pub(crate) fn shared(&self) -> &Path {
        self.scratch.path()
    }

    /// Boots a fresh machine.
    pub(crate) fn boot(&self) -> anyhow::Result<Booted> {
        boot(self.cache, &self.scratch.path().join("boot.log"), Some(self.scratch.path()))
    }

    /// Boots a machine from its own root directory, which it may write to. `wrapper` is what executes systemd-nspawn
    /// in the end.
    pub(crate) fn boot_from(
        &self,
        root: &Path,
        wrapper: &[String],
        options: &[String],
    ) -> anyhow::Result<Booted> {
        let log = self.scratch.path().join("boot.log");
        launch(self.cache, &log, Some(self.scratch.path()), wrapper, |command| {
            command.arg("--directory").arg(root).args(options);
        })
    }

    /// Makes a separate root directory for the machine `name`, which replaces the former one.
    pub(crate) fn copy(&self, name: &str) -> anyhow::Result<PathBuf> {
        let directory = self.scratch.directory("roots")?.join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .with_context(|| format!("cannot remove {}", directory.display()))?;
        }
        let mut copy = Command::new("cp");
        copy.args(["--archive", "--reflink=auto"]).arg(self.cache.at(ROOT)).arg(&directory);
        process::output(&mut copy).context("cannot copy the Debian root directory")?;
        Ok(directory)
    }
}

/// A machine that is up until this value is dropped.
pub(crate) struct Booted {
    nspawn: Daemon,
    leader: u32,
    machine: Machine,
}

impl Deref for Booted {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

impl Drop for Booted {
    /// When PID 1 of the machine dies, systemd-nspawn removes what it had mounted, and ends.
    fn drop(&mut self) {
        // An orderly shutdown takes seconds per machine, and nothing of the machine is kept.
        let _ = process::signal("KILL", self.leader);
        self.nspawn.ends_within(Duration::from_secs(10));
    }
}

fn boot(cache: &Cache, log: &Path, shared: Option<&Path>) -> anyhow::Result<Booted> {
    launch(cache, log, shared, &[], |command| {
        // Writes go to an overlay in memory: the root directory is made once and no test can spoil it for the next one.
        // The machine has no network, so that a download that should not happen fails instead of passing unseen.
        command.arg("--directory").arg(cache.at(ROOT)).args(["--volatile=overlay", "--private-network"]);
    })
}

fn launch(
    cache: &Cache,
    log: &Path,
    shared: Option<&Path>,
    wrapper: &[String],
    options: impl FnOnce(&mut Command),
) -> anyhow::Result<Booted> {
    let tools = cache.at(TOOLS);
    let libraries: PathBuf =
        tools.join("usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH)).join("systemd");
    let nspawn = tools.join("usr/bin/systemd-nspawn");
    let program = wrapper.first().map_or(nspawn.as_path(), Path::new);
    let start = |command: &mut Command| {
        command.env("LD_LIBRARY_PATH", &libraries);
        if let [_, arguments @ ..] = wrapper {
            command.args(arguments).arg(&nspawn);
        }
        // It is not registered, because machined need not run here.
        command.args(["--register=no", "--keep-unit", "--boot"]);
        options(command);
        if let Some(shared) = shared {
            command.arg(format!("--bind-ro={}:{SHARED}", shared.display()));
        }
    };
    let nspawn = Daemon::start(program, start, log)?;
    up(nspawn)
}

/// Waits until the machine of this systemd-nspawn is up.
fn up(mut nspawn: Daemon) -> anyhow::Result<Booted> {
    let (pid, mut leader) = (nspawn.pid(), None);
    nspawn.until(20, || {
        leader = init_of(pid);
        leader.is_some()
    })?;
    let leader = leader.context("systemd-nspawn has no child")?;
    let machine = Machine::of(leader);
    // Booted is what systemd says, not what a port or a process shows: units that are still starting would race with
    // the test.
    nspawn.until(60, || {
        let state = process::run(machine.command("systemctl").arg("is-system-running"));
        // Without kernel modules the NFS file systems fail, and the machine says that it is degraded.
        state.is_ok_and(|output| {
            ["running", "degraded"].contains(&String::from_utf8_lossy(&output.stdout).trim())
        })
    })?;
    machine.sh("mkdir /state")?;
    Ok(Booted { nspawn, leader, machine })
}

/// The child of systemd-nspawn that is PID 1 of the machine; there are others for a moment.
fn init_of(nspawn: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).ok()?;
    let is_init = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "systemd")
    };
    children.split_whitespace().filter_map(|pid| pid.parse().ok()).find(is_init)
}
