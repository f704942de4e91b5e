//! The NFS export of the host.

use std::path::Path;
use std::time::Duration;

use schema::{Component, Mode, PlannedAction};

use super::{ComponentPlan, Detection, Finding, PlanContext, Probe, RollbackClass, Spec};
use crate::host::{Answer, Command, Host};
use crate::settings::{self, Settings};
use crate::step::{Action, Check, Condition, Step};

const PACKAGE: &str = "nfs-kernel-server";
const EXPORTS: &str = "/etc/exports";
/// What `exportfs` has told the kernel, see exports(5); unlike the program itself, it needs no root to read.
const KERNEL_EXPORTS: &str = "/var/lib/nfs/etab";
/// Pods work as root in the volumes that they mount; without the last option they could not write.
const OPTIONS: &str = "rw,sync,no_subtree_check,no_root_squash";

pub(super) struct Nfs;

impl Spec for Nfs {
    fn id(&self) -> Component {
        Component::Nfs
    }

    fn title(&self) -> &'static str {
        "The NFS export"
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::SingleNode]
    }

    fn programs(&self) -> &'static [&'static str] {
        &["dpkg-query"]
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Moderate
    }

    fn wanted(&self, settings: &Settings) -> bool {
        settings.nfs.is_some()
    }

    fn preflight(&self, probe: &Probe<'_>) -> Vec<Finding> {
        let export = probe.settings.nfs.as_ref();
        export.and_then(|nfs| foreign_export(probe.host, &nfs.export_path)).into_iter().collect()
    }

    fn detect(&self, probe: &Probe<'_>) -> Detection {
        let Some(nfs) = &probe.settings.nfs else { return Detection::NotNeeded };
        match server(probe.host) {
            Answer::No => return Detection::Missing,
            Answer::Unknown(reason) => return Detection::Unknown(reason),
            Answer::Yes => {}
        }
        // A run that died between the two left a line that the kernel has not heard of.
        for table in [EXPORTS, KERNEL_EXPORTS] {
            match probe.host.read_text(Path::new(table)) {
                Ok(Some(exports)) if lists(&exports, nfs) => {}
                Ok(_) => return Detection::PresentWithoutExport,
                Err(error) => return Detection::Unknown(error.to_string()),
            }
        }
        Detection::PresentWithExport
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let Some(nfs) = &context.settings.nfs else { return ComponentPlan::skip() };
        let action = match detection {
            Detection::PresentWithExport => PlannedAction::Reuse,
            Detection::PresentWithoutExport => PlannedAction::AddExport,
            _ => PlannedAction::Install,
        };
        let exported =
            Condition::Exported { path: nfs.export_path.clone(), network: nfs.allowed_network.clone() };
        ComponentPlan::doing(action, || steps(nfs, action), vec![Check::within(30, exported)])
    }
}

fn steps(nfs: &settings::Nfs, action: PlannedAction) -> Vec<Step> {
    let mut steps = Vec::new();
    if action == PlannedAction::Install {
        steps.push(Step::new("NFS server", Action::EnsurePackages(vec![PACKAGE.to_owned()])));
    }
    let line = format!("{} {}({OPTIONS})", nfs.export_path.display(), nfs.allowed_network);
    let export = Command::new("exportfs").args(["-ra"]).as_root().timeout(Duration::from_mins(1));
    steps.extend([
        Step::new("exported folder", Action::EnsureDir { path: nfs.export_path.clone(), mode: 0o755 }),
        Step::new("export line", Action::EnsureLine { path: EXPORTS.into(), line }),
        Step::new("tell the kernel of the export", Action::Run(export)),
    ]);
    steps
}

/// A host that has neither the program nor the unit has no NFS server; dpkg is asked only where there is one of them.
fn server(host: &Host) -> Answer {
    if host.program("exportfs").is_none() && !host.has_unit("nfs-server") {
        return Answer::No;
    }
    host.package_installed(PACKAGE)
}

/// Whether a line of `exports` gives the folder to exactly this network.
fn lists(exports: &str, nfs: &settings::Nfs) -> bool {
    let path = nfs.export_path.to_string_lossy();
    exports.lines().any(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        words.next() == Some(&*path)
            && words.any(|client| client.split('(').next() == Some(nfs.allowed_network.as_str()))
    })
}

/// An export of the same folder by somebody else is kept, and the operator should know.
fn foreign_export(host: &Host, path: &Path) -> Option<Finding> {
    const CHECK: &str = "nfs_export";
    let exports = match host.read_text(Path::new(EXPORTS)) {
        Ok(exports) => exports.unwrap_or_default(),
        Err(error) => return Some(Finding::warning(CHECK, format!("cannot read /etc/exports: {error}"))),
    };
    let listed = exports
        .lines()
        .any(|line| line.split_whitespace().next().is_some_and(|first| Path::new(first) == path));
    listed.then(|| Finding::warning(CHECK, format!("{} is listed in /etc/exports already", path.display())))
}
