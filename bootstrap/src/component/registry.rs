//! The image registry in the cluster.

use manifest::{StepRecord, Undo};
use schema::{Component, Mode, UtcSeconds};
use serde_json::{Value, json};

use super::{ComponentPlan, Detection, Finding, HttpsEndpoint, Pin, PlanContext, Probe, RollbackClass, Spec};
use crate::host::{Host, ProbeError};
use crate::settings::{self, RegistryAuth, Settings};
use crate::step::{
    Action, Check, Condition, Document, Kube, ObjectRef, STORAGE_CLASSES, SecretSource, Step, UndoAction,
    text,
};

const NAMESPACE: &str = "registry";
const INGRESS_API: &str = "networking.k8s.io/v1";
const NAME: &str = "registry";
const VOLUME: &str = "registry-data";
const LOGINS: &str = "registry-htpasswd";
/// The secret that cert-manager keeps the registry's certificate in.
const CERTIFICATE: &str = "registry-tls";

pub(super) struct RegistrySpec;

impl Spec for RegistrySpec {
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

    fn could_make(&self, undo: &Undo) -> bool {
        let namespace = ObjectRef::cluster_wide("v1", "Namespace", NAMESPACE);
        let logins = ObjectRef::namespaced("v1", "Secret", NAMESPACE, LOGINS);
        parts().iter().chain([&namespace, &logins]).any(|object| object.is_made_by(undo))
    }

    /// The base of the distribution protocol; with a login it answers 401 to who has none.
    fn endpoint<'a>(&self, settings: &'a Settings) -> Option<HttpsEndpoint<'a>> {
        let certificate = certificate_secret();
        Some(HttpsEndpoint { host: &settings.registry.host, path: "/v2/", answers: &[200, 401], certificate })
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Moderate
    }

    fn preflight(&self, probe: &Probe<'_>) -> Vec<Finding> {
        storage_class(probe).into_iter().collect()
    }

    /// With the ingress go the secrets of the certificates that cert-manager issued for it. cert-manager leaves them, so
    /// that an ingress can be made anew without asking for another certificate.
    fn undo(&self, record: &StepRecord, host: &Host) -> Result<Option<Vec<Step>>, ProbeError> {
        let Undo::Object { object_kind, name, uid: Some(uid), .. } = &record.undo else { return Ok(None) };
        if object_kind != "Ingress" {
            return Ok(None);
        }
        let undo = |title: &str, action| Step::new(title, Action::Undo(action));
        let ingress = ObjectRef::namespaced(INGRESS_API, object_kind, NAMESPACE, name);
        let issued = issued_certificates(record, host, uid)?;
        let delete = |object, uid| UndoAction::DeleteObject { object, uid };
        let mut steps = vec![undo("registry ingress", delete(ingress, uid.clone()))];
        for Issued { certificate, certificate_uid, secret, secret_uid } in issued {
            // Before its certificate is gone, cert-manager would make the secret anew.
            let gone = UndoAction::AwaitAbsent { object: certificate, uid: certificate_uid };
            steps.push(undo("certificate is gone", gone));
            steps.push(undo("secret of the certificate", delete(secret, secret_uid)));
        }
        Ok(Some(steps))
    }

    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        let mut objects = parts().to_vec();
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

/// The objects that every registry has.
fn parts() -> [ObjectRef; 4] {
    [
        ObjectRef::namespaced("v1", "PersistentVolumeClaim", NAMESPACE, VOLUME),
        ObjectRef::namespaced("apps/v1", "Deployment", NAMESPACE, NAME),
        ObjectRef::namespaced("v1", "Service", NAMESPACE, NAME),
        ObjectRef::namespaced(INGRESS_API, "Ingress", NAMESPACE, NAME),
    ]
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
    let image = RegistrySpec.version(context.settings);
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
        "apiVersion": INGRESS_API,
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
    // Without an answer nothing is said: that the cluster does not answer is told by detection.
    let found = probe.path(STORAGE_CLASSES).ok().flatten()?;
    let items = found.get("items").and_then(Value::as_array).into_iter().flatten();
    let mut names = items.filter_map(|item| item.pointer("/metadata/name").and_then(Value::as_str));
    (!names.any(|name| name == wanted) && !made_by_us).then(|| {
        Finding::warning(
            "storage_class",
            "registry.storage_class names a class that the cluster does not have",
        )
    })
}

/// A certificate and the secret that it is kept in.
struct Issued {
    certificate: ObjectRef,
    certificate_uid: String,
    secret: ObjectRef,
    secret_uid: String,
}

/// The certificates that cert-manager issued for an ingress of the run. A secret that is older than the step was made by
/// somebody else, and cert-manager took it over; one that names another certificate is somebody else's too.
fn issued_certificates(record: &StepRecord, host: &Host, ingress: &str) -> Result<Vec<Issued>, ProbeError> {
    const API: &str = "cert-manager.io/v1";
    let mut issued = Vec::new();
    for certificate in Kube(host).items(&format!("/apis/{API}/namespaces/{NAMESPACE}/certificates"))? {
        let word = |pointer| text(&certificate, pointer);
        let (Some(name), Some(certificate_uid), Some(secret)) =
            (word("/metadata/name"), word("/metadata/uid"), word("/spec/secretName"))
        else {
            continue;
        };
        if !is_owned_by(&certificate, ingress) {
            continue;
        }
        let secret = ObjectRef::namespaced("v1", "Secret", NAMESPACE, secret);
        let Some(found) = Kube(host).get(&secret)? else { continue };
        let made = text(&found, "/metadata/creationTimestamp").and_then(|at| UtcSeconds::parse(at).ok());
        let of = text(&found, "/metadata/annotations/cert-manager.io~1certificate-name");
        let secret_uid =
            text(&found, "/metadata/uid").filter(|_| of == Some(name) && made >= Some(record.at));
        if let Some(secret_uid) = secret_uid.map(str::to_owned) {
            let (certificate, certificate_uid) =
                (ObjectRef::namespaced(API, "Certificate", NAMESPACE, name), certificate_uid.to_owned());
            issued.push(Issued { certificate, certificate_uid, secret, secret_uid });
        }
    }
    Ok(issued)
}

fn is_owned_by(object: &Value, uid: &str) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.is_some_and(|owners| owners.iter().any(|owner| text(owner, "/uid") == Some(uid)))
}
