//! What a run was asked to do: every input resolved and checked, before anything happens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schema::{Bounded, Component, Issuer, LetsencryptEnvironment, Mode};

pub use crate::secret::Password;
use crate::secret::Secret;
use crate::step::Sha256Sum;

/// All settings of a run. Parts that a mode does not have are absent, so that no component can use them by mistake.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the run makes of the host.
    pub mode: Mode,
    /// How to join a server; present in agent mode only.
    pub agent: Option<Agent>,
    /// Certificates of the names that the cluster serves.
    pub tls: Tls,
    /// The Rancher management interface.
    pub rancher: Rancher,
    /// The image registry.
    pub registry: Registry,
    /// Longhorn block storage.
    pub longhorn: Longhorn,
    /// The NFS export, when the run manages one.
    pub nfs: Option<Nfs>,
    /// Whether the names of the cluster are written to the hosts file.
    pub manage_hosts_file: bool,
    /// Whether Docker is told to trust the registry's certificate.
    pub trust_registry_in_docker: bool,
    /// Whether the user who called gets a copy of the cluster's credentials.
    pub user_kubeconfig: bool,
    /// Components that the operator left out.
    pub skipped: BTreeSet<Component>,
    /// Versions that the operator chose, in place of those that the components are pinned to.
    pub versions: BTreeMap<Component, String>,
    /// Checksums that the operator pinned, by the name of the artifact.
    pub checksums: BTreeMap<&'static str, Sha256Sum>,
    /// Where artifacts come from.
    pub artifacts: Artifacts,
}

/// How an agent joins its server.
#[derive(Clone, Debug)]
pub struct Agent {
    /// `https` URL of the server.
    pub server_url: String,
    /// The join token.
    pub token: Secret,
}

/// Kind of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Signed by the cluster itself.
    SelfSigned,
    /// Issued by Let's Encrypt.
    Letsencrypt {
        /// Address for notices about expiry.
        email: String,
        /// Which service is asked.
        environment: LetsencryptEnvironment,
    },
}

impl Tls {
    /// The issuer that stands for these certificates in the cluster.
    pub const fn issuer(&self) -> Issuer {
        match self {
            Self::SelfSigned => Issuer::Selfsigned,
            Self::Letsencrypt { environment: LetsencryptEnvironment::Staging, .. } => {
                Issuer::LetsencryptStaging
            }
            Self::Letsencrypt { environment: LetsencryptEnvironment::Production, .. } => {
                Issuer::LetsencryptProduction
            }
        }
    }
}

/// Settings of Rancher.
#[derive(Clone, Debug)]
pub struct Rancher {
    /// Host name that it is served under.
    pub host: String,
    /// First password of the administrator.
    pub password: Password,
}

/// Settings of the registry.
#[derive(Clone, Debug)]
pub struct Registry {
    /// Host name that it is served under.
    pub host: String,
    /// Size of its volume in GiB.
    pub pvc_size_gib: Bounded<1, 65_536>,
    /// Storage class of its volume; the default class of the cluster when absent.
    pub storage_class: Option<String>,
    /// Login that it asks for, when it asks for one.
    pub auth: Option<RegistryAuth>,
}

/// Login of the registry.
#[derive(Clone, Debug)]
pub struct RegistryAuth {
    /// User name.
    pub user: String,
    /// Password of that user.
    pub password: Password,
}

/// Settings of Longhorn.
#[derive(Clone, Debug)]
pub struct Longhorn {
    /// Directory that holds the volumes.
    pub data_path: PathBuf,
    /// Copies of each volume.
    pub replica_count: Bounded<1, 9>,
    /// Percentage of the disk that is left free.
    pub minimal_available_percentage: Bounded<0, 100>,
    /// Whether its storage class becomes the default of the cluster.
    pub make_default: bool,
    /// Whether an agent gets what Longhorn needs on each node.
    pub node: bool,
}

/// Settings of the NFS export.
#[derive(Clone, Debug)]
pub struct Nfs {
    /// Directory that is exported.
    pub export_path: PathBuf,
    /// Network in CIDR form that may mount it.
    pub allowed_network: String,
    /// Whether root of a client is root in the directory.
    pub no_root_squash: bool,
}

/// Where artifacts come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Artifacts {
    /// The releases on the network.
    Download,
    /// A directory of this host.
    Local(PathBuf),
}

impl Settings {
    /// Every secret that was given.
    pub fn secrets(&self) -> Vec<&Secret> {
        let passwords =
            [Some(&self.rancher.password), self.registry.auth.as_ref().map(|auth| &auth.password)];
        let passwords = passwords.into_iter().flatten().filter_map(|password| match password {
            Password::Given(secret) => Some(secret),
            Password::Generate => None,
        });
        passwords.chain(self.agent.as_ref().map(|agent| &agent.token)).collect()
    }

    /// Private values that follow from the inputs without being one.
    pub fn private_values(&self) -> [&str; 2] {
        [&self.rancher.host, &self.registry.host]
    }
}

/// Whether `value` is an absolute path that data of the cluster may lie at. Spaces and quotes are refused because it
/// becomes a field of `/etc/exports` and of a values file.
pub fn is_data_path(value: &str) -> bool {
    value.starts_with('/')
        && value.len() > 1
        && value.split('/').skip(1).all(|part| !part.is_empty() && part != ".." && part != ".")
        && !value.contains([' ', '"', '\'', '\\', '#', '(', ')'])
        && value
            .split('/')
            .find(|part| !part.is_empty())
            .is_some_and(|first| !SYSTEM_DIRECTORIES.contains(&first))
}

/// Directories of the system itself: exporting one to a network, or filling one with volumes, is never meant.
const SYSTEM_DIRECTORIES: [&str; 14] = [
    "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "root", "run", "sbin", "sys",
    "usr",
];
