//! Machines on which a kubelet and containerd work.
//!
//! What they need of a machine under systemd-nspawn: a root directory on a real file system, because containerd stacks
//! overlays; cgroups of their own that they may write to; all capabilities and no filter of system calls; `/dev/kmsg`;
//! mounts that propagate; and the kernel's settings that a kubelet requires, as separate files.

use std::fs;
use std::ops::Deref;

use crate::cgroups::Cgroups;
use crate::container::{Booted, Root};
use crate::machine::Machine;
use crate::network::{Cable, End};

/// Settings of the whole kernel that a kubelet compares and sets. It gets files in their place.
const SETTINGS: &str = "vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
                        kernel/keys/root_maxkeys kernel/keys/root_maxbytes";

/// A machine at one end of a cable, up until this value is dropped.
pub(crate) struct Node {
    // The machine ends before its cgroups can be removed: fields are dropped in this order.
    booted: Booted,
    _cgroups: Cgroups,
}

impl Deref for Node {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.booted
    }
}

impl Node {
    /// Boots a fresh machine at this end of the cable, which must exist for as long as the machine.
    pub(crate) fn boot(root: &Root<'_>, _: &Cable, end: End) -> anyhow::Result<Self> {
        let name = end.name();
        let directory = root.copy(name)?;
        fs::write(directory.join("etc/hostname"), format!("{name}\n"))?;
        fs::write(directory.join("etc/hosts"), format!("127.0.0.1 localhost\n127.0.1.1 {name}\n"))?;
        let cgroups = Cgroups::make(name)?;
        let environment = ["env", "SYSTEMD_SECCOMP=0", "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network"];
        let wrapper: Vec<String> =
            cgroups.enter().into_iter().chain(environment.map(str::to_owned)).collect();
        let options = [
            format!("--machine={name}"),
            format!("--network-namespace-path={}", Cable::namespace(end).display()),
            "--capability=all".to_owned(),
            "--bind=/dev/kmsg".to_owned(),
        ];
        let booted = root.boot_from(&directory, &wrapper, &options)?;
        booted.sh(&format!(
            "mount --make-rshared /
             for hierarchy in $(awk '$3 ~ /^cgroup/ {{ print $2 }}' /proc/mounts); do
                 mount -o remount,bind,rw $hierarchy
             done
             mkdir /run/settings
             for setting in {SETTINGS}; do
                 file=/run/settings/$(echo $setting | tr / _)
                 cat /proc/sys/$setting >$file
                 mount --bind $file /proc/sys/$setting
             done
             # A name is asked for; nobody answers, and at once.
             rm -f /etc/resolv.conf; echo 'nameserver 127.0.0.1' >/etc/resolv.conf"
        ))?;
        Ok(Self { booted, _cgroups: cgroups })
    }
}
