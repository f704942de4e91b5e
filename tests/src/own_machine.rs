//! A mount namespace that replaces a machine: what a run by root changes there is removed with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::{Invocation, Sandbox, is_root, program, skip};

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

/// A foreign server that works, exactly as a run would have installed it.
const SCENE: &str = r#"
    echo '[Service]' >/run/systemd/system/k3s.service
    /bin/mkdir -p /var/lib/rancher/k3s/agent
    # The common name of its subject is system:node:node.
    echo '-----BEGIN CERTIFICATE-----
BgNVBAMMEHN5c3RlbTpub2RlOm5vZGU=
-----END CERTIFICATE-----' >/var/lib/rancher/k3s/agent/client-kubelet.crt
    /bin/cp "$K3S" /usr/local/bin/k3s
    exec "$@""#;

const SYSTEMCTL: &str = r#"#!/bin/sh
case "$*" in
*show*k3s)
    echo 'ActiveState=active
SubState=running
UnitFileState=enabled
ExecStart={ path=/usr/local/bin/k3s ; argv[]=/usr/local/bin/k3s server ; ignore_errors=no ; pid=1 ; status=0/0 }
ActiveEnterTimestamp=Wed 2026-11-25 18:06:29 UTC
ExecMainStartTimestamp=Wed 2026-11-25 18:06:20 UTC'
    ;;
'is-active k3s') echo active ;;
*) echo inactive; exit 3 ;;
esac
"#;

/// Its node is on the loopback of the test, and has just renewed its lease.
const K3S: &str = r#"#!/bin/sh
case "$*" in
--version) echo 'k3s version @VERSION@ (stand-in)' ;;
*/healthz*) printf ok ;;
*/leases/node) echo '{"spec":{"renewTime":"2999-01-01T00:00:00.000000Z"}}' ;;
*/nodes/node) echo '{"metadata":{"name":"node"},"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"}],
    "conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":"2999-01-01T00:00:00Z"}]}}' ;;
*) echo 'Error from server (NotFound): the server could not find the requested resource' >&2; exit 1 ;;
esac
"#;

/// The call on a fresh machine with a k3s of `version`.
pub fn on_a_machine_with_k3s(sandbox: &Sandbox, call: Invocation, version: &str) -> Invocation {
    let put = |name: &str, text: &str| {
        let path = sandbox.root().join(name);
        fs::write(&path, text).expect("the sandbox is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
        path
    };
    put("bin/systemctl", SYSTEMCTL);
    let k3s = put("bin/k3s", &K3S.replace("@VERSION@", version));
    on_a_machine(call.env("K3S", k3s).through(["/bin/sh", "-euc", SCENE, "sh"]))
}
