//! What a running cluster holds that a run would collide with.

use schema::Component;
use serde_json::Value;

use super::Finding;
use crate::host::Host;
use crate::recipe::{Cluster, Detection, Probe, components, detect, namespace};
use crate::settings::Settings;
use crate::step::{Found, STORAGE_CLASSES};

/// Nothing is said of a cluster that is not there or does not answer: detection says that.
pub fn check(host: &Host, settings: &Settings) -> Vec<Finding> {
    let probe = Probe::new(host, settings);
    let all: Vec<Component> = components(settings.mode)
        .iter()
        .copied()
        .filter(|component| !settings.skipped.contains(component))
        .collect();
    if !all.iter().any(|component| namespace(*component).is_some()) || *probe.cluster() != Cluster::Here {
        return Vec::new();
    }
    let mut findings: Vec<Finding> =
        all.iter().filter_map(|component| foreign_workloads(*component, &probe)).collect();
    let hosts =
        [(Component::Rancher, &settings.rancher.host), (Component::Registry, &settings.registry.host)];
    let served = hosts.into_iter().filter(|(component, _)| all.contains(component));
    findings.extend(served.filter_map(|(component, host)| foreign_ingress(component, host, &probe)));
    if all.contains(&Component::Registry) {
        findings.extend(storage_class(settings, &probe));
    }
    findings
}

/// A component that is missing, in a namespace where something works already.
fn foreign_workloads(component: Component, probe: &Probe<'_>) -> Option<Finding> {
    const KINDS: [&str; 3] = ["deployments", "statefulsets", "daemonsets"];
    let namespace = namespace(component)?;
    let any = KINDS
        .iter()
        .any(|kind| !items(&probe.path(&format!("/apis/apps/v1/namespaces/{namespace}/{kind}"))).is_empty());
    (any && detect(component, probe) == Detection::Missing).then(|| {
        let message = format!("namespace {namespace} holds workloads that are not of {component}");
        Finding::warning("namespace", format!("{message}; look at `k3s kubectl -n {namespace} get all`"))
    })
}

/// Somebody else's ingress for a host name that a component is to be served under.
fn foreign_ingress(component: Component, host: &str, probe: &Probe<'_>) -> Option<Finding> {
    let found = probe.path("/apis/networking.k8s.io/v1/ingresses");
    let text = |item: &Value, pointer| item.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let taken = items(&found).iter().find_map(|item| {
        let owner =
            text(item, "/metadata/namespace").filter(|owner| Some(owner.as_str()) != namespace(component))?;
        let rules = item.pointer("/spec/rules").and_then(Value::as_array)?;
        let serves = rules.iter().any(|rule| rule.get("host").and_then(Value::as_str) == Some(host));
        serves.then_some((owner, text(item, "/metadata/name")?))
    });
    taken.map(|(owner, name)| {
        Finding::warning(
            "ingress",
            format!("ingress {owner}/{name} serves the host name of {component} already"),
        )
    })
}

/// A volume that asks for a class that nobody provides waits for ever.
fn storage_class(settings: &Settings, probe: &Probe<'_>) -> Option<Finding> {
    let wanted = settings.registry.storage_class.as_deref()?;
    let made_by_us = wanted.starts_with("longhorn") && !settings.skipped.contains(&Component::Longhorn);
    let found = probe.path(STORAGE_CLASSES);
    let exists = items(&found)
        .iter()
        .any(|item| item.pointer("/metadata/name").and_then(Value::as_str) == Some(wanted));
    (matches!(found, Found::Object(_)) && !exists && !made_by_us).then(|| {
        Finding::warning(
            "storage_class",
            "registry.storage_class names a class that the cluster does not have",
        )
    })
}

fn items(found: &Found) -> &[Value] {
    match found {
        Found::Object(list) => list.get("items").and_then(Value::as_array).map_or(&[], Vec::as_slice),
        Found::NotFound | Found::Unknown(_) => &[],
    }
}
