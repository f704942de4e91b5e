//! A mount namespace that replaces a machine: what a run by root changes there is removed with it.

use std::process::{Command, Stdio};

use crate::{Invocation, is_root, program, skip};

/// systemd is up, the kernel has what k3s needs, and what runs write is removed with the namespace.
const MACHINE: &str = "for place in /run /var/lib /usr/local/bin /sys/fs/cgroup; do
        /bin/mount -t tmpfs none $place || exit 99
    done
    echo 'cpuset cpu io memory pids' >/sys/fs/cgroup/cgroup.controllers
    /bin/mkdir -p /run/systemd/system && exec \"$@\"";

/// Whether this process may be root on a separate machine, and act as other users there. If not, reports that `test` is
/// skipped.
pub fn can_have_a_machine(test: &str) -> bool {
    let (Some(unshare), true) = (program("unshare"), is_root()) else {
        skip(test, "only root can have a mount namespace and other users in it");
        return false;
    };
    let mounts = Command::new(unshare)
        .args(["--mount", "/bin/mount", "-t", "tmpfs", "none", "/run"])
        .stderr(Stdio::null())
        .status();
    let possible = mounts.is_ok_and(|status| status.success());
    if !possible {
        skip(test, "this machine does not let root mount anything");
    }
    possible
}

/// What the archive with the images of k3s is called on this architecture.
pub fn k3s_images() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "k3s-airgap-images-arm64.tar.zst"
    } else {
        "k3s-airgap-images-amd64.tar.zst"
    }
}

/// The call on a fresh machine.
pub fn on_a_machine(call: Invocation) -> Invocation {
    let unshare = program("unshare").expect("looked for before");
    call.through([
        unshare.as_os_str(),
        "--mount".as_ref(),
        "/bin/sh".as_ref(),
        "-c".as_ref(),
        MACHINE.as_ref(),
        "sh".as_ref(),
    ])
}
