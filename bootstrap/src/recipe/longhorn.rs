//! Longhorn block storage.

use schema::PlannedAction;
use serde_json::{Value, json};

use super::chart::Chart;
use super::{ComponentPlan, Detection, PlanContext, Probe, artifacts};
use crate::settings::Longhorn;
use crate::step::{Action, Check, Condition, Document, Found, STORAGE_CLASSES, Step, default_classes};

pub(super) const CHART: Chart = Chart {
    name: "longhorn",
    namespace: "longhorn-system",
    repository: "https://charts.longhorn.io",
    deployment: "longhorn-driver-deployer",
};

/// The storage class for volumes with one copy.
const SINGLE: &str = "longhorn-single";

pub(super) fn detect(probe: &Probe<'_>) -> Detection {
    match CHART.detect(probe) {
        Detection::Present => storage(probe),
        other => other,
    }
}

/// Whether the storage classes are as the settings want them, given that the chart is there.
fn storage(probe: &Probe<'_>) -> Detection {
    let classes = match probe.path(STORAGE_CLASSES) {
        Found::Object(list) => list,
        Found::NotFound => Value::Null,
        Found::Unknown(reason) => return Detection::Unknown(reason),
    };
    let wanted = class(&probe.settings.longhorn);
    let defaults = default_classes(&classes);
    if !names(&classes).contains(&wanted) {
        Detection::Incomplete(format!("storage class {wanted} is missing"))
    } else if probe.settings.longhorn.make_default && defaults != [wanted] {
        Detection::Incomplete(format!("storage class {wanted} is not the default"))
    } else {
        Detection::Present
    }
}

pub(super) fn plan(detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
    let (namespace, release) = (CHART.namespace.to_owned(), CHART.name.to_owned());
    let mut verify = Vec::new();
    // One that was installed without helm has no release to look at.
    if *detection != Detection::Present {
        verify.push(Check::within(60, Condition::HelmDeployed { namespace: namespace.clone(), release }));
    }
    verify.push(Check::within(600, Condition::PodsReady(namespace)));
    let mut plan = ComponentPlan::for_state(detection, || steps(context), verify);
    if plan.action != PlannedAction::Reuse && context.settings.longhorn.make_default {
        let class = class(&context.settings.longhorn).to_owned();
        plan.steps.push(Step::new("default storage class", Action::MakeDefaultClass(class)));
    }
    plan
}

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let longhorn = &context.settings.longhorn;
    let replicas = longhorn.replica_count.get();
    let (version, pinned) =
        (&context.settings.versions.longhorn, context.settings.checksums.longhorn.as_ref());
    let chart = artifacts::chart(context, CHART.repository, CHART.name, version, pinned);
    let mut steps = vec![
        Step::new("iSCSI initiator", Action::EnsurePackages(vec!["open-iscsi".to_owned()])),
        Step::new("iSCSI service", Action::EnsureService("iscsid".to_owned())),
        Step::new("data folder", Action::EnsureDir { path: longhorn.data_path.clone(), mode: 0o755 }),
    ];
    steps.extend(CHART.steps(context, chart, values(context)));
    if single(replicas) {
        steps.push(Step::new("storage class with one copy", Action::Apply(storage_class())));
    }
    steps
}

fn values(context: &PlanContext<'_>) -> Document {
    let longhorn = &context.settings.longhorn;
    let replicas = longhorn.replica_count.get();
    let mut values = json!({
        "defaultSettings": {
            "defaultDataPath": longhorn.data_path.to_string_lossy(),
            "defaultReplicaCount": replicas,
            "storageMinimalAvailablePercentage": longhorn.minimal_available_percentage.get(),
        },
        // The chart would make its class the default and forget which one was; the run does that itself.
        "persistence": { "defaultClass": false, "defaultClassReplicaCount": replicas },
    });
    if single(replicas) {
        let one = json!({ "attacherReplicaCount": 1, "provisionerReplicaCount": 1,
            "resizerReplicaCount": 1, "snapshotterReplicaCount": 1 });
        values["csi"] = one;
        values["longhornUI"] = json!({ "replicas": 1 });
    }
    Document::new(values)
}

fn storage_class() -> Document {
    Document::new(json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": { "name": SINGLE },
        "provisioner": "driver.longhorn.io",
        "allowVolumeExpansion": true,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "parameters": { "numberOfReplicas": "1", "staleReplicaTimeout": "30", "fsType": "ext4" },
    }))
}

/// The storage class that the run is about.
fn class(longhorn: &Longhorn) -> &'static str {
    if single(longhorn.replica_count.get()) { SINGLE } else { CHART.name }
}

fn names(list: &Value) -> Vec<&str> {
    let items = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| item.pointer("/metadata/name").and_then(Value::as_str)).collect()
}

/// With one copy of each volume, one node is enough.
fn single(replicas: u32) -> bool {
    replicas == 1
}
