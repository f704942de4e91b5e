//! Names that so many machines and networks have that they identify none: a false alarm costs an operator a header.
//!
//! They count only as a part of something longer, such as the last label of a host name. A host or a user that is called
//! so as a whole is known by that name all the same.

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
    // What installers write into the hosts file.
    "localhost4",
    "localhost6",
    "localdomain4",
    "localdomain6",
    "ip6-localhost",
    "ip6-loopback",
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

/// Whether each label of `name` is one that many machines have.
#[cfg(unix)]
pub(super) fn is_shared(name: &str) -> bool {
    name.split('.').all(|label| label.is_empty() || is_shared_label(label))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shared_if_all_of_it_is() {
        for shared in
            ["lan", "LAN", "svc.cluster.local", "localhost.localdomain", "cluster.local.", "ec2.internal"]
        {
            assert!(is_shared(shared), "{shared}");
        }
        for own in ["acme.lan", "acme", "lan-party", "eu-west-1.compute.internal"] {
            assert!(!is_shared(own), "{own}");
        }
    }
}
