//! What must be so before a component counts as done.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::document::Document;
use super::kube::{KUBECONFIG, ObjectRef};
use crate::host::Command;

/// Something that must be so within a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What must be so.
    pub condition: Condition,
    /// How long it may take.
    pub timeout: Duration,
}

/// Something that can be seen from outside. Readiness is read from objects, and nothing is never ready.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "condition", content = "of", rename_all = "snake_case")]
pub enum Condition {
    /// The service runs and has said, where the type of its unit asks for it, that it is ready.
    ServiceRunning {
        /// Its name.
        service: String,
        /// The server that it joins, if it is an agent: where it does not come up, it is tried whether that can be reached.
        server_url: Option<String>,
    },
    /// The node of this very host works; what that takes is said in the module `node`.
    ThisNode {
        /// The service of k3s that it runs in.
        service: String,
        /// The server that it joins, if it is an agent.
        server_url: Option<String>,
    },
    /// The program says that it is of this version.
    ReportsVersion {
        /// The program, which takes `--version`.
        program: PathBuf,
        /// The version.
        version: String,
    },
    /// The namespace has all these deployments, each with all its replicas available.
    Rollout {
        /// The namespace.
        namespace: String,
        /// Names of the deployments.
        deployments: Vec<String>,
    },
    /// The daemon set runs on every node that it is for, and it is for at least one.
    DaemonSet {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The cluster has a storage class of this name.
    StorageClass(String),
    /// The storage class is the default one, and no other is.
    DefaultClass(String),
    /// The deployment is rolled out, and its program is given an argument that begins like this, in whatever case.
    Argument {
        /// Its namespace.
        namespace: String,
        /// Its name.
        deployment: String,
        /// How the argument begins.
        prefix: String,
    },
    /// The namespace has pods, and all are ready or have done their work.
    PodsReady(String),
    /// The service has at least one address behind it.
    Endpoints {
        /// Its namespace.
        namespace: String,
        /// Its name.
        service: String,
    },
    /// The object has the condition `Ready`.
    Ready(ObjectRef),
    /// The API server and every webhook on the way would accept this object. Nothing is created.
    Accepted(
        #[serde(serialize_with = "as_object")]
        #[schemars(with = "serde_json::Value")]
        Document,
    ),
    /// The secret holds a certificate.
    CertificateIn(ObjectRef),
    /// The file holds the very certificate that the secret holds.
    CertificateInstalled {
        /// The file.
        path: PathBuf,
        /// The secret.
        secret: ObjectRef,
    },
    /// `~/.kube/k3s.yaml` of the user who called holds the credentials of the cluster, for that user alone.
    KubeconfigCopied,
    /// The last revision of the release is deployed.
    HelmDeployed {
        /// Its namespace.
        namespace: String,
        /// Its name.
        release: String,
    },
    /// The kernel exports the directory to the network.
    Exported {
        /// The directory.
        path: PathBuf,
        /// The network.
        network: String,
    },
    /// The kernel does not export the directory to the network.
    NotExported {
        /// The directory.
        path: PathBuf,
        /// The network.
        network: String,
    },
    /// All these names have an address on this host.
    Resolves(Vec<String>),
    /// The command ends with code 0.
    Succeeds(
        #[serde(serialize_with = "as_argv")]
        #[schemars(with = "Vec<String>")]
        Command,
    ),
}

fn as_object<S: Serializer>(object: &Document, serializer: S) -> Result<S::Ok, S::Error> {
    object.masked().serialize(serializer)
}

fn as_argv<S: Serializer>(command: &Command, serializer: S) -> Result<S::Ok, S::Error> {
    command.argv().serialize(serializer)
}

impl Check {
    /// A condition with the seconds that it may take.
    pub fn within(seconds: u64, condition: Condition) -> Self {
        Self { condition, timeout: Duration::from_secs(seconds) }
    }
}

impl Condition {
    /// The command with which the operator can see why it is not so.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::ServiceRunning { service, .. } | Self::ThisNode { service, .. } => {
                format!("journalctl -u {service}")
            }
            Self::Rollout { namespace, .. }
            | Self::DaemonSet { namespace, .. }
            | Self::PodsReady(namespace)
            | Self::Endpoints { namespace, .. } => {
                format!("k3s kubectl -n {namespace} describe pods")
            }
            Self::Ready(object) | Self::CertificateIn(object) => {
                let namespace =
                    object.namespace.as_ref().map_or_else(String::new, |name| format!(" -n {name}"));
                format!("k3s kubectl{namespace} describe {} {}", object.kind.to_lowercase(), object.name)
            }
            Self::HelmDeployed { namespace, release } => {
                format!("helm -n {namespace} --kubeconfig {KUBECONFIG} status {release}")
            }
            Self::Exported { .. } | Self::NotExported { .. } => "exportfs -v".to_owned(),
            Self::StorageClass(_) | Self::DefaultClass(_) => "k3s kubectl get storageclass".to_owned(),
            Self::Argument { namespace, deployment, .. } => {
                format!("k3s kubectl -n {namespace} get deployment {deployment} -o yaml")
            }
            Self::Accepted(_) => "k3s kubectl get validatingwebhookconfigurations -o yaml".to_owned(),
            Self::ReportsVersion { .. }
            | Self::CertificateInstalled { .. }
            | Self::KubeconfigCopied
            | Self::Resolves(_)
            | Self::Succeeds(_) => return None,
        })
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)?;
        // What is looked at once is not waited for.
        if self.timeout.is_zero() { Ok(()) } else { write!(f, " (within {} s)", self.timeout.as_secs()) }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceRunning { service, .. } => write!(f, "service {service} is running"),
            Self::ThisNode { .. } => {
                f.write_str("the node of this host is Ready, renews its lease, and its kubelet is healthy")
            }
            Self::ReportsVersion { program, version } => {
                write!(f, "{} --version says {version}", program.display())
            }
            Self::Rollout { namespace, deployments } => {
                write!(f, "all replicas of {} in {namespace} are available", deployments.join(", "))
            }
            Self::DaemonSet { namespace, name } => {
                write!(f, "daemon set {namespace}/{name} is ready on every node")
            }
            Self::StorageClass(name) => write!(f, "storage class {name} exists"),
            Self::DefaultClass(name) => write!(f, "storage class {name} is the default and no other is"),
            Self::Argument { namespace, deployment, prefix } => {
                write!(f, "deployment {namespace}/{deployment} runs with {prefix}...")
            }
            Self::PodsReady(namespace) => write!(f, "{namespace} has pods and all are Ready"),
            Self::Endpoints { namespace, service } => {
                write!(f, "service {namespace}/{service} has endpoints")
            }
            Self::Ready(object) => write!(f, "{object} is Ready"),
            Self::Accepted(object) => {
                let object = object.reference().map_or_else(String::new, |object| object.to_string());
                write!(f, "the API server accepts {object} (server-side dry run)")
            }
            Self::CertificateIn(secret) => write!(f, "{secret} holds a certificate"),
            Self::CertificateInstalled { path, secret } => {
                write!(f, "{} equals the certificate in {secret}", path.display())
            }
            Self::KubeconfigCopied => f.write_str("~/.kube/k3s.yaml holds the credentials of the cluster"),
            Self::HelmDeployed { namespace, release } => {
                write!(f, "helm release {namespace}/{release} is deployed")
            }
            Self::Exported { path, network } => write!(f, "{} is exported to {network}", path.display()),
            Self::NotExported { path, network } => {
                write!(f, "{} is not exported to {network}", path.display())
            }
            Self::Resolves(names) => {
                write!(f, "{} resolve, and not to this host's loopback", names.join(", "))
            }
            Self::Succeeds(command) => write!(f, "{command} succeeds"),
        }
    }
}
