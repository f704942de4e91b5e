//! Non-sensitive settings of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Bounded;

vocabulary! {
    /// Program that installs k3s.
    pub enum InstallationEngine {
        /// The release's own install script.
        Native => "native",
        /// The k3sup program.
        K3sup => "k3sup",
    }
}

vocabulary! {
    /// TLS certificate source of the names that the cluster serves.
    pub enum TlsMode {
        /// Signed by the cluster itself.
        SelfSigned => "self-signed",
        /// Issued by Let's Encrypt.
        Letsencrypt => "letsencrypt",
    }
}

vocabulary! {
    /// Let's Encrypt environment.
    pub enum LetsencryptEnvironment {
        /// The staging service, for trials.
        Staging => "staging",
        /// The production service.
        Production => "production",
    }
}

vocabulary! {
    /// Source of the artifacts of a run.
    pub enum ArtifactsSource {
        /// Downloaded from the releases.
        Download => "download",
        /// Taken from a local directory.
        Local => "local",
    }
}

/// Non-sensitive settings, each absent when it does not apply to the run. Only that something was given is recorded,
/// never what was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Features")]
pub struct Features {
    /// Program that installs k3s. Purpose: to see which engines are still needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation_engine: Option<InstallationEngine>,
    /// Whether a server URL was given for the agent. Purpose: to distinguish incomplete agent set-ups from failing ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_server_url_provided: Option<bool>,
    /// Whether a join token was given for the agent. Purpose: to distinguish incomplete agent set-ups from failing ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_cluster_token_provided: Option<bool>,
    /// Whether Longhorn was set up for one node. Purpose: to see how storage is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longhorn_single_node_mode: Option<bool>,
    /// Replicas of each Longhorn volume. Purpose: to choose good defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longhorn_replica_count: Option<Bounded<1, 9>>,
    /// Percentage of the disk that Longhorn leaves free. Purpose: to choose good defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longhorn_minimal_available_percentage: Option<Bounded<0, 100>>,
    /// Size of the registry's volume in GiB. Purpose: to choose good defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_pvc_size_gib: Option<Bounded<1, 65_536>>,
    /// Whether a storage class was given for the registry. Purpose: to see how storage is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_storage_class_configured: Option<bool>,
    /// Whether the registry requires a login. Purpose: to see which registry set-ups are in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_auth_enabled: Option<bool>,
    /// Whether the run manages an NFS export. Purpose: to see which host features are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nfs_manage: Option<bool>,
    /// Whether the run manages names in the hosts file. Purpose: to see which host features are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manage_local_hosts: Option<bool>,
    /// Whether Docker is configured to trust the registry. Purpose: to see which host features are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_registry_in_docker: Option<bool>,
    /// TLS certificate source. Purpose: to see which certificate set-ups are in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_mode: Option<TlsMode>,
    /// Let's Encrypt environment. Purpose: to see which certificate set-ups are in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub letsencrypt_environment: Option<LetsencryptEnvironment>,
    /// Where artifacts come from. Purpose: to see how many hosts have no network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts_source: Option<ArtifactsSource>,
    /// Whether telemetry was on for the run. Purpose: to keep manifests readable by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telemetry_enabled: Option<bool>,
}
