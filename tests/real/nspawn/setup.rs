//! What every part of the tier has: fresh machines, the program, and the artifacts directory of an air-gapped host.
//!
//! k3s and helm are stand-ins under the names of their releases, with real checksum files. The subject of this tier is
//! what the program does with systemd, apt, NFS and files; a real k3s needs minutes per machine, and this tier boots about
//! sixty.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::artifacts::{self, arch, program, sums};
use crate::cache::{Cache, SHARED, Scratch, Subject};
use crate::container::{Booted, Root};
use crate::machine::{CallResult, Machine, RUNS};

/// The arguments of a server run.
pub(crate) const SERVER_RUN: [&str; 9] = [
    "run",
    "--mode",
    "server",
    "--yes",
    "--accept-warnings",
    "--artifacts-dir",
    "/e2e/artifacts",
    "--runs-dir",
    RUNS,
];

/// What every part of the tier uses.
pub(crate) struct NspawnSetup<'a> {
    /// Boots machines.
    pub(crate) root: Root<'a>,
    /// The program that is tested.
    pub(crate) subject: &'a Subject,
}

impl<'a> NspawnSetup<'a> {
    /// Makes the artifacts in the scratch directory, which all machines see.
    pub(crate) fn new(cache: &'a Cache, scratch: &'a Scratch, subject: &'a Subject) -> anyhow::Result<Self> {
        Artifacts::make(scratch)?;
        Ok(Self { root: Root::new(cache, scratch), subject })
    }

    /// Boots a fresh machine that meets the requirements of a run.
    pub(crate) fn boot(&self) -> anyhow::Result<Booted> {
        let machine = self.root.boot()?;
        machine.sh(HOST)?;
        Ok(machine)
    }

    /// `bootstrap run` for a server from the artifacts directory.
    pub(crate) fn server_run(&self, machine: &Machine) -> anyhow::Result<CallResult> {
        machine.bootstrap(self.subject, &SERVER_RUN)
    }
}

/// What preflight requires and the stand-ins do not, whatever this machine has: version 2 of cgroups, a default route,
/// and on its address the server that an agent joins. That one answers everybody, so that what a run does after preflight
/// is seen.
const HOST: &str = "
    mount -o remount,rw /sys/fs/cgroup 2>/dev/null || true
    [ -e /sys/fs/cgroup/cgroup.controllers ] || echo 'cpuset cpu io memory pids' >/sys/fs/cgroup/cgroup.controllers
    ip link add uplink type veth peer name far
    ip address add 10.11.12.13/24 dev uplink
    ip link set uplink up
    ip link set far up
    ip route add default via 10.11.12.1
    # With a route, a name is asked for; nobody answers, and at once.
    rm -f /etc/resolv.conf; echo 'nameserver 127.0.0.1' >/etc/resolv.conf
    mkdir -p /run/server/v1-k3s
    cd /run/server
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key -out cacerts -subj /CN=stand-in \
        -addext subjectAltName=IP:10.11.12.13 2>/dev/null
    cp cacerts v1-k3s/client-ca.crt
    systemd-run --quiet --unit=server-of-agents --property=WorkingDirectory=/run/server \
        openssl s_server -quiet -accept 10.11.12.13:7443 -cert cacerts -key key -WWW
    timeout 10 sh -c 'until curl --silent --insecure --output /dev/null https://10.11.12.13:7443/cacerts; do sleep 0.1; done'";

/// The server that an agent joins. Port 6443 belongs to the k3s of this host.
pub(crate) const SERVER_URL: &str = "https://10.11.12.13:7443";

/// The join token of the agents of the test.
pub(crate) const TOKEN: &str = "e2e-join-token-0123456789abcdef";

/// The artifacts directory.
pub(crate) struct Artifacts;

impl Artifacts {
    /// Makes it in the scratch directory, beside a file with the join token.
    fn make(scratch: &Scratch) -> anyhow::Result<()> {
        let directory = scratch.directory("artifacts")?;
        let (suffix, arch) = arch();
        program(&directory.join(format!("k3s{suffix}")), include_str!("artifacts/k3s.sh"))?;
        program(&directory.join("install.sh"), include_str!("artifacts/install.sh"))?;
        artifacts::helm(scratch, &directory)?;
        sums(&directory, &[&format!("k3s{suffix}")], &format!("sha256sum-{arch}.txt"))?;
        sums(&directory, &["install.sh"], "install.sh.sha256sum")?;
        // Images are needed without a network; nothing here unpacks them.
        let registry = format!("registry-images-2.8.3-{arch}.tar.zst");
        let k3s = format!("k3s-airgap-images-{arch}.tar.zst");
        for images in [&registry, &k3s] {
            fs::write(directory.join(images), "images")?;
        }
        sums(&directory, &[&registry, &k3s], "SHA256SUMS")?;
        let token = scratch.path().join("token");
        fs::write(&token, format!("{TOKEN}\n"))?;
        // A token that others can read is a warning, which is not what these runs are about.
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600))?;
        // What an agent's token file holds if it is the right one, and what a wrong one is.
        fs::write(scratch.path().join("token-of-the-server"), TOKEN)?;
        let wrong = scratch.path().join("wrong-token");
        fs::write(&wrong, "another-token-0123456789abcdef\n")?;
        fs::set_permissions(&wrong, fs::Permissions::from_mode(0o600))?;
        Ok(())
    }

    /// Where machines see the directory.
    pub(crate) fn shared() -> String {
        format!("{SHARED}/artifacts")
    }
}
