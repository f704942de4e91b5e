//! What the operating system states about this machine and its user.
//!
//! The facts are read from files and system calls. The name service and `hostname -f` were rejected: both may ask a
//! server on the network, and this crate exists to decide what leaves the machine.

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

use super::shared_names::is_shared_name;

/// Numbers that manufacturers and installers gave this machine. Only root can read some; what cannot be read is left out.
const SERIAL_FILES: &[&str] = &[
    "/etc/machine-id",
    "/var/lib/dbus/machine-id",
    "/proc/sys/kernel/random/boot_id",
    "/sys/class/dmi/id/product_uuid",
    "/sys/class/dmi/id/product_serial",
    "/sys/class/dmi/id/board_serial",
    "/sys/class/dmi/id/chassis_serial",
    // On boards without DMI. It has 16 hexadecimal digits there, which is the form of an id.
    "/proc/device-tree/serial-number",
];

/// At most this much of a list of names is read. One that blocks advertisements has megabytes, and the names of the
/// machine itself are at its beginning.
const MAX_LIST_BYTES: u64 = 64 * 1024;

/// Facts from which [`LocalIdentifiers`](crate::LocalIdentifiers) are made.
#[derive(Clone, Debug, Default)]
pub struct MachineFacts {
    /// Host names, user names and full names, compared as a whole and in their parts.
    pub names: Vec<String>,
    /// Domains in which this host looks for short names, compared as a whole and in their parts.
    pub domains: Vec<String>,
    /// Directories, compared as a whole and in their parts.
    pub directories: Vec<String>,
    /// Hardware addresses, machine ids and serial numbers, compared as a whole.
    pub serials: Vec<String>,
    /// Addresses of interfaces, compared in every form in which an address is written.
    pub addresses: Vec<IpAddr>,
}

impl MachineFacts {
    /// Reads what can be read; what cannot is left out.
    pub(super) fn collect() -> Self {
        let mut facts = Self::default();
        facts.add_host();
        facts.add_user();
        facts.directories.extend(env::current_dir().ok().map(|dir| dir.to_string_lossy().into_owned()));
        facts.add_interfaces();
        facts.serials.extend(SERIAL_FILES.iter().filter_map(|path| serial_in(path)));
        facts
    }

    /// The name that the kernel uses, the configured one where it differs, and what follows them: on Debian and Ubuntu
    /// both are short, and the domain is in other files.
    fn add_host(&mut self) {
        self.names.push(rustix::system::uname().nodename().to_string_lossy().into_owned());
        self.names.extend(beginning_of("/etc/hostname").lines().map(str::to_owned));
        self.add_aliases(&beginning_of("/etc/hosts"));
        self.add_domains(&beginning_of("/etc/resolv.conf"));
    }

    /// The names on each line of the hosts file that names this host, in full or by its first label (hosts(5)).
    fn add_aliases(&mut self, hosts: &str) {
        let first_label = |name: &str| name.split('.').next().unwrap_or_default().to_lowercase();
        let known: Vec<String> = self.names.iter().map(|name| first_label(name)).collect();
        for line in hosts.lines() {
            let text = line.split('#').next().unwrap_or_default();
            let names = text.split_whitespace().skip(1);
            if names.clone().any(|name| known.contains(&first_label(name))) {
                self.names.extend(names.filter(|name| !is_shared_name(name)).map(str::to_owned));
            }
        }
    }

    /// The domains in which this host looks for short names (resolv.conf(5)).
    fn add_domains(&mut self, resolver: &str) {
        for line in resolver.lines() {
            let mut words = line.split_whitespace();
            if matches!(words.next(), Some("search" | "domain")) {
                self.domains.extend(words.filter(|domain| !is_shared_name(domain)).map(str::to_owned));
            }
        }
    }

    /// The names and home directories of the user, of the one who called sudo, and of the one whose uid this is.
    fn add_user(&mut self) {
        let variables =
            |names: &[&str]| -> Vec<String> { names.iter().filter_map(|name| env::var(name).ok()).collect() };
        let names = variables(&["USER", "LOGNAME", "SUDO_USER"]);
        self.directories.extend(variables(&["HOME"]));
        // The name service could ask a directory on the network, which may be slow; the file is all that is read.
        let uid = rustix::process::getuid().as_raw().to_string();
        self.add_accounts(&fs::read_to_string("/etc/passwd").unwrap_or_default(), &uid, &names);
        self.names.extend(names);
    }

    /// What the lines of `passwd` say about this uid or one of these names.
    fn add_accounts(&mut self, passwd: &str, uid: &str, names: &[String]) {
        for line in passwd.lines() {
            // Name, password, uid, gid, full name, home, shell (passwd(5)).
            let [name, _, entry_uid, _, full_name, home, ..] = line.split(':').collect::<Vec<_>>()[..] else {
                continue;
            };
            if entry_uid == uid || names.iter().any(|known| known == name) {
                // The commas between its parts are there even where nobody gave any.
                let full_name = full_name.trim_matches(|character: char| !character.is_alphanumeric());
                let names = [name, full_name].into_iter().filter(|name| !name.is_empty());
                self.names.extend(names.map(str::to_owned));
                self.directories.push(home.to_owned());
            }
        }
    }

    fn add_interfaces(&mut self) {
        for address in getifaddrs().into_iter().flatten().filter_map(|interface| interface.address) {
            self.addresses.extend(ip_of(&address));
            self.serials.extend(hardware_address(&address));
        }
    }
}

fn ip_of(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::from(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))
}

/// Hardware addresses of zeros are those of the loopback interface.
fn hardware_address(address: &SockaddrStorage) -> Option<String> {
    let octets = address.as_link_addr()?.addr().filter(|octets| octets.iter().any(|octet| *octet != 0))?;
    Some(octets.map(|octet| format!("{octet:02x}")).join(":"))
}

/// The beginning of a text file; of a file that cannot be read, nothing.
fn beginning_of(path: &str) -> String {
    let mut bytes = Vec::new();
    // What was read before a failure is as good.
    let _ = File::open(path).and_then(|file| file.take(MAX_LIST_BYTES).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The text of a file of one line; the device tree ends it with a zero byte.
fn serial_in(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set scenes, nothing of ours")]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn of_the_accounts_only_those_of_the_user_count() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n\
                      alice:x:1000:1000:Alice Archer,,,:/home/alice:/bin/sh\n\
                      bob:x:1001:1001:Bob Baker:/srv/bob:/bin/sh\n\
                      broken line\n\
                      carol:x:1002:1002:Carol Cook:/home/carol:/bin/sh\n\
                      dave:x:1000:1000:,,,:/home/dave:/bin/sh\n";
        let mut facts = MachineFacts::default();
        facts.add_accounts(passwd, "1000", &["bob".to_owned()]);
        // Empty answers to adduser are commas alone.
        assert_eq!(facts.names, ["alice", "Alice Archer", "bob", "Bob Baker", "dave"]);
        assert_eq!(facts.directories, ["/home/alice", "/srv/bob", "/home/dave"]);
    }

    #[test]
    fn the_full_name_is_found_where_installers_write_it() {
        let mut facts = MachineFacts { names: vec!["kelvin".to_owned()], ..MachineFacts::default() };
        facts.add_aliases(
            "127.0.0.1 localhost\n\
             127.0.1.1\tKelvin.acme-labs.example kelvin # kelvin.of-a-comment.example\n\
             # 127.0.1.1 kelvin.old.example\n\
             ::1 localhost ip6-localhost ip6-loopback\n\
             10.0.0.7 boltzmann.acme-labs.example boltzmann\n",
        );
        assert_eq!(facts.names, ["kelvin", "Kelvin.acme-labs.example", "kelvin"]);
    }

    #[test]
    fn names_that_every_machine_has_are_not_those_of_this_one() {
        let mut facts = MachineFacts { names: vec!["localhost".to_owned()], ..MachineFacts::default() };
        facts.add_aliases(
            "127.0.0.1 localhost localhost.localdomain localhost4.localdomain4\n::1 localhost\n",
        );
        facts.add_domains(
            "# search commented.example\nnameserver 192.0.2.53\nsearch svc.cluster.local cluster.local lan .\n",
        );
        assert_eq!((&facts.names[..], facts.domains.len()), (&["localhost".to_owned()][..], 0));
        facts.add_domains("domain acme-labs.example\nsearch lan zephyr.test corp.google.com\n");
        assert_eq!(facts.domains, ["acme-labs.example", "zephyr.test", "corp.google.com"]);
    }

    #[test]
    fn a_long_list_is_read_as_far_as_its_bound() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), [vec![b'a'; 100_000], vec![0xff; 100_000]].concat()).expect("written");
        assert_eq!(beginning_of(file.path().to_str().expect("UTF-8")).len() as u64, MAX_LIST_BYTES);
        assert_eq!(beginning_of("/nonexistent"), "");
        // A list of a thousand hosts is read to its end.
        let hosts = "10.0.0.1 host-000.acme-labs.example\n".repeat(1_000);
        fs::write(file.path(), &hosts).expect("written");
        assert_eq!(beginning_of(file.path().to_str().expect("UTF-8")), hosts);
    }

    #[test]
    fn this_machine_its_user_and_its_loopback_address_are_known() {
        let facts = MachineFacts::collect();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let uid = rustix::process::getuid().as_raw().to_string();
        let passwd = fs::read_to_string("/etc/passwd").expect("readable");
        let mut accounts = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
        // In a container the user may have no account.
        let account = accounts.find(|account| account.get(2) == Some(&uid.as_str()));
        for name in account.map(|account| account[0].to_owned()).into_iter().chain([host]) {
            assert!(facts.names.contains(&name), "{name}: {:?}", facts.names);
        }
        for address in [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])] {
            // Nothing can be bound to an address that no interface has.
            let is_here = std::net::UdpSocket::bind((address, 0)).is_ok();
            assert!(!is_here || facts.addresses.contains(&address), "{address}: {:?}", facts.addresses);
        }
    }

    #[test]
    fn a_serial_is_the_text_of_its_file_alone() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().to_str().expect("UTF-8");
        for text in ["100000003d1ab2c4\0", " 100000003d1ab2c4\n", "100000003d1ab2c4"] {
            fs::write(path, text).expect("written");
            assert_eq!(serial_in(path).as_deref(), Some("100000003d1ab2c4"), "{text:?}");
        }
        assert_eq!(serial_in("/nonexistent"), None);
    }

    /// On a machine with no interface but the loopback one there is nothing to see.
    #[test]
    fn every_hardware_address_is_known_and_no_other() {
        let addresses = || -> HashSet<String> {
            let interfaces = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
            let texts = interfaces.filter_map(|entry| fs::read_to_string(entry.path().join("address")).ok());
            texts.map(|text| text.trim().to_owned()).collect()
        };
        // Interfaces of containers come and go.
        let before = addresses();
        let mut facts = MachineFacts::default();
        facts.add_interfaces();
        let after = addresses();
        let is_of_ethernet = |text: &&String| {
            text.len() == 17 && text.bytes().any(|byte| byte.is_ascii_hexdigit() && byte != b'0')
        };
        for address in before.intersection(&after).filter(is_of_ethernet) {
            assert!(facts.serials.contains(address), "{address}");
        }
        let is_address = |serial: &String| serial.len() == 17 && serial != "00:00:00:00:00:00";
        assert!(facts.serials.iter().all(is_address), "{:?}", facts.serials);
    }
}
