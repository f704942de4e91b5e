//! What can be wrong with the node of this host.

use crate::host::ProbeError;

/// What speaks against the node of this host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeFault {
    /// The server has given the kubelet no certificate yet.
    #[error("this host has not joined a cluster: its kubelet has no certificate")]
    NotJoined,
    /// The certificate names no node.
    #[error("the certificate of its kubelet names no node")]
    Nameless,
    /// The cluster does not have the node.
    #[error("node {0} is not registered")]
    Absent(String),
    /// The node is not Ready.
    #[error("node {name} is not Ready{}", reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}")))]
    NotReady {
        /// Its name.
        name: String,
        /// What it says itself.
        reason: Option<String>,
    },
    /// What the API server has of the node is from before the service started.
    #[error("node {0} has not reported its state since the service started")]
    ReportStale(String),
    /// Nobody has seen the node since the service started.
    #[error("node {0} has not renewed its lease since the service started")]
    LeaseStale(String),
    /// The kubelet does not say that it is well.
    #[error("the kubelet of this host is not healthy: {0}")]
    Kubelet(ProbeError),
    /// The node is that of another host.
    #[error("node {name} is another host: its {what} is not that of this one")]
    OtherHost {
        /// Its name.
        name: String,
        /// What differs.
        what: &'static str,
    },
}
