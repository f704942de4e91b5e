//! How the registry is served: an ingress, and a limit of Traefik that lets a layer through.
//!
//! Since its third version Traefik ends a request whose body has not arrived within a minute. The limit belongs to the
//! entry point and not to a route, so it is raised in the chart that k3s installs Traefik with. There is one such
//! configuration in a cluster: somebody else's is kept.

use serde_json::{Value, json};

use super::super::{Finding, Probe};
use super::names::{CERTIFICATE, INGRESS_API, NAME, metadata};
use crate::step::{Action, Check, Condition, Document, ObjectRef, Step, text};

/// The annotation by which cert-manager knows the issuer.
pub(super) const ISSUER: &str = "cert-manager.io/cluster-issuer";

const CONFIG_API: &str = "helm.cattle.io/v1";
const CONFIG_KIND: &str = "HelmChartConfig";
/// Name of Traefik's chart, its configuration and its deployment.
const TRAEFIK: &str = "traefik";
const TRAEFIK_NAMESPACE: &str = "kube-system";
/// The values that raise the limit. An hour is enough for a layer of ten gigabytes at three megabytes a second.
const VALUES: &str =
    "ports:\n  websecure:\n    transport:\n      respondingTimeouts:\n        readTimeout: 3600s\n";
/// The argument that Traefik gets from them.
const ARGUMENT: &str = "--entryPoints.websecure.transport.respondingTimeouts.readTimeout=";

/// The configuration of Traefik's chart.
pub(super) fn config() -> ObjectRef {
    ObjectRef::namespaced(CONFIG_API, CONFIG_KIND, TRAEFIK_NAMESPACE, TRAEFIK)
}

/// That Traefik runs with a limit that was set.
fn limit_raised() -> Condition {
    Condition::Argument {
        namespace: TRAEFIK_NAMESPACE.to_owned(),
        deployment: TRAEFIK.to_owned(),
        prefix: ARGUMENT.to_owned(),
    }
}

/// The steps that raise the limit.
pub(super) fn limit() -> [Step; 2] {
    let config = json!({
        "apiVersion": CONFIG_API,
        "kind": CONFIG_KIND,
        "metadata": { "name": TRAEFIK, "namespace": TRAEFIK_NAMESPACE },
        "spec": { "valuesContent": VALUES },
    });
    [
        Step::new("upload timeout of Traefik", Action::Offer(Document::new(config))),
        Step::new("Traefik uses the timeout", Action::Wait(Check::within(300, limit_raised()))),
    ]
}

/// Somebody else's configuration of Traefik that leaves the limit as it is.
pub(super) fn foreign_limit(probe: &Probe<'_>) -> Option<Finding> {
    let found = probe.object(&config()).ok().flatten()?;
    let raises = text(&found, "/spec/valuesContent").is_some_and(|values| values.contains("readTimeout"));
    if raises {
        return None;
    }
    let evidence = "HelmChartConfig kube-system/traefik is somebody else's and does not raise readTimeout: Traefik ends \
                    each push that takes longer than 60 s";
    let lines = VALUES.trim_end().replace('\n', "\n  ");
    let fix = format!("add to its spec.valuesContent:\n  {lines}");
    Some(Finding::failure("traefik", evidence).help(fix))
}

/// Whether the ingress that is there serves the registry under `host` as ours does: the API server takes its rules and its
/// certificates as one part each, and gives none of another installer to us.
pub(super) fn is_served_as_by_us(found: &Value, host: &str) -> bool {
    let ours = object(host, "");
    ["/spec/rules", "/spec/tls"].into_iter().all(|part| found.pointer(part) == ours.pointer(part))
}

/// The ingress.
pub(super) fn object(host: &str, issuer: &str) -> Value {
    let mut metadata = metadata(NAME);
    metadata["annotations"] = json!({ ISSUER: issuer });
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
