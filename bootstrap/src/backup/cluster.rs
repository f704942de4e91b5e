//! Objects of the cluster, a file for each kind.

use serde_json::{Map, Value, json};

use super::contents::{Backup, BackupFile, SecretsInBackup};
use crate::component::has_cluster;
use crate::host::{Host, ProbeError};
use crate::step::Kube;

/// A kind of object, by where its list is.
struct Resource {
    api_version: String,
    kind: String,
    plural: String,
}

/// Kinds of Kubernetes itself that people and charts make. What a controller makes from these, such as pods, comes back by
/// itself.
const KINDS: [(&str, &str, &str); 23] = [
    ("v1", "Namespace", "namespaces"),
    ("v1", "ConfigMap", "configmaps"),
    ("v1", "Secret", "secrets"),
    ("v1", "Service", "services"),
    ("v1", "ServiceAccount", "serviceaccounts"),
    ("v1", "PersistentVolume", "persistentvolumes"),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "StatefulSet", "statefulsets"),
    ("apps/v1", "DaemonSet", "daemonsets"),
    ("batch/v1", "CronJob", "cronjobs"),
    ("batch/v1", "Job", "jobs"),
    ("networking.k8s.io/v1", "Ingress", "ingresses"),
    ("networking.k8s.io/v1", "IngressClass", "ingressclasses"),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings"),
    ("rbac.authorization.k8s.io/v1", "Role", "roles"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
    ("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses"),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses"),
    ("apiextensions.k8s.io/v1", DEFINITION, "customresourcedefinitions"),
];

const DEFINITION: &str = "CustomResourceDefinition";

/// Custom kinds with such a name hold what the name says; Rancher has several.
const SECRET_WORDS: [&str; 4] = ["secret", "token", "credential", "kubeconfig"];

/// Fields that the API server gives an object, and refuses or ignores from others.
const OF_SERVER: [&str; 6] =
    ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"];

pub(super) fn collect(host: &Host, secrets: SecretsInBackup, backup: &mut Backup) {
    if !has_cluster(host) {
        return;
    }
    let kube = Kube(host);
    for (api_version, kind, plural) in KINDS {
        let resource = Resource { api_version: api_version.into(), kind: kind.into(), plural: plural.into() };
        match resource.read(kube, secrets, backup) {
            Ok(items) if kind == DEFINITION => {
                for custom in items.iter().filter_map(Resource::of_definition) {
                    if let Err(error) = custom.read(kube, secrets, backup) {
                        backup.problems.push(format!("{}: {error}", custom.plural));
                    }
                }
            }
            Ok(_) => {}
            Err(error) => backup.problems.push(format!("{plural}: {error}")),
        }
    }
}

impl Resource {
    /// The kind that a definition defines, in the version in which it is stored.
    fn of_definition(definition: &Value) -> Option<Self> {
        let spec = &definition["spec"];
        let stored = spec["versions"].as_array()?.iter().find(|version| version["storage"] == true)?;
        Some(Self {
            api_version: format!("{}/{}", spec["group"].as_str()?, stored["name"].as_str()?),
            kind: spec["names"]["kind"].as_str()?.to_owned(),
            plural: spec["names"]["plural"].as_str()?.to_owned(),
        })
    }

    /// Adds the objects to the backup, and returns them as they were.
    fn read(
        &self,
        kube: Kube<'_>,
        secrets: SecretsInBackup,
        backup: &mut Backup,
    ) -> Result<Vec<Value>, ProbeError> {
        let (group, _) = self.api_version.split_once('/').unwrap_or(("core", ""));
        if secrets == SecretsInBackup::Excluded && self.is_secret() {
            backup.excluded.push(format!("objects: {}.{group}", self.plural));
            return Ok(Vec::new());
        }
        let api = if self.api_version.contains('/') { "apis" } else { "api" };
        let items = kube.items(&format!("/{api}/{}/{}", self.api_version, self.plural))?;
        let kept: Vec<Value> =
            items.iter().filter(|item| !is_made(item)).map(|item| self.plain(item)).collect();
        if !kept.is_empty() {
            let list = json!({ "apiVersion": "v1", "kind": "List", "items": kept });
            // Our documents have string keys and no serializer that fails.
            let bytes = serde_json::to_vec_pretty(&list).unwrap_or_default();
            backup.files.push(BackupFile {
                path: format!("cluster/{}.{group}.json", self.plural),
                bytes,
                mode: None,
            });
        }
        Ok(items)
    }

    fn is_secret(&self) -> bool {
        let kind = self.kind.to_ascii_lowercase();
        SECRET_WORDS.iter().any(|word| kind.contains(word))
    }

    /// The object without what only the API server says; items of a list do not name their kind.
    fn plain(&self, item: &Value) -> Value {
        let mut plain = Map::from_iter([
            ("apiVersion".to_owned(), json!(self.api_version)),
            ("kind".to_owned(), json!(self.kind)),
        ]);
        for (name, value) in item.as_object().into_iter().flatten() {
            if !["apiVersion", "kind", "status"].contains(&name.as_str()) {
                plain.insert(name.clone(), value.clone());
            }
        }
        if let Some(metadata) = plain.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|name, _| !OF_SERVER.contains(&name.as_str()));
        }
        Value::Object(plain)
    }
}

/// Whether a controller made the object from another one.
fn is_made(item: &Value) -> bool {
    let owners = item["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|owners| owners.iter().any(|owner| owner["controller"] == true))
}
