//! Longhorn block storage.

mod default_class;
mod former;
mod node;
mod volumes;

use std::path::Path;

use manifest::{PreviousFile, StepRecord, Undo};
use schema::{Component, Mode, PlannedAction};
use serde_json::{Value, json};

use super::chart::Chart;
use super::probe::has_cluster;
use super::{
    ChecksumInput, ComponentPlan, Dependent, Detection, Finding, Gap, Pin, PlanContext, Probe, RollbackClass,
    Spec, artifacts,
};
use crate::host::{Host, ProbeError};
use crate::settings::{self, Settings};
use crate::step::{
    Action, Check, Condition, Document, ObjectRef, STORAGE_CLASSES, Step, UndoAction, default_classes,
};

const CHART: Chart = Chart {
    name: "longhorn",
    namespace: "longhorn-system",
    repository: "https://charts.longhorn.io",
    deployment: "longhorn-driver-deployer",
};

/// What runs on each node: the manager, and the plugin that the manager brings about.
const DAEMON_SETS: [&str; 2] = ["longhorn-manager", "longhorn-csi-plugin"];

/// The setting of Longhorn that must say `true` before its release is removed.
const DELETION_FLAG: &str = "deleting-confirmation-flag";

/// What Longhorn attaches volumes with.
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

    fn makes(&self, settings: &Settings) -> Vec<String> {
        if settings.mode == Mode::Agent {
            return vec!["iSCSI and NFS client of this node".to_owned()];
        }
        let longhorn = &settings.longhorn;
        let default = longhorn.make_default.then(|| "default storage class".to_owned());
        let replicas = match longhorn.replica_count.get() {
            1 => "single-replica".to_owned(),
            count => format!("{count} replicas"),
        };
        let made = [longhorn.data_path.display().to_string(), replicas];
        made.into_iter().chain(default).collect()
    }

    /// An agent has no chart to install, but Longhorn runs on it as well.
    fn modes(&self) -> &'static [Mode] {
        &[Mode::Agent, Mode::Stack, Mode::SingleNode]
    }

    fn pin(&self) -> Option<Pin> {
        // kubeVersion of the chart: >=1.25.0-0.
        Some(Pin::release("v1.11.3", "Version of the Longhorn chart").for_kubernetes(25, u32::MAX))
    }

    fn checksums(&self) -> &'static [ChecksumInput] {
        &[ChecksumInput { artifact: "longhorn", help: "SHA-256 of the Longhorn chart" }]
    }

    fn namespace(&self) -> Option<&'static str> {
        Some(CHART.namespace)
    }

    fn programs(&self) -> &'static [&'static str] {
        &["apt-get"]
    }

    fn could_make(&self, undo: &Undo) -> bool {
        match undo {
            Undo::Package { name } => node::PACKAGES.contains(&name.as_str()),
            Undo::Service { name } => name == node::SERVICE,
            Undo::Directory { path } if path.to_str().is_some_and(settings::is_data_path) => true,
            Undo::File { path, previous: PreviousFile::Absent, .. }
                if path == Path::new(default_class::SKIP) =>
            {
                true
            }
            Undo::HelmRelease { release, namespace, .. } => CHART.is_of(release, namespace),
            Undo::Object { .. } => {
                ObjectRef::cluster_wide(STORAGE_API, "StorageClass", SINGLE).is_made_by(undo)
            }
            Undo::DefaultStorageClass { to, .. } => [SINGLE, CHART.name].contains(&to.as_str()),
            undo => artifacts::could_make_images(Component::Longhorn, undo),
        }
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Moderate
    }

    fn wanted(&self, settings: &Settings) -> bool {
        settings.mode != Mode::Agent || settings.longhorn.node
    }

    fn preflight(&self, probe: &Probe<'_>) -> Vec<Finding> {
        let data = data_path(probe.host, &probe.settings.longhorn.data_path);
        std::iter::once(data).chain(node::multipath(probe.host)).collect()
    }

    /// Longhorn refuses its own removal until a setting of its own says that it is meant.
    fn undo(&self, record: &StepRecord, _: &Host) -> Result<Option<Vec<Step>>, ProbeError> {
        let Undo::HelmRelease { release, namespace, .. } = &record.undo else { return Ok(None) };
        let (namespace, release) = (namespace.clone(), release.clone());
        let setting = ObjectRef::namespaced("longhorn.io/v1beta2", "Setting", &namespace, DELETION_FLAG);
        let uninstall = UndoAction::UninstallRelease { namespace, release, confirmation: Some(setting) };
        Ok(Some(vec![Step::new("longhorn release", Action::Undo(uninstall))]))
    }

    /// The volumes that Longhorn holds. Removing Longhorn destroys what is on them, also where nothing claims them.
    fn dependents(&self, record: &StepRecord, host: &Host) -> Result<Vec<Dependent>, ProbeError> {
        if !matches!(record.undo, Undo::HelmRelease { .. }) || !has_cluster(host) {
            return Ok(Vec::new());
        }
        volumes::held(host, CHART.namespace)
    }

    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        if probe.settings.mode == Mode::Agent {
            return node::detect(probe.host);
        }
        match CHART.detect(probe)? {
            Detection::Present => storage(probe),
            other => Ok(other),
        }
    }

    fn ignored(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        if probe.settings.mode == Mode::Agent {
            Ok(None)
        } else {
            former::kept_settings(probe, CHART.namespace)
        }
    }

    fn installed_version(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        CHART.installed_version(probe)
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let longhorn = &context.settings.longhorn;
        if context.settings.mode == Mode::Agent {
            return ComponentPlan::for_state(detection, || node::steps().to_vec(), vec![node::runs()]);
        }
        let mut plan = ComponentPlan::for_state(detection, || steps(context), verify(detection, longhorn));
        if plan.action != PlannedAction::Reuse && longhorn.make_default {
            plan.steps.extend(default_class::steps(class(longhorn)));
        }
        plan
    }
}

/// What must be so: the chart, and what Longhorn itself makes after helm has stopped waiting.
fn verify(detection: &Detection, longhorn: &settings::Longhorn) -> Vec<Check> {
    let (namespace, release) = (CHART.namespace.to_owned(), CHART.name.to_owned());
    let mut verify = Vec::new();
    // One that was installed without helm has no release to look at.
    if *detection != Detection::Present {
        verify.push(Check::within(60, Condition::HelmDeployed { namespace: namespace.clone(), release }));
    }
    let deployments = vec![CHART.deployment.to_owned()];
    verify.push(Check::within(600, Condition::Rollout { namespace: namespace.clone(), deployments }));
    for name in DAEMON_SETS.map(str::to_owned) {
        verify.push(Check::within(600, Condition::DaemonSet { namespace: namespace.clone(), name }));
    }
    verify.push(Check::within(300, Condition::StorageClass(class(longhorn).to_owned())));
    verify.push(Check::within(600, Condition::PodsReady(namespace)));
    if longhorn.make_default {
        verify.push(Check::within(60, Condition::DefaultClass(class(longhorn).to_owned())));
    }
    verify
}

/// Whether the storage classes are as the settings want them, given that the chart is there.
fn storage(probe: &Probe<'_>) -> Result<Detection, ProbeError> {
    let classes = probe.path(STORAGE_CLASSES)?.unwrap_or_default();
    let wanted = class(&probe.settings.longhorn);
    if wanted == CHART.name
        && let Some(conflict) =
            former::other_copies(probe, &classes, &CHART, LonghornSpec.version(probe.settings))?
    {
        return Ok(Detection::Conflict(conflict));
    }
    let defaults = default_classes(&classes);
    Ok(if !names(&classes).contains(&wanted) {
        Detection::Incomplete(Gap::StorageClass(wanted))
    } else if probe.settings.longhorn.make_default && defaults != [wanted] {
        Detection::Incomplete(Gap::DefaultClass(wanted))
    } else if probe.settings.longhorn.make_default && default_class::is_undone_at_start(probe, &classes)? {
        Detection::Incomplete(Gap::DefaultClassUndone)
    } else {
        Detection::Present
    })
}

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let longhorn = &context.settings.longhorn;
    let replicas = longhorn.replica_count.get();
    let version = LonghornSpec.version(context.settings);
    let chart = artifacts::chart(context, CHART.repository, CHART.name, version, "longhorn");
    let mut steps = node::steps().to_vec();
    steps.push(Step::new(
        "data directory",
        Action::EnsureDir { path: longhorn.data_path.clone(), mode: 0o755 },
    ));
    steps.extend(artifacts::image_steps(context, Component::Longhorn, version));
    steps.extend(CHART.steps(context, chart, values(context)));
    if single(replicas) {
        steps.push(Step::new("single-replica storage class", Action::Apply(storage_class())));
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
    // Longhorn marks a disk that it uses with a file: the decision was made by an earlier run.
    if host.is_there(path.join("longhorn-disk.cfg")) {
        return Finding::pass(CHECK, format!("Longhorn has its volumes in {shown}"));
    }
    match host.read_text(Path::new("/proc/self/mountinfo")) {
        Ok(Some(mounts)) if is_mount_point(&mounts, path) => {
            Finding::pass(CHECK, format!("{shown} is a mount point"))
        }
        Ok(_) => Finding::warning(
            CHECK,
            format!("{shown} is not a mount point; volumes will fill the disk it is on"),
        ),
        Err(error) => {
            Finding::warning(CHECK, format!("cannot determine whether {shown} is a mount point: {error}"))
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
