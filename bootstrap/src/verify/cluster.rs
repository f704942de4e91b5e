//! The cluster as a whole: its own pods, its default class, claims, and the volumes of Longhorn.

use schema::Component;
use serde_json::Value;

use super::report::VerifiedCheck;
use crate::component::Probe;
use crate::host::ProbeError;
use crate::step::{Condition, STORAGE_CLASSES, default_classes, text};

/// Pods of the system, the default class, and the claims.
pub(super) fn check(probe: &Probe<'_>) -> Vec<VerifiedCheck> {
    // One question is enough for a server that does not answer.
    if let Err(error) = probe.path("/version") {
        return vec![VerifiedCheck::new(Component::K3s, "the API server answers").unknown(error.to_string())];
    }
    let system = Condition::PodsReady("kube-system".to_owned());
    let pods = VerifiedCheck::observed(Component::K3s, &system, probe.host);
    vec![pods, default_class(probe), claims(probe)]
}

/// A claim without a class gets the default one: with none it waits for ever, and with several anything may be.
fn default_class(probe: &Probe<'_>) -> VerifiedCheck {
    let check = VerifiedCheck::new(Component::K3s, "exactly one storage class is the default");
    check.judged(probe.path(STORAGE_CLASSES), |check, list| {
        match default_classes(&list.unwrap_or_default()).as_slice() {
            [only] => check.ok(only.clone()),
            [] => check.failed("there is none").help("k3s kubectl get storageclass"),
            several => check.failed(several.join(", ")).help("k3s kubectl get storageclass"),
        }
    })
}

/// A claim waits without harm where its class waits for a pod that uses it.
fn claims(probe: &Probe<'_>) -> VerifiedCheck {
    let check = VerifiedCheck::new(Component::K3s, "all claims are bound");
    let found = items(probe, "/api/v1/persistentvolumeclaims")
        .and_then(|claims| Ok((claims, items(probe, STORAGE_CLASSES)?)));
    check.judged(found, |check, (claims, classes)| {
        let waits = |claim: &Value| {
            let class = text(claim, "/spec/storageClassName").unwrap_or_default();
            let by_class = classes.iter().find(|found| text(found, "/metadata/name") == Some(class));
            let is_used =
                claim.pointer("/metadata/annotations/volume.kubernetes.io~1selected-node").is_some();
            text(claim, "/status/phase") == Some("Pending")
                && !is_used
                && by_class.and_then(|class| text(class, "/volumeBindingMode"))
                    == Some("WaitForFirstConsumer")
        };
        let is_bad = |claim: &&Value| text(claim, "/status/phase") != Some("Bound") && !waits(claim);
        let bad: Vec<String> =
            claims.iter().filter(is_bad).map(|claim| state(claim, "/status/phase")).collect();
        if bad.is_empty() {
            return check.ok(claims.len().to_string());
        }
        check.failed(bad.join(", ")).help("k3s kubectl get persistentvolumeclaims --all-namespaces")
    })
}

/// Longhorn knows nothing of the health of a volume that no pod uses; that is no fault.
pub(super) fn volumes(probe: &Probe<'_>) -> VerifiedCheck {
    const PATH: &str = "/apis/longhorn.io/v1beta2/namespaces/longhorn-system/volumes";
    let check = VerifiedCheck::new(Component::Longhorn, "all volumes are healthy");
    check.judged(items(probe, PATH), |check, volumes| {
        let is_bad = |volume: &&Value| {
            let is_detached = text(volume, "/status/state") == Some("detached");
            !matches!(
                (text(volume, "/status/robustness"), is_detached),
                (Some("healthy"), _) | (Some("unknown"), true)
            )
        };
        let bad: Vec<String> =
            volumes.iter().filter(is_bad).map(|volume| state(volume, "/status/robustness")).collect();
        if bad.is_empty() {
            return check.ok(volumes.len().to_string());
        }
        check.failed(bad.join(", ")).help("k3s kubectl -n longhorn-system get volumes.longhorn.io")
    })
}

/// An object and a word of its status.
fn state(object: &Value, pointer: &str) -> String {
    let word = text(object, pointer).unwrap_or("of unknown state");
    let name = text(object, "/metadata/name").unwrap_or("?");
    let namespace = text(object, "/metadata/namespace").map_or_else(String::new, |name| format!("{name}/"));
    format!("{namespace}{name} is {word}")
}

/// The items of a list; none where there is no such kind.
pub(super) fn items(probe: &Probe<'_>, path: &str) -> Result<Vec<Value>, ProbeError> {
    match probe.path(path)?.as_mut().and_then(|list| list.get_mut("items")).map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(ProbeError::Malformed { expected: "with a list" }),
        None => Ok(Vec::new()),
    }
}
