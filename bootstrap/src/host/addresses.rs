//! The addresses of the machine, as the kernel lists them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::{FileError, Host};

impl Host {
    /// Every IPv4 and IPv6 address that is local, those of the loopback interface included. Read from files of the kernel,
    /// because no program that would tell is on every host.
    ///
    /// # Errors
    /// A file of the kernel is there and cannot be read.
    pub fn local_addresses(&self) -> Result<BTreeSet<IpAddr>, FileError> {
        let v4 = self.read_text(Path::new("/proc/net/fib_trie"))?.unwrap_or_default();
        let v6 = self.read_text(Path::new("/proc/net/if_inet6"))?.unwrap_or_default();
        Ok(ipv4(&v4).map(IpAddr::V4).chain(ipv6(&v6).map(IpAddr::V6)).collect())
    }
}

/// The trie has a line with an address, and below it what the address is: `/32 host LOCAL` of a local one.
fn ipv4(trie: &str) -> impl Iterator<Item = Ipv4Addr> {
    let mut last = None;
    trie.lines().filter_map(move |line| {
        let line = line.trim_start();
        match line.strip_prefix("|-- ") {
            Some(address) => last = address.parse().ok(),
            None if line == "/32 host LOCAL" => return last,
            None => {}
        }
        None
    })
}

/// Each line begins with the 32 hexadecimal digits of an address.
fn ipv6(list: &str) -> impl Iterator<Item = Ipv6Addr> {
    list.lines()
        .filter_map(|line| u128::from_str_radix(line.split_whitespace().next()?, 16).ok().map(Ipv6Addr::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_told_from_networks() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 10.0.0.0\n        \
                    /24 link UNICAST\n     |-- 10.0.0.5\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\n";
        assert_eq!(ipv4(trie).collect::<Vec<_>>(), [Ipv4Addr::new(10, 0, 0, 5)]);
        let list = "00000000000000000000000000000001 01 80 10 80       lo\n";
        assert_eq!(ipv6(list).collect::<Vec<_>>(), [Ipv6Addr::LOCALHOST]);
    }
}
