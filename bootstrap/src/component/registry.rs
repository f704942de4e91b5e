//! The image registry in the cluster.

mod conflict;
mod ingress;
mod names;
mod nodes;
mod volume;

use manifest::{StepRecord, Undo};
use schema::{Component, Mode};
use serde_json::{Value, json};

use super::issued::{Issued, is_owned_by};
use super::{
    ComponentPlan, Detection, Finding, Gap, HttpsEndpoint, Pin, PlanContext, Probe, RollbackClass, Spec,
    artifacts, image,
};
use crate::host::{Host, ProbeError};
use crate::settings::{RegistryAuth, Settings};
use crate::step::{
    Action, Check, Condition, Document, ObjectRef, RegistryPush, STORAGE_CLASSES, SecretSource, Step,
    UndoAction, Unmet,
};

/// Title of the step after which only k3s is to be told of the registry.
const PUSH: &str = "push of more than one minute";

pub(super) use names::certificate_secret;
use names::{INGRESS_API, LOGINS, NAME, NAMESPACE, labels, metadata};

pub(super) struct RegistrySpec;

impl Spec for RegistrySpec {
    fn id(&self) -> Component {
        Component::Registry
    }

    fn title(&self) -> &'static str {
        "The image registry"
    }

    fn makes(&self, settings: &Settings) -> Vec<String> {
        let registry = &settings.registry;
        let login = if registry.auth.is_some() { "login" } else { "no login" };
        let size = format!("{} GiB", registry.pvc_size_gib.get());
        vec![format!("https://{}", registry.host), size, login.to_owned()]
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

    fn programs(&self) -> &'static [&'static str] {
        &["curl"]
    }

    fn requires(&self) -> &'static [Component] {
        &[Component::CertManager, Component::Clusterissuer]
    }

    fn could_make(&self, undo: &Undo) -> bool {
        let namespace = ObjectRef::cluster_wide("v1", "Namespace", NAMESPACE);
        let logins = ObjectRef::namespaced("v1", "Secret", NAMESPACE, LOGINS);
        parts().iter().chain([&namespace, &logins, &ingress::config()]).any(|object| object.is_made_by(undo))
            || nodes::could_make(undo)
            || artifacts::could_make_images(Component::Registry, undo)
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
        let limit = ingress::foreign_limit(probe).filter(|_| self.detect(probe) != Ok(Detection::Present));
        let registries = [nodes::unreadable(probe), nodes::readable_by_others(probe)];
        [storage_class(probe), limit].into_iter().chain(registries).flatten().collect()
    }

    /// With the ingress go the secrets of the certificates that cert-manager issued for it. cert-manager leaves them, so
    /// that an ingress can be made anew without asking for another certificate.
    fn undo(&self, record: &StepRecord, host: &Host) -> Result<Option<Vec<Step>>, ProbeError> {
        let Undo::Object { object_kind, name, uid: Some(uid), .. } = &record.undo else { return Ok(None) };
        if object_kind != "Ingress" {
            return Ok(None);
        }
        let ingress = ObjectRef::namespaced(INGRESS_API, object_kind, NAMESPACE, name);
        let issued = Issued::since(record, host, NAMESPACE, |found| is_owned_by(found, uid))?;
        let delete = UndoAction::DeleteObject { object: ingress, uid: uid.clone() };
        let mut steps = vec![Step::new("registry ingress", Action::Undo(delete))];
        steps.extend(issued.into_iter().flat_map(Issued::removal));
        Ok(Some(steps))
    }

    fn deletes(&self, record: &StepRecord) -> Option<String> {
        let Undo::Object { object_kind, name, .. } = &record.undo else { return None };
        (object_kind == "PersistentVolumeClaim")
            .then(|| format!("every image in the registry: all data of the volume claim {NAMESPACE}/{name}"))
    }

    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        if let Some(conflict) = conflict::find(probe)? {
            return Ok(Detection::Conflict(conflict));
        }
        let found = state(probe)?;
        let conflict = match &found {
            Detection::Incomplete(gap) => conflict::of_completion(gap, probe)?,
            _ => None,
        };
        Ok(conflict.map_or(found, Detection::Conflict))
    }

    fn ignored(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        volume::ignored(probe)
    }

    fn installed_version(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        image::of_deployment(probe, NAMESPACE, NAME)
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let (namespace, deployments) = (NAMESPACE.to_owned(), vec![NAME.to_owned()]);
        let verify = vec![Check::within(300, Condition::Rollout { namespace, deployments })];
        let steps = || match detection {
            Detection::Missing => steps(context, true),
            Detection::Incomplete(Gap::Objects(missing)) => {
                steps(context, missing.contains(&volume::claim()))
            }
            Detection::Incomplete(Gap::NoLogin) => steps(context, false),
            // The registry itself is there, and nothing of it is applied anew.
            _ => publish(context),
        };
        ComponentPlan::for_state(detection, steps, verify)
    }
}

/// What is there, given that nothing of it rules the run out.
fn state(probe: &Probe<'_>) -> Result<Detection, ProbeError> {
    let with_login = probe.settings.registry.auth.is_some();
    let mut objects = parts().to_vec();
    if with_login {
        objects.push(ObjectRef::namespaced("v1", "Secret", NAMESPACE, LOGINS));
    }
    Ok(match probe.objects(&objects)? {
        // A secret with logins is of no use by itself: the deployment has to ask for one.
        Detection::Present if with_login && !conflict::is_login_required(probe)? => {
            Detection::Incomplete(Gap::NoLogin)
        }
        Detection::Present => unpublished(probe)?.map_or(Detection::Present, Detection::Incomplete),
        found => found,
    })
}

/// What the objects lack to be usable. That k3s trusts the registry tells nothing of the rest: its entry outlives the
/// objects, which the operator can remove so that a run makes them anew. Whether a push goes through is known from the run
/// that tried. The limit of Traefik is not looked at afterwards: it is the operator's, and may be set in other places.
fn unpublished(probe: &Probe<'_>) -> Result<Option<Gap>, ProbeError> {
    if !nodes::is_trusted(probe)? {
        return Ok(Some(Gap::NodesTrust));
    }
    if probe.history().is_unfinished(Component::Registry, &[PUSH, nodes::AUTHORITY_STEP, nodes::ENTRY_STEP]) {
        return Ok(Some(Gap::Unfinished));
    }
    match (Condition::CertificateIn(certificate_secret())).observe(probe.host) {
        Err(Unmet::Probe(error)) => Err(error),
        looked => Ok(looked.err().map(|unmet| Gap::NotVerified(unmet.to_string()))),
    }
}

/// The objects that every registry has.
fn parts() -> [ObjectRef; 4] {
    [
        volume::claim(),
        ObjectRef::namespaced("apps/v1", "Deployment", NAMESPACE, NAME),
        ObjectRef::namespaced("v1", "Service", NAMESPACE, NAME),
        ObjectRef::namespaced(INGRESS_API, "Ingress", NAMESPACE, NAME),
    ]
}

/// A claim that is there is kept: the API server refuses one of another size or class.
fn steps(context: &PlanContext<'_>, with_claim: bool) -> Vec<Step> {
    let registry = &context.settings.registry;
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    let mut objects = vec![("registry namespace", Document::new(namespace))];
    objects.extend(with_claim.then(|| ("registry volume", Document::new(volume::object(registry)))));
    objects.extend(registry.auth.as_ref().map(|auth| ("registry logins", logins(auth))));
    let version = RegistrySpec.version(context.settings);
    objects.push(("registry deployment", Document::new(deployment(version, registry.auth.is_some()))));
    objects.push(("registry service", Document::new(service())));
    let issuer = context.settings.tls.issuer().as_str();
    objects.push(("registry ingress", Document::new(ingress::object(&registry.host, issuer))));
    let mut steps =
        artifacts::image_steps(context, Component::Registry, image::tag(version).unwrap_or(version));
    steps.extend(objects.into_iter().map(|(title, object)| Step::new(title, Action::Apply(object))));
    steps.extend(publish(context));
    steps
}

/// What makes the objects usable. Trust comes last: k3s is told of no login with which nothing can be pushed.
fn publish(context: &PlanContext<'_>) -> Vec<Step> {
    let certified = Condition::CertificateIn(certificate_secret());
    let mut steps = ingress::limit().to_vec();
    steps.push(Step::new("certificate of the registry", Action::Wait(Check::within(180, certified))));
    steps.push(Step::new(PUSH, Action::Push(push(context))));
    steps.extend(nodes::trust(context.settings));
    steps
}

fn push(context: &PlanContext<'_>) -> RegistryPush {
    let registry = &context.settings.registry;
    RegistryPush {
        host: registry.host.clone(),
        certificate: certificate_secret(),
        login: registry.auth.as_ref().map(nodes::login),
        staging: context.staging.to_owned(),
    }
}

fn logins(auth: &RegistryAuth) -> Document {
    let source = SecretSource::Htpasswd { user: auth.user.clone(), password: auth.password.clone() };
    let object = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata(LOGINS), "type": "Opaque",
        "stringData": {} });
    Document::new(object).secret("/stringData/htpasswd", source)
}

fn deployment(image: &str, with_logins: bool) -> Value {
    let labels = labels();
    let mut env = vec![json!({ "name": "REGISTRY_STORAGE_DELETE_ENABLED", "value": "true" })];
    let mut mounts = vec![json!({ "name": "data", "mountPath": "/var/lib/registry" })];
    let mut volumes = vec![json!({ "name": "data", "persistentVolumeClaim": { "claimName": volume::NAME } })];
    if with_logins {
        env.push(json!({ "name": conflict::LOGIN, "value": "htpasswd" }));
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
            "selector": labels(),
            "ports": [{ "name": "http", "port": 5000, "protocol": "TCP", "targetPort": "http" }],
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
