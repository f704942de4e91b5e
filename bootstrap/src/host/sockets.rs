//! What listens on the host, and which process holds it, as the kernel tells in `/proc`, see `proc_net(5)`.
//!
//! Read here and not asked of `ss`: the files are on every host, everybody may read them, and their form has not changed
//! since Linux 2.2. Which process holds a socket is seen by root alone; everybody else learns the user.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::{Host, ProbeError};

/// How a port is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Transport {
    /// As firewalls and `services(5)` call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A socket that takes what comes from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListeningSocket {
    /// How it is used.
    pub transport: Transport,
    /// The address that it is bound to; unspecified when it is bound to all.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// User id of who made it.
    pub uid: u32,
    /// Its number on the host. The kernel's own, such as that of a VXLAN interface, has one like any other.
    inode: u64,
}

/// A process that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketHolder {
    /// Its id.
    pub pid: u32,
    /// Name of its program, at most 15 bytes.
    pub name: String,
    /// The service that it belongs to, without `.service`.
    pub service: Option<String>,
}

/// The files, and the state in which a socket takes what comes: `TCP_LISTEN`, or `TCP_CLOSE` for UDP, which knows no
/// other (`tcp_states.h`).
const TABLES: [(&str, Transport, &str); 4] = [
    ("/proc/net/tcp", Transport::Tcp, "0A"),
    ("/proc/net/tcp6", Transport::Tcp, "0A"),
    ("/proc/net/udp", Transport::Udp, "07"),
    ("/proc/net/udp6", Transport::Udp, "07"),
];

impl Host {
    /// Every socket that listens.
    ///
    /// # Errors
    /// The kernel does not tell. A host without IPv6 has no files for it; that is no error.
    pub fn listening(&self) -> Result<Vec<ListeningSocket>, ProbeError> {
        let mut found = Vec::new();
        for (table, transport, state) in TABLES {
            match self.read_text(Path::new(table))? {
                Some(text) => {
                    found.extend(text.lines().skip(1).filter_map(|line| socket(line, transport, state)));
                }
                None if table.ends_with('6') => {}
                None => return Err(ProbeError::File { message: format!("{table} does not exist") }),
            }
        }
        Ok(found)
    }

    /// The process that holds `socket`, if this process may see it.
    pub fn holder(&self, socket: &ListeningSocket) -> Option<SocketHolder> {
        let link = format!("socket:[{}]", socket.inode);
        let pids = self.entries(Path::new("/proc")).ok()?;
        let mut pids = pids.iter().filter_map(|name| name.parse::<u32>().ok());
        pids.find(|pid| self.holds(*pid, &link)).map(|pid| self.process(pid))
    }

    /// The name of a process and the service that it belongs to, as far as they can be seen.
    pub fn process(&self, pid: u32) -> SocketHolder {
        let text = |file: &str| {
            self.read_text(Path::new(&format!("/proc/{pid}/{file}"))).ok().flatten().unwrap_or_default()
        };
        let service = service_of(&text("cgroup"));
        SocketHolder { pid, name: text("comm").trim().to_owned(), service }
    }

    fn holds(&self, pid: u32, link: &str) -> bool {
        let folder = format!("/proc/{pid}/fd");
        let names = self.entries(Path::new(&folder)).unwrap_or_default();
        names.iter().any(|name| {
            fs::read_link(self.at(Path::new(&folder)).join(name))
                .is_ok_and(|target| target.as_os_str() == link)
        })
    }
}

/// A line of a table: `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode`.
fn socket(line: &str, transport: Transport, state: &str) -> Option<ListeningSocket> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, local, _, found_state, _, _, _, uid, _, inode, ..] = fields.as_slice() else { return None };
    let (address, port) = local.split_once(':')?;
    let listens = *found_state == state;
    let port = u16::from_str_radix(port, 16).ok().filter(|port| listens && *port != 0)?;
    let address = address_of(address)?;
    Some(ListeningSocket { transport, address, port, uid: uid.parse().ok()?, inode: inode.parse().ok()? })
}

/// The kernel prints each 32 bits of an address as one number of this machine, which is why it reads backwards on most.
fn address_of(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?);
            }
            Some(Ipv6Addr::from(bytes).to_canonical())
        }
        _ => None,
    }
}

/// The service in a path such as `0::/system.slice/k3s.service/…`, see `cgroups(7)`.
fn service_of(cgroup: &str) -> Option<String> {
    let paths = cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let mut parts = paths.flat_map(|path| path.split('/'));
    parts.find_map(|part| part.strip_suffix(".service")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        let v4 = u32::from_ne_bytes([127, 0, 0, 1]);
        assert_eq!(address_of(&format!("{v4:08X}")), Some(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(address_of(&"0".repeat(32)), Some(Ipv6Addr::UNSPECIFIED.into()));
        assert_eq!(address_of("00"), None);
    }

    #[test]
    fn the_service_is_the_one_that_systemd_put_the_process_in() {
        for (cgroup, service) in [
            ("0::/system.slice/k3s.service\n", Some("k3s")),
            ("1:name=systemd:/system.slice/k3s-agent.service/kubelet\n", Some("k3s-agent")),
            ("0::/user.slice/user-1000.slice/session-1.scope\n", None),
            ("", None),
        ] {
            assert_eq!(service_of(cgroup).as_deref(), service, "{cgroup}");
        }
    }
}
