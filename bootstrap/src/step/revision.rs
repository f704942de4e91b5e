//! What helm keeps of its releases in the cluster.

use std::time::Duration;

use serde_json::Value;

/// One revision of a release. Helm keeps a secret for each; its labels tell all that is needed, so the secret itself is
/// not looked into, and the host needs no helm for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Name of the secret.
    pub secret: String,
    /// Its number, from 1.
    pub number: u64,
    /// Such as `deployed`, `failed`, `pending-install`, `superseded`.
    pub state: String,
    /// When helm last touched it, since 1970.
    pub modified: Option<Duration>,
}

impl Revision {
    /// Where the API server lists the revisions of a release.
    pub fn path(namespace: &str, release: &str) -> String {
        format!("/api/v1/namespaces/{namespace}/secrets?labelSelector=owner%3Dhelm%2Cname%3D{release}")
    }

    /// The revisions in such a list, the oldest first.
    pub fn all(list: &Value) -> Vec<Self> {
        let items = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut all: Vec<Self> = items.iter().filter_map(Self::of).collect();
        all.sort_by_key(|revision| revision.number);
        all
    }

    fn of(secret: &Value) -> Option<Self> {
        let label = |name| secret.pointer("/metadata/labels")?.get(name)?.as_str();
        Some(Self {
            secret: secret.pointer("/metadata/name")?.as_str()?.to_owned(),
            number: label("version")?.parse().ok()?,
            state: label("status")?.to_owned(),
            modified: label("modifiedAt").and_then(|at| at.parse().ok()).map(Duration::from_secs),
        })
    }
}
