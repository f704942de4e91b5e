//! What the operating system tells of this machine and this user, without asking the network or another process.

use std::env;
use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

/// Facts from which [`crate::LocalIdentifiers`] are made.
#[derive(Clone, Debug, Default)]
pub struct MachineFacts {
    /// Names and addresses, each compared as it is: host names, user names, interface addresses.
    pub names: Vec<String>,
    /// Directories, compared as a whole and in their parts.
    pub places: Vec<String>,
}

impl MachineFacts {
    /// Reads what can be read; whatever cannot is left out.
    pub(crate) fn collect() -> Self {
        let mut facts = Self::default();
        facts.add_host();
        facts.add_user();
        facts.places.extend(env::current_dir().ok().map(|dir| dir.to_string_lossy().into_owned()));
        facts.add_addresses();
        facts
    }

    /// Adds a host name as it is and without its domain.
    pub fn add_host_name(&mut self, name: &str) {
        let short = name.split('.').next().unwrap_or(name);
        self.names.extend([name.trim_end_matches('.').to_owned(), short.to_owned()]);
    }

    /// The name that the kernel uses, and the configured one where it differs.
    fn add_host(&mut self) {
        self.add_host_name(&rustix::system::uname().nodename().to_string_lossy());
        for name in std::fs::read_to_string("/etc/hostname").iter().flat_map(|text| text.lines()) {
            self.add_host_name(name.trim());
        }
    }

    /// The names and home directories of the user, of the one who called sudo, and of the one whose uid this is.
    fn add_user(&mut self) {
        let variables =
            |names: &[&str]| -> Vec<String> { names.iter().filter_map(|name| env::var(name).ok()).collect() };
        let names = variables(&["USER", "LOGNAME", "SUDO_USER"]);
        self.places.extend(variables(&["HOME"]));
        // The name service could ask a directory on the network, which may be slow; the file is all that is read.
        let uid = rustix::process::getuid().as_raw().to_string();
        for line in std::fs::read_to_string("/etc/passwd").iter().flat_map(|text| text.lines()) {
            let mut fields = line.split(':');
            let (name, entry_uid, home) = (fields.next(), fields.nth(1), fields.nth(2));
            if let (Some(name), Some(entry_uid), Some(home)) = (name, entry_uid, home)
                && (entry_uid == uid || names.iter().any(|known| known == name))
            {
                self.names.push(name.to_owned());
                self.places.push(home.to_owned());
            }
        }
        self.names.extend(names);
    }

    /// The addresses of all interfaces, hardware addresses included.
    fn add_addresses(&mut self) {
        let addresses = getifaddrs().into_iter().flatten().filter_map(|interface| interface.address);
        self.names.extend(addresses.filter_map(|address| text_of(&address)));
    }
}

fn text_of(address: &SockaddrStorage) -> Option<String> {
    if let Some(link) = address.as_link_addr() {
        let octets = link.addr().filter(|octets| octets.iter().any(|octet| *octet != 0))?;
        return Some(octets.map(|octet| format!("{octet:02x}")).join(":"));
    }
    let ip = address
        .as_sockaddr_in()
        .map(|v4| IpAddr::from(v4.ip()))
        .or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))?;
    Some(ip.to_string())
}
