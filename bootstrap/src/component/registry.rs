//! The image registry in the cluster.

use schema::{Component, Mode};
use serde_json::{Value, json};

use super::{ComponentPlan, Detection, Finding, Pin, PlanContext, Probe, RollbackClass, Spec};
use crate::settings::{self, RegistryAuth, Settings};
use crate::step::{
    Action, Check, Condition, Document, Found, ObjectRef, STORAGE_CLASSES, SecretSource, Step,
};

const NAMESPACE: &str = "registry";
const NAME: &str = "registry";
const VOLUME: &str = "registry-data";
const LOGINS: &str = "registry-htpasswd";
/// The secret that cert-manager keeps the registry's certificate in.
const CERTIFICATE: &str = "registry-tls";

pub(super) struct Registry;

impl Spec for Registry {
    fn id(&self) -> Component {
        Component::Registry
    }

    fn title(&self) -> &'static str {
        "The image registry"
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::Stack, Mode::SingleNode]
    }

    fn pin(&self) -> Option<Pin> {
        Some(Pin::image("registry:2.8.3", "Image of the registry"))
    }

    fn namespace(&self) -> Option<&'static str> {
        Some(NAMESPACE)
    }

    fn host_name<'a>(&self, settings: &'a Settings) -> Option<&'a str> {
        Some(&settings.registry.host)
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Moderate
    }

    fn preflight(&self, probe: &Probe<'_>) -> Vec<Finding> {
        storage_class(probe).into_iter().collect()
    }

    fn detect(&self, probe: &Probe<'_>) -> Detection {
        let mut objects = vec![
            ObjectRef::namespaced("v1", "PersistentVolumeClaim", NAMESPACE, VOLUME),
            ObjectRef::namespaced("apps/v1", "Deployment", NAMESPACE, NAME),
            ObjectRef::namespaced("v1", "Service", NAMESPACE, NAME),
            ObjectRef::namespaced("networking.k8s.io/v1", "Ingress", NAMESPACE, NAME),
        ];
        if probe.settings.registry.auth.is_some() {
            objects.push(ObjectRef::namespaced("v1", "Secret", NAMESPACE, LOGINS));
        }
        probe.objects(&objects)
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let (namespace, deployments) = (NAMESPACE.to_owned(), vec![NAME.to_owned()]);
        let verify = vec![Check::within(300, Condition::Rollout { namespace, deployments })];
        ComponentPlan::for_state(detection, || steps(context), verify)
    }
}

/// The secret that holds the certificate that the registry is served with.
pub(super) fn certificate_secret() -> ObjectRef {
    ObjectRef::namespaced("v1", "Secret", NAMESPACE, CERTIFICATE)
}

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let registry = &context.settings.registry;
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    let mut objects = vec![("registry namespace", Document::new(namespace))];
    objects.push(("registry volume", Document::new(volume(registry))));
    objects.extend(registry.auth.as_ref().map(|auth| ("registry logins", logins(auth))));
    let image = Registry.version(context.settings);
    objects.push(("registry deployment", Document::new(deployment(image, registry.auth.is_some()))));
    objects.push(("registry service", Document::new(service())));
    let issuer = context.settings.tls.issuer().as_str();
    objects.push(("registry ingress", Document::new(ingress(&registry.host, issuer))));
    objects.into_iter().map(|(title, object)| Step::new(title, Action::Apply(object))).collect()
}

fn metadata(name: &str) -> Value {
    json!({ "name": name, "namespace": NAMESPACE, "labels": { "app.kubernetes.io/name": NAME } })
}

fn volume(registry: &settings::Registry) -> Value {
    let mut spec = json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": { "requests": { "storage": format!("{}Gi", registry.pvc_size_gib.get()) } },
    });
    if let Some(class) = &registry.storage_class {
        spec["storageClassName"] = json!(class);
    }
    json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata(VOLUME), "spec": spec })
}

fn logins(auth: &RegistryAuth) -> Document {
    let source = SecretSource::Htpasswd { user: auth.user.clone(), password: auth.password.clone() };
    let object = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata(LOGINS), "type": "Opaque",
        "stringData": {} });
    Document::new(object).secret("/stringData/htpasswd", source)
}

fn deployment(image: &str, with_logins: bool) -> Value {
    let labels = json!({ "app.kubernetes.io/name": NAME });
    let mut env = vec![json!({ "name": "REGISTRY_STORAGE_DELETE_ENABLED", "value": "true" })];
    let mut mounts = vec![json!({ "name": "data", "mountPath": "/var/lib/registry" })];
    let mut volumes = vec![json!({ "name": "data", "persistentVolumeClaim": { "claimName": VOLUME } })];
    if with_logins {
        env.push(json!({ "name": "REGISTRY_AUTH", "value": "htpasswd" }));
        env.push(json!({ "name": "REGISTRY_AUTH_HTPASSWD_REALM", "value": "registry" }));
        env.push(json!({ "name": "REGISTRY_AUTH_HTPASSWD_PATH", "value": "/auth/htpasswd" }));
        mounts.push(json!({ "name": "logins", "mountPath": "/auth", "readOnly": true }));
        volumes.push(json!({ "name": "logins", "secret": { "secretName": LOGINS } }));
    }
    let probe = json!({ "httpGet": { "path": "/", "port": "http" } });
    let container = json!({
        "name": NAME,
        "image": image,
        "ports": [{ "name": "http", "containerPort": 5000, "protocol": "TCP" }],
        "env": env,
        "volumeMounts": mounts,
        "readinessProbe": probe,
        "livenessProbe": probe,
    });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(NAME),
        "spec": {
            "replicas": 1,
            // Two pods cannot hold the volume at once.
            "strategy": { "type": "Recreate" },
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [container], "volumes": volumes },
            },
        },
    })
}

fn service() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(NAME),
        "spec": {
            "selector": { "app.kubernetes.io/name": NAME },
            "ports": [{ "name": "http", "port": 5000, "protocol": "TCP", "targetPort": "http" }],
        },
    })
}

fn ingress(host: &str, issuer: &str) -> Value {
    let mut metadata = metadata(NAME);
    metadata["annotations"] = json!({ "cert-manager.io/cluster-issuer": issuer });
    let backend = json!({ "service": { "name": NAME, "port": { "name": "http" } } });
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": {
            "ingressClassName": "traefik",
            "tls": [{ "hosts": [host], "secretName": CERTIFICATE }],
            "rules": [{
                "host": host,
                "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend }] },
            }],
        },
    })
}

/// A volume that asks for a class that nobody provides waits for ever.
fn storage_class(probe: &Probe<'_>) -> Option<Finding> {
    let settings = probe.settings;
    let wanted = settings.registry.storage_class.as_deref()?;
    let made_by_us = wanted.starts_with("longhorn") && !settings.skipped.contains(&Component::Longhorn);
    let found = probe.path(STORAGE_CLASSES);
    let items = match &found {
        Found::Object(list) => list.get("items").and_then(Value::as_array),
        Found::NotFound | Found::Unknown(_) => None,
    };
    let exists = items
        .into_iter()
        .flatten()
        .any(|item| item.pointer("/metadata/name").and_then(Value::as_str) == Some(wanted));
    (matches!(found, Found::Object(_)) && !exists && !made_by_us).then(|| {
        Finding::warning(
            "storage_class",
            "registry.storage_class names a class that the cluster does not have",
        )
    })
}
