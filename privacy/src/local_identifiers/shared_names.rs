//! Names that so many machines and networks have that they identify none: a false alarm costs an operator a header.
//!
//! Labels count only as a part of something longer, and never as the first label of a host: a host or a user that is called
//! so is known by that name all the same.

/// Names that installers write into the hosts file, and search domains that routers, clusters and clouds hand out: as a
/// whole, because several labels that anybody has can together be a domain that one company has.
#[cfg(unix)]
const SHARED_NAMES: &[&str] = &[
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
    "ip6-localhost",
    "ip6-loopback",
    // Networks without a registered domain (RFC 6762, RFC 8375), and the habits of routers.
    "local",
    "localdomain",
    "lan",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "private",
    "corp",
    // Kubernetes.
    "cluster.local",
    "svc.cluster.local",
    "default.svc.cluster.local",
    // Clouds.
    "ec2.internal",
    "compute-1.internal",
    "google.internal",
    "openstacklocal",
    "novalocal",
];

/// Labels of domains that anybody can have, and directories that every machine has.
const SHARED: &[&str] = &[
    // Networks without a registered domain (RFC 6762, RFC 8375), and the habits of routers.
    "local",
    "localhost",
    "localdomain",
    "lan",
    "home",
    "arpa",
    "internal",
    "intranet",
    "private",
    "corp",
    // Kubernetes.
    "default",
    "svc",
    "cluster",
    // Clouds that give every machine a name.
    "compute",
    "compute-1",
    "ec2",
    "amazonaws",
    "google",
    "cloudapp",
    "openstacklocal",
    "novalocal",
    // Registries.
    "com",
    "net",
    "org",
];

/// Whether so many machines have this label that it identifies none.
pub(super) fn is_shared_label(label: &str) -> bool {
    SHARED.iter().any(|shared| shared.eq_ignore_ascii_case(label))
}

/// Whether so many machines or networks have this name as a whole that it identifies none.
#[cfg(unix)]
pub(super) fn is_shared_name(name: &str) -> bool {
    // The root domain, and a full name that ends in it.
    let name = name.trim_end_matches('.');
    name.is_empty() || SHARED_NAMES.iter().any(|shared| shared.eq_ignore_ascii_case(name))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shared_as_a_whole() {
        for shared in [
            ".",
            "lan",
            "LAN",
            "svc.cluster.local",
            "localhost.localdomain",
            "cluster.local.",
            "ec2.internal",
        ] {
            assert!(is_shared_name(shared), "{shared}");
        }
        for own in ["acme.lan", "acme", "lan-party", "eu-west-1.compute.internal", "corp.google.com"] {
            assert!(!is_shared_name(own), "{own}");
        }
    }
}
