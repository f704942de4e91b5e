//! Why a condition does not hold: facts here, and each becomes a sentence in one place.

use std::path::PathBuf;

use super::kube::ObjectRef;
use super::node_fault::NodeFault;
use crate::host::{CommandError, FileError, ProbeError, ServiceStatus};

/// Why a condition does not hold, as far as can be seen. Nothing decides by it but whether it holds; the operator reads it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// It could not be found out.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The service does not run.
    #[error("service {name} is {state}")]
    Service {
        /// Its name.
        name: String,
        /// The state, as systemd calls it.
        state: String,
    },
    /// The node of this host does not work.
    #[error(transparent)]
    Node(#[from] NodeFault),
    /// The program is of another version.
    #[error("{} is {found}, not {wanted}", program.display())]
    OtherVersion {
        /// The program.
        program: PathBuf,
        /// The version that it says.
        found: String,
        /// The version that it should be.
        wanted: String,
    },
    /// The deployment has not brought up all its replicas.
    #[error("deployment {namespace}/{name}: {available} of {wanted} replicas available")]
    Deployment {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Replicas that serve.
        available: u64,
        /// Replicas that should.
        wanted: u64,
    },
    /// The daemon set does not run on every node that it is for.
    #[error("daemon set {namespace}/{name}: ready on {ready} of {wanted} nodes")]
    DaemonSet {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Nodes on which it is ready.
        ready: u64,
        /// Nodes that it is for.
        wanted: u64,
    },
    /// The storage class does not exist.
    #[error("storage class {0} does not exist")]
    StorageClassAbsent(String),
    /// Other storage classes are marked as the default than the one that should be.
    #[error("default storage classes: {}", if .0.is_empty() { "none".to_owned() } else { .0.join(", ") })]
    DefaultClasses(Vec<String>),
    /// The program of a deployment runs without the argument.
    #[error("deployment {namespace}/{deployment} runs without {prefix}...")]
    NoArgument {
        /// Its namespace.
        namespace: String,
        /// Its name.
        deployment: String,
        /// How the argument begins.
        prefix: String,
    },
    /// No node can be told to be that of this host, or it has not said its address.
    #[error("the address of this host's node is not known yet")]
    NodeAddress,
    /// Pods are missing or not ready.
    #[error("{ready} of {total} pods Ready")]
    Pods {
        /// Pods that are ready or have done their work.
        ready: usize,
        /// Pods that there are.
        total: usize,
    },
    /// Nothing is behind the service.
    #[error("service {namespace}/{service} has no endpoints")]
    Endpoints {
        /// Its namespace.
        namespace: String,
        /// Its name.
        service: String,
    },
    /// A condition of an object is not `True`.
    #[error("condition {name} is {}", status.as_deref().unwrap_or("not reported yet"))]
    ObjectCondition {
        /// Name of the condition.
        name: &'static str,
        /// Its status, if it is reported at all.
        status: Option<String>,
    },
    /// The API server, or a webhook, refuses the object.
    #[error("{object} is refused: {said}")]
    Refused {
        /// The object.
        object: String,
        /// The last line of what kubectl wrote, masked.
        said: String,
    },
    /// The object does not exist.
    #[error("{0} does not exist")]
    ObjectAbsent(ObjectRef),
    /// The secret holds no certificate.
    #[error("the secret holds no certificate yet")]
    NoCertificate,
    /// What the secret holds is no text in base64.
    #[error("the secret's certificate is not base64 text")]
    CertificateMalformed,
    /// The file holds another certificate than the secret.
    #[error("{} holds another certificate", .0.display())]
    OtherCertificate(PathBuf),
    /// The file does not exist.
    #[error("{} does not exist", .0.display())]
    FileAbsent(PathBuf),
    /// The caller's copy of the credentials is not that of now, or is not the caller's alone.
    #[error("{} is no private copy of /etc/rancher/k3s/k3s.yaml", .0.display())]
    NoKubeconfigCopy(PathBuf),
    /// The release is in another state than `deployed`.
    #[error("helm release {namespace}/{release} is {state}")]
    Release {
        /// Its namespace.
        namespace: String,
        /// Its name.
        release: String,
        /// Its state, as helm calls it.
        state: String,
    },
    /// The kernel does not export the directory.
    #[error("exportfs does not list the export")]
    NotExported,
    /// The kernel goes on exporting what was taken out of the exports.
    #[error("exportfs still lists the export")]
    StillExported,
    /// The name has no address.
    #[error("{name} does not resolve")]
    Unresolved {
        /// The name.
        name: String,
    },
    /// The name has an address of the loopback, which programs treat in a way of their own.
    #[error("{name} resolves to {address}, which no other host can use")]
    Loopback {
        /// The name.
        name: String,
        /// Its address.
        address: String,
    },
}

impl Unmet {
    /// Whether it stays so however long is waited.
    pub(super) const fn is_final(&self) -> bool {
        matches!(self, Self::OtherVersion { .. })
    }

    /// The service `name` does not run, as `status` says.
    pub(super) fn service(name: &str, status: Option<&ServiceStatus>) -> Self {
        let state = status.map_or_else(|| "not installed".to_owned(), ServiceStatus::words);
        Self::Service { name: name.to_owned(), state }
    }
}

impl From<CommandError> for Unmet {
    fn from(error: CommandError) -> Self {
        Self::Probe(error.into())
    }
}

impl From<FileError> for Unmet {
    fn from(error: FileError) -> Self {
        Self::Probe(error.into())
    }
}

/// For who wants to compare with something and finds it not ready: that is no answer either.
impl From<Unmet> for ProbeError {
    fn from(unmet: Unmet) -> Self {
        match unmet {
            Unmet::Probe(error) => error,
            unmet => Self::NothingToCompare { what: unmet.to_string() },
        }
    }
}
