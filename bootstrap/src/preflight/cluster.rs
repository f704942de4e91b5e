//! What a running cluster holds that a run would collide with.

use serde_json::Value;

use crate::component::{Cluster, Detection, Finding, Probe, Spec, detect, selected};
use crate::host::ProbeError;

/// Nothing is said of a cluster that is not there or does not answer: detection says that.
pub(super) fn check(probe: &Probe<'_>) -> Vec<Finding> {
    let all: Vec<&dyn Spec> = selected(probe.settings).collect();
    if !all.iter().any(|spec| spec.namespace().is_some()) || *probe.cluster() != Cluster::Here {
        return Vec::new();
    }
    let workloads = all.iter().filter_map(|spec| foreign_workloads(*spec, probe));
    let ingresses = all.iter().filter_map(|spec| foreign_ingress(*spec, probe));
    workloads.chain(ingresses).collect()
}

/// A component that is missing, in a namespace where something works already.
fn foreign_workloads(spec: &dyn Spec, probe: &Probe<'_>) -> Option<Finding> {
    const KINDS: [&str; 3] = ["deployments", "statefulsets", "daemonsets"];
    let (component, namespace) = (spec.id(), spec.namespace()?);
    let any = KINDS
        .iter()
        .any(|kind| !items(&probe.path(&format!("/apis/apps/v1/namespaces/{namespace}/{kind}"))).is_empty());
    // A component that is there owns the namespace. Only one that is missing would move in with somebody.
    (any && detect(component, probe) == Detection::Missing).then(|| {
        let message = format!("namespace {namespace} holds workloads that are not of {component}");
        Finding::warning("namespace", message).help(format!("k3s kubectl -n {namespace} get all"))
    })
}

/// Somebody else's ingress for a host name that a component is to be served under.
fn foreign_ingress(spec: &dyn Spec, probe: &Probe<'_>) -> Option<Finding> {
    let (component, host) = (spec.id(), spec.host_name(probe.settings)?);
    let found = probe.path("/apis/networking.k8s.io/v1/ingresses");
    let text = |item: &Value, pointer| item.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let taken = items(&found).iter().find_map(|item| {
        // The ingress of the component itself stands in its own namespace and is no collision.
        let owner =
            text(item, "/metadata/namespace").filter(|owner| Some(owner.as_str()) != spec.namespace())?;
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

fn items(found: &Result<Option<Value>, ProbeError>) -> &[Value] {
    match found {
        Ok(Some(list)) => list.get("items").and_then(Value::as_array).map_or(&[], Vec::as_slice),
        Ok(None) | Err(_) => &[],
    }
}
