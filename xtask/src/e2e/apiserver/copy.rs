//! A disposable copy of this machine for the program to change.

use std::ops::Deref;
use std::path::Path;
use std::process::Command;

use crate::e2e::cache::Work;
use crate::e2e::machine::Machine;
use crate::e2e::process::Daemon;
use crate::e2e::subject::SHARED;

/// The copy, which is there until this value goes: its mounts go with the process that holds them.
pub(super) struct Copy {
    _holder: Daemon,
    machine: Machine,
}

impl Copy {
    /// Makes it. Only its network is that of this machine.
    pub(super) fn make(work: &Work) -> anyhow::Result<Self> {
        let folder = work.folder("copy")?;
        let script = work.path().join("overlay.sh");
        std::fs::write(&script, include_str!("fixtures/overlay.sh"))?;
        let prepare = |command: &mut Command| {
            command.args(["--mount", "sh"]).arg(&script).arg(&folder).arg(work.path()).arg(SHARED);
        };
        let mut holder = Daemon::start(Path::new("unshare"), prepare, &work.path().join("copy.log"))?;
        let name = format!("/proc/{}/comm", holder.pid());
        holder.until(20, || std::fs::read_to_string(&name).is_ok_and(|name| name.trim() == "sleep"))?;
        let machine = Machine::of(holder.pid(), &["--mount", "--root", "--wdns=/"]);
        Ok(Self { _holder: holder, machine })
    }
}

impl Deref for Copy {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}
