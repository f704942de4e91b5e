//! What a run knew of its machine and was told by the operator.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use schema::{Bounded, Component, Issuer};
use serde::{Deserialize, Serialize};

/// Private settings of a run: those that its components were told, and all the others that no public document of it may
/// contain. All are absent where they do not apply.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalFacts {
    /// Every private input as it was given, but no secret. Rollback does not use it. Code that makes a document of this run
    /// later does not get the inputs again, and the gate must know them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub private_inputs: Vec<String>,
    /// The components that the run was to bring about. Without them, what the operator left out would look like what is
    /// missing.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub components: BTreeSet<Component>,
    /// Certificates of the names that the cluster serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFacts>,
    /// Host name of Rancher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rancher_host: Option<String>,
    /// The registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<RegistryFacts>,
    /// Directory in which Docker looks for the registry's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_trust_path: Option<PathBuf>,
    /// Longhorn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longhorn: Option<LonghornFacts>,
    /// The NFS export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nfs: Option<NfsFacts>,
    /// Versions of the artifacts and charts of the run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<Component, String>,
}

/// Who issues certificates.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFacts {
    /// The issuer.
    pub issuer: Issuer,
    /// Address for notices about expiry, where the issuer takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// What the registry was told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryFacts {
    /// Host name that it is served under.
    pub host: String,
    /// Size of its volume in GiB.
    pub pvc_size_gib: Bounded<1, 65_536>,
    /// Storage class of its volume; absent for the default class of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// User of its login; absent where it asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What Longhorn was told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LonghornFacts {
    /// Directory in which it keeps its data.
    pub data_path: PathBuf,
    /// Replicas of each volume.
    pub replica_count: Bounded<1, 9>,
    /// Percentage of the disk that is left free.
    pub minimal_available_percentage: Bounded<0, 100>,
    /// Whether its storage class is the default one.
    pub make_default: bool,
}

/// What the NFS server was told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NfsFacts {
    /// Directory that it exports.
    pub export_path: PathBuf,
    /// Network that may mount it, in CIDR form.
    pub allowed_network: String,
}

impl LocalFacts {
    /// Everything here that no public document may contain: names, addresses and paths.
    pub fn private_values(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let registry = self.registry.iter().flat_map(|registry| {
            [Some(&registry.host), registry.storage_class.as_ref(), registry.user.as_ref()]
                .into_iter()
                .flatten()
        });
        let email = self.tls.iter().filter_map(|tls| tls.email.as_ref());
        let network = self.nfs.iter().map(|nfs| &nfs.allowed_network);
        let texts = self.rancher_host.iter().chain(registry).chain(email).chain(network);
        let paths = self.docker_trust_path.iter();
        let paths = paths.chain(self.longhorn.iter().map(|longhorn| &longhorn.data_path));
        let paths = paths.chain(self.nfs.iter().map(|nfs| &nfs.export_path));
        let paths = paths.map(|path| path.to_string_lossy());
        texts.chain(&self.private_inputs).map(|text| Cow::Borrowed(text.as_str())).chain(paths)
    }

    /// Takes over what another run was told of `component`.
    pub fn take_over(&mut self, component: Component, run: &Self) {
        self.components.insert(component);
        match component {
            Component::Clusterissuer => self.tls.clone_from(&run.tls),
            Component::Rancher => self.rancher_host.clone_from(&run.rancher_host),
            Component::Registry => self.registry.clone_from(&run.registry),
            Component::DockerRegistryTrust => self.docker_trust_path.clone_from(&run.docker_trust_path),
            Component::Longhorn => self.longhorn.clone_from(&run.longhorn),
            Component::Nfs => self.nfs.clone_from(&run.nfs),
            // These are told nothing that is kept here.
            Component::K3s | Component::Helm | Component::CertManager | Component::LocalHosts => {}
        }
    }
}

impl fmt::Debug for LocalFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalFacts(withheld)")
    }
}
