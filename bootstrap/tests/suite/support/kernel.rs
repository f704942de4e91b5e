//! What the kernel and the system of a stub host say of it: a machine that meets every requirement.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use crate::support::stub_host::StubHost;

/// The modules that the kernel of the stub host has loaded.
pub(crate) const MODULES: [&str; 4] = ["br_netfilter", "overlay", "vxlan", "iscsi_tcp"];

/// Heading of `/proc/net/tcp` and its kin, which readers pass over.
const SOCKETS: &str =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
/// Default route and the local network, as a kernel on a little-endian machine writes them.
const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
    eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
    eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

impl StubHost {
    /// Adds what preflight looks at: a machine with 8 processors, 32 GiB, cgroups of version 2, a disk of its own for
    /// Longhorn and a clock that is kept.
    pub(crate) fn with_kernel(self) -> Self {
        for folder in
            ["run/systemd/system", "lib/modules/6.1.0-stub", "stub/modules", "stub/https", "sys/module"]
        {
            fs::create_dir_all(self.path(folder)).expect("folder");
        }
        for module in MODULES {
            fs::create_dir(self.path("sys/module").join(module)).expect("folder");
        }
        for table in ["tcp", "tcp6", "udp", "udp6"] {
            self.put(&format!("proc/net/{table}"), SOCKETS);
        }
        self.put("proc/net/route", ROUTES);
        self.put("proc/net/ipv6_route", "");
        self.put("proc/meminfo", "MemTotal:       32768000 kB\n");
        self.put("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
        self.put("proc/locks", "1: POSIX  ADVISORY  READ 1 00:01:1 0 EOF\n");
        self.put("proc/sys/kernel/hostname", "node-1\n");
        self.put("proc/sys/kernel/osrelease", "6.1.0-stub\n");
        self.put("proc/filesystems", "nodev\tsysfs\n\text4\n");
        self.put("proc/self/mountinfo", "30 23 8:2 / /data rw - ext4 /dev/sdb1 rw\n");
        self.put("lib/modules/6.1.0-stub/modules.builtin", "kernel/net/ipv4/netfilter/ip_tables.ko\n");
        self.put("sys/devices/system/cpu/online", "0-7\n");
        self.put("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
        self.put("etc/resolv.conf", "# made by the network\nnameserver 192.0.2.53\n");
        self.put("var/lib/dpkg/lock-frontend", "");
        self.put("stub/ntp", "yes\n");
        self
    }

    /// Lets a process listen: `table` is `tcp`, `udp6` and so on, `address` as the kernel writes it.
    pub(crate) fn listen(&self, table: &str, address: &str, port: u16, pid: u32) {
        let inode = self.listen_unseen(table, address, port);
        self.process(pid, "nginx", "0::/system.slice/nginx.service\n");
        let descriptors = self.path(&format!("proc/{pid}/fd"));
        fs::create_dir_all(&descriptors).expect("folder");
        symlink(format!("socket:[{inode}]"), descriptors.join(port.to_string())).expect("link");
    }

    /// Lets somebody listen whom no process is seen to be; the number of the socket.
    pub(crate) fn listen_unseen(&self, table: &str, address: &str, port: u16) -> u32 {
        let state = if table.starts_with("tcp") { "0A" } else { "07" };
        let inode = 40_000 + u32::from(port);
        let remote = "0".repeat(address.len());
        let line = format!(
            "   0: {address}:{port:04X} {remote}:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1\n"
        );
        let file = format!("proc/net/{table}");
        self.put(&file, self.text(&file) + &line);
        inode
    }

    /// Lets a VXLAN interface listen, as the kernel does it: the socket has a number like any other, and no process.
    pub(crate) fn interface_listens(&self, name: &str) {
        self.put(
            &format!("sys/class/net/{name}/uevent"),
            format!("DEVTYPE=vxlan\nINTERFACE={name}\nIFINDEX=3\n"),
        );
        self.listen_unseen("udp", "00000000", 8472);
    }

    /// Gives a process its name and its place among the services.
    pub(crate) fn process(&self, pid: u32, name: &str, cgroup: &str) {
        self.put(&format!("proc/{pid}/comm"), format!("{name}\n"));
        self.put(&format!("proc/{pid}/cgroup"), cgroup);
    }

    /// Lets a process hold the lock of a file.
    pub(crate) fn lock(&self, file: &str, pid: u32) {
        let inode = self.path(file).metadata().expect("the file is there").ino();
        self.put("proc/locks", format!("1: POSIX  ADVISORY  WRITE {pid} fd:01:{inode} 0 EOF\n"));
    }

    /// Serves an answer to a request of the form `GET https://host/path`.
    pub(crate) fn answer(&self, request: &str, status: u16, headers: &str, body: impl AsRef<[u8]>) {
        let head = format!("HTTP/2 {status} \r\n{headers}\r\n");
        self.put(&answer_file(request), [head.as_bytes(), body.as_ref()].concat());
    }

    /// Sets something beside an answer: see `https.sh`.
    pub(crate) fn beside_answer(&self, request: &str, what: &str, content: &str) {
        self.put(&format!("{}.{what}", answer_file(request)), content);
    }

    /// Serves the answer to anybody.
    pub(crate) fn without_login(&self, request: &str) {
        fs::remove_file(self.path(&format!("{}.login", answer_file(request)))).expect("asked for a login");
    }
}

fn answer_file(request: &str) -> String {
    let (method, url) = request.split_once(' ').expect("method and URL");
    format!("stub/https/{method}={}", url.strip_prefix("https://").expect("https").replace('/', "="))
}
