//! Longhorn block storage.

use std::path::Path;

use manifest::{StepRecord, Undo};
use schema::{Component, Mode, PlannedAction};
use serde_json::{Value, json};

use super::chart::Chart;
use super::probe::has_cluster;
use super::{
    ChecksumInput, ComponentPlan, Dependent, Detection, Finding, Gap, Identity, Pin, PlanContext, Probe,
    RollbackClass, Spec, artifacts,
};
use crate::host::{Host, ProbeError};
use crate::settings;
use crate::step::{
    Action, Check, Condition, Document, Kube, ObjectRef, STORAGE_CLASSES, Step, UndoAction, default_classes,
    text,
};

const CHART: Chart = Chart {
    name: "longhorn",
    namespace: "longhorn-system",
    repository: "https://charts.longhorn.io",
    deployment: "longhorn-driver-deployer",
};

/// The setting of Longhorn that must say `true` before its release is removed.
const DELETION_FLAG: &str = "deleting-confirmation-flag";

/// What Longhorn attaches volumes with.
const PACKAGE: &str = "open-iscsi";
const SERVICE: &str = "iscsid";

const STORAGE_API: &str = "storage.k8s.io/v1";

/// The storage class for volumes with one copy.
const SINGLE: &str = "longhorn-single";

pub(super) struct LonghornSpec;

impl Spec for LonghornSpec {
    fn id(&self) -> Component {
        Component::Longhorn
    }

    fn title(&self) -> &'static str {
        "Longhorn block storage"
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::Stack, Mode::SingleNode]
    }

    fn pin(&self) -> Option<Pin> {
        Some(Pin::release("v1.11.1", "Version of the Longhorn chart"))
    }

    fn checksums(&self) -> &'static [ChecksumInput] {
        &[ChecksumInput { artifact: "longhorn", help: "sha256 of the Longhorn chart" }]
    }

    fn namespace(&self) -> Option<&'static str> {
        Some(CHART.namespace)
    }

    fn programs(&self) -> &'static [&'static str] {
        &["apt-get"]
    }

    fn could_make(&self, undo: &Undo) -> bool {
        match undo {
            Undo::Package { name } => name == PACKAGE,
            Undo::Service { name } => name == SERVICE,
            Undo::Directory { path } => path.to_str().is_some_and(settings::is_data_path),
            Undo::HelmRelease { release, namespace, .. } => CHART.is_of(release, namespace),
            Undo::Object { .. } => {
                ObjectRef::cluster_wide(STORAGE_API, "StorageClass", SINGLE).is_made_by(undo)
            }
            Undo::DefaultStorageClass { to, .. } => [SINGLE, CHART.name].contains(&to.as_str()),
            _ => false,
        }
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Moderate
    }

    fn preflight(&self, probe: &Probe<'_>) -> Vec<Finding> {
        vec![data_path(probe.host, &probe.settings.longhorn.data_path)]
    }

    /// Longhorn refuses its own removal until a setting of its own says that it is meant.
    fn undo(&self, record: &StepRecord, _: &Host) -> Result<Option<Vec<Step>>, ProbeError> {
        let Undo::HelmRelease { release, namespace, .. } = &record.undo else { return Ok(None) };
        let (namespace, release) = (namespace.clone(), release.clone());
        let setting = ObjectRef::namespaced("longhorn.io/v1beta2", "Setting", &namespace, DELETION_FLAG);
        let uninstall = UndoAction::UninstallRelease { namespace, release, confirmation: Some(setting) };
        Ok(Some(vec![Step::new("longhorn release", Action::Undo(uninstall))]))
    }

    /// The volumes that Longhorn holds. Removing Longhorn would destroy what is on them.
    fn dependents(&self, record: &StepRecord, host: &Host) -> Result<Vec<Dependent>, ProbeError> {
        if !matches!(record.undo, Undo::HelmRelease { .. }) || !has_cluster(host) {
            return Ok(Vec::new());
        }
        let all = Kube(host).items("/api/v1/persistentvolumes")?;
        let held = |volume: &&Value| text(volume, "/spec/csi/driver") == Some("driver.longhorn.io");
        let claimed = |volume: &Value| {
            let mut dependent = Dependent::of_object(volume);
            let claim = text(volume, "/spec/claimRef/uid").map(|uid| Identity::Uid(uid.to_owned()));
            dependent.with.extend(claim);
            dependent
        };
        Ok(all.iter().filter(held).map(claimed).collect())
    }

    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        match CHART.detect(probe)? {
            Detection::Present => storage(probe),
            other => Ok(other),
        }
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
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
}

/// Whether the storage classes are as the settings want them, given that the chart is there.
fn storage(probe: &Probe<'_>) -> Result<Detection, ProbeError> {
    let classes = probe.path(STORAGE_CLASSES)?.unwrap_or_default();
    let wanted = class(&probe.settings.longhorn);
    let defaults = default_classes(&classes);
    Ok(if !names(&classes).contains(&wanted) {
        Detection::Incomplete(Gap::StorageClass(wanted))
    } else if probe.settings.longhorn.make_default && defaults != [wanted] {
        Detection::Incomplete(Gap::DefaultClass(wanted))
    } else {
        Detection::Present
    })
}

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let longhorn = &context.settings.longhorn;
    let replicas = longhorn.replica_count.get();
    let version = LonghornSpec.version(context.settings);
    let chart = artifacts::chart(context, CHART.repository, CHART.name, version, "longhorn");
    let mut steps = vec![
        Step::new("iSCSI initiator", Action::EnsurePackages(vec![PACKAGE.to_owned()])),
        Step::new("iSCSI service", Action::EnsureService(SERVICE.to_owned())),
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
        "apiVersion": STORAGE_API,
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
fn class(longhorn: &settings::Longhorn) -> &'static str {
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

/// Volumes on the root file system fill the disk that the system itself needs.
fn data_path(host: &Host, path: &Path) -> Finding {
    const CHECK: &str = "longhorn_data";
    let shown = path.display();
    match host.read_text(Path::new("/proc/self/mountinfo")) {
        Ok(Some(mounts)) if is_mount_point(&mounts, path) => {
            Finding::pass(CHECK, format!("{shown} is a mount point"))
        }
        Ok(_) => Finding::warning(
            CHECK,
            format!("{shown} is not a mount point; volumes will fill the disk it is on"),
        ),
        Err(error) => {
            Finding::warning(CHECK, format!("cannot tell whether {shown} is a mount point: {error}"))
        }
    }
}

/// The fifth field of a line is the mount point, see `proc_pid_mountinfo(5)`.
fn is_mount_point(mounts: &str, path: &Path) -> bool {
    mounts.lines().filter_map(|line| line.split(' ').nth(4)).any(|point| Path::new(point) == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_whole_paths() {
        let mounts = "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 23 8:2 / /data rw - ext4 /dev/sdb1 rw\n";
        assert!(is_mount_point(mounts, Path::new("/data")));
        assert!(is_mount_point(mounts, Path::new("/data/")));
        assert!(!is_mount_point(mounts, Path::new("/data/longhorn")));
        assert!(!is_mount_point(mounts, Path::new("/dat")));
    }
}
