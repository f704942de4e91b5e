//! The table of inputs: key, flag, environment variable, prompt, default and privacy of each, once.

use super::kind::Kind;
use Privacy::{Open, Private};

/// Whether values of an input may stand in something that leaves the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Harmless.
    Open,
    /// Tells of the place or the people: the gate refuses every document that contains the value.
    Private,
}

/// One input of a run.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// Key in the config file; dots are levels.
    pub key: &'static str,
    /// Long flag without the dashes, if there is one.
    pub flag: Option<&'static str>,
    /// Form of the value.
    pub kind: Kind,
    /// Whether the value is private.
    pub privacy: Privacy,
    /// Default, if there is one that does not depend on other inputs.
    pub default: Option<&'static str>,
    /// One line for help, prompts and the schema of the config file.
    pub help: &'static str,
}

impl Input {
    /// The environment variable: `PRODUCTIVE_K3S_` and the key in upper case, dots as underscores. The versions have
    /// the name of the shell implementation, with `VERSION` at the end.
    pub fn variable(&self) -> String {
        let name = match self.key.strip_prefix("versions.") {
            Some(component) => format!("{component}_version"),
            None => self.key.replace('.', "_"),
        };
        format!("PRODUCTIVE_K3S_{}", name.to_uppercase())
    }

    /// The input with this key.
    pub fn find(key: &str) -> Option<&'static Self> {
        INPUTS.iter().find(|input| input.key == key)
    }
}

const fn input(
    key: &'static str,
    flag: &'static str,
    kind: Kind,
    privacy: Privacy,
    help: &'static str,
) -> Input {
    Input { key, flag: Some(flag), kind, privacy, default: None, help }
}

impl Input {
    const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    const fn without_flag(self) -> Self {
        Self { flag: None, ..self }
    }
}

const fn choice(key: &'static str, help: &'static str) -> Input {
    input(key, "", Kind::Word(&["install", "skip"]), Open, help).or("install").without_flag()
}

const fn version(key: &'static str, default: &'static str, help: &'static str) -> Input {
    input(key, "", Kind::Release, Open, help).or(default).without_flag()
}

const fn image(key: &'static str, default: &'static str, help: &'static str) -> Input {
    input(key, "", Kind::Image, Open, help).or(default).without_flag()
}

const fn checksum(key: &'static str, help: &'static str) -> Input {
    input(key, "", Kind::Checksum, Open, help).without_flag()
}

/// Every input, in the order of the help.
pub(super) const INPUTS: &[Input] = &[
    input("mode", "mode", Kind::Mode, Open, "What to make of this host").or("server"),
    input(
        "agent.server_url",
        "agent-server-url",
        Kind::HttpsUrl,
        Private,
        "URL of the server that the agent joins",
    ),
    input("agent.token_file", "agent-token-file", Kind::Path, Private, "File that holds the join token"),
    input("domain", "domain", Kind::HostName, Private, "Domain of the host names").or("example.local"),
    input("tls.mode", "tls", Kind::Word(&["self-signed", "letsencrypt"]), Open, "Kind of certificates")
        .or("self-signed"),
    input(
        "tls.letsencrypt_email",
        "letsencrypt-email",
        Kind::Email,
        Private,
        "Address for notices of Let's Encrypt",
    ),
    input(
        "tls.letsencrypt_environment",
        "letsencrypt-environment",
        Kind::Word(&["staging", "production"]),
        Open,
        "Service of Let's Encrypt",
    )
    .or("staging"),
    input(
        "rancher.host",
        "rancher-host",
        Kind::HostName,
        Private,
        "Host name of Rancher [default: rancher.<domain>]",
    ),
    input(
        "rancher.password_file",
        "rancher-password-file",
        Kind::Path,
        Private,
        "File with Rancher's first password [default: generated]",
    ),
    input(
        "registry.host",
        "registry-host",
        Kind::HostName,
        Private,
        "Host name of the registry [default: registry.<domain>]",
    ),
    input(
        "registry.pvc_size_gib",
        "registry-pvc-size-gib",
        Kind::Integer { min: 1, max: 65_536 },
        Open,
        "Size of the registry's volume in GiB",
    )
    .or("20"),
    input(
        "registry.storage_class",
        "registry-storage-class",
        Kind::ObjectName,
        Private,
        "Storage class of that volume [default: the cluster's]",
    ),
    input("registry.auth", "registry-auth", Kind::Switch, Open, "Whether the registry asks for a login")
        .or("false"),
    input("registry.user", "registry-user", Kind::UserName, Private, "User of the registry"),
    input(
        "registry.password_file",
        "registry-password-file",
        Kind::Path,
        Private,
        "File with that user's password [default: generated]",
    ),
    input(
        "longhorn.data_path",
        "longhorn-data-path",
        Kind::AbsolutePath,
        Private,
        "Folder of Longhorn's volumes",
    )
    .or("/data"),
    input(
        "longhorn.replica_count",
        "longhorn-replica-count",
        Kind::Integer { min: 1, max: 9 },
        Open,
        "Copies of each volume",
    )
    .or("1"),
    input(
        "longhorn.minimal_available_percentage",
        "longhorn-minimal-available-percentage",
        Kind::Integer { min: 0, max: 100 },
        Open,
        "Percentage of the disk left free",
    )
    .or("10"),
    input(
        "longhorn.make_default",
        "longhorn-make-default",
        Kind::Switch,
        Open,
        "Make Longhorn the default storage class",
    )
    .or("false"),
    input("nfs.manage", "nfs-manage", Kind::Switch, Open, "Whether to manage an NFS export").or("true"),
    input("nfs.export_path", "nfs-export-path", Kind::AbsolutePath, Private, "Folder that is exported")
        .or("/srv/nfs/k8s-share"),
    input("nfs.allowed_network", "nfs-allowed-network", Kind::Network, Private, "Network that may mount it")
        .or("192.168.0.0/24"),
    input(
        "host.manage_hosts_file",
        "manage-hosts-file",
        Kind::Switch,
        Open,
        "Write the host names to the hosts file",
    )
    .or("true"),
    input(
        "host.trust_registry_in_docker",
        "trust-registry-in-docker",
        Kind::Switch,
        Open,
        "Make Docker trust the registry",
    )
    .or("true"),
    choice("components.k3s", "The k3s server or agent"),
    choice("components.helm", "The helm command"),
    choice("components.cert_manager", "cert-manager"),
    choice("components.clusterissuer", "The issuer of certificates"),
    choice("components.longhorn", "Longhorn block storage"),
    choice("components.rancher", "Rancher"),
    choice("components.registry", "The image registry"),
    choice("components.nfs", "The NFS export"),
    choice("components.local_hosts", "The names in the hosts file"),
    choice("components.docker_registry_trust", "Docker's trust of the registry"),
    version("versions.k3s", "v1.35.5+k3s1", "Release of k3s"),
    version("versions.helm", "v3.21.0", "Release of helm"),
    version("versions.cert_manager", "v1.19.4", "Release of cert-manager"),
    version("versions.longhorn", "v1.11.1", "Version of the Longhorn chart"),
    version("versions.rancher", "v2.14.2", "Version of the Rancher chart"),
    image("versions.registry", "registry:2.8.3", "Image of the registry"),
    checksum("checksums.k3s", "sha256 of the k3s program"),
    checksum("checksums.k3s_script", "sha256 of the install script of k3s"),
    checksum("checksums.helm", "sha256 of the helm archive"),
    checksum("checksums.cert_manager", "sha256 of the cert-manager manifest"),
    checksum("checksums.longhorn", "sha256 of the Longhorn chart"),
    checksum("checksums.rancher", "sha256 of the Rancher chart"),
    input(
        "artifacts_dir",
        "artifacts-dir",
        Kind::Path,
        Private,
        "Folder with artifacts, for hosts without network",
    ),
    input("runs_dir", "runs-dir", Kind::Path, Private, "Folder of the records of runs").or("runs"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_component_can_be_left_out_and_nothing_else() {
        let in_table: BTreeSet<&str> =
            INPUTS.iter().filter_map(|input| input.key.strip_prefix("components.")).collect();
        let in_contract: BTreeSet<&str> =
            schema::Component::ALL.iter().map(|component| component.as_str()).collect();
        assert_eq!(in_table, in_contract);
    }

    #[test]
    fn keys_flags_and_variables_are_unique_and_defaults_are_valid() {
        let mut names = BTreeSet::new();
        for input in INPUTS {
            assert!(names.insert(input.key.to_owned()), "{} twice", input.key);
            assert!(names.insert(input.variable()), "{} twice", input.variable());
            assert!(
                input.flag.is_none_or(|flag| names.insert(format!("--{flag}"))),
                "{:?} twice",
                input.flag
            );
            assert!(input.default.is_none_or(|default| input.kind.check(default).is_ok()), "{}", input.key);
        }
    }

    #[test]
    fn the_variable_follows_from_the_key() {
        let variable = |key| Input::find(key).map(Input::variable);
        assert_eq!(variable("agent.server_url").as_deref(), Some("PRODUCTIVE_K3S_AGENT_SERVER_URL"));
        assert_eq!(variable("versions.cert_manager").as_deref(), Some("PRODUCTIVE_K3S_CERT_MANAGER_VERSION"));
    }
}
