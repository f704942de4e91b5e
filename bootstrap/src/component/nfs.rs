//! The NFS export of the host.

use std::path::Path;
use std::time::Duration;

use manifest::{StepRecord, Undo};
use schema::{Component, Mode, PlannedAction};

use super::{ComponentPlan, Detection, Finding, Gap, PlanContext, Probe, RollbackClass, Spec};
use crate::host::{Command, Host, ProbeError};
use crate::settings::{self, Nfs, Settings};
use crate::step::{Action, Check, Condition, Step, UndoAction};

const PACKAGE: &str = "nfs-kernel-server";
const SERVICE: &str = "nfs-server";
const EXPORTS: &str = "/etc/exports";
/// What `exportfs` has told the kernel, see exports(5); unlike the program itself, it needs no root to read.
const KERNEL_EXPORTS: &str = "/var/lib/nfs/etab";
/// Root of a client is nobody here, as is the default of exports(5): whoever is root anywhere in the network must not be
/// root in this directory.
const OPTIONS: &str = "rw,sync,no_subtree_check,root_squash";
/// Provisioners in the cluster make the directories of their volumes as root and give them away.
const OPTIONS_FOR_PROVISIONERS: &str = "rw,sync,no_subtree_check,no_root_squash";

/// The option that makes root of a client nobody, and the one that does not.
const SQUASH_WORDS: (&str, &str) = ("root_squash", "no_root_squash");

pub(super) struct NfsSpec;

impl Spec for NfsSpec {
    fn id(&self) -> Component {
        Component::Nfs
    }

    fn title(&self) -> &'static str {
        "The NFS export"
    }

    fn makes(&self, settings: &Settings) -> Vec<String> {
        let export = |nfs: &Nfs| format!("{} to {}", nfs.export_path.display(), nfs.allowed_network);
        settings.nfs.iter().map(export).collect()
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::SingleNode]
    }

    fn programs(&self) -> &'static [&'static str] {
        &["dpkg-query"]
    }

    fn could_make(&self, undo: &Undo) -> bool {
        match undo {
            Undo::Package { name } => name == PACKAGE,
            Undo::Service { name } => name == SERVICE,
            Undo::Directory { path } => path.to_str().is_some_and(settings::is_data_path),
            Undo::Line { path, line } => path == Path::new(EXPORTS) && is_export(line),
            _ => false,
        }
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Moderate
    }

    fn wanted(&self, settings: &Settings) -> bool {
        settings.nfs.is_some()
    }

    fn preflight(&self, probe: &Probe<'_>) -> Vec<Finding> {
        let export = probe.settings.nfs.as_ref();
        export.and_then(|nfs| foreign_export(probe.host, nfs)).into_iter().collect()
    }

    /// The line goes, the kernel is told, and it is made sure that the kernel has listened. The line may be gone already:
    /// a rollback that died may have taken it out and not told the kernel.
    fn undo(&self, record: &StepRecord, host: &Host) -> Result<Option<Vec<Step>>, ProbeError> {
        let Undo::Line { path, line } = &record.undo else { return Ok(None) };
        let remove = UndoAction::RemoveLine { path: path.clone(), line: line.clone() };
        let mut steps = vec![Step::new("export line", Action::Undo(remove))];
        if host.program("exportfs").is_none() {
            return Ok(Some(steps));
        }
        steps.push(Step::new("reload the exports", Action::Undo(UndoAction::Run(reload()))));
        if let [Some(folder), Some(client)] = export(line) {
            let left = host.read_text(path)?.unwrap_or_default();
            // Somebody else may export the same directory to the same client.
            let is_others =
                |found: &str| found != line && is_about(host, found, folder) && mentions(found, Some(client));
            if !left.lines().any(is_others) {
                let unexported = Condition::NotExported { path: folder.into(), network: client.to_owned() };
                steps.push(Step::new("export is gone", Action::Wait(Check::within(10, unexported))));
            }
        }
        Ok(Some(steps))
    }

    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        let Some(nfs) = &probe.settings.nfs else { return Ok(Detection::NotNeeded) };
        let is_listed = |table: &str| -> Result<bool, ProbeError> {
            let exports = probe.host.read_text(Path::new(table))?.unwrap_or_default();
            Ok(lists(probe.host, &exports, nfs))
        };
        Ok(match (has_server(probe.host)?, is_listed(EXPORTS)?) {
            (false, false) => Detection::Missing,
            (false, true) => Detection::Incomplete(Gap::Package(PACKAGE)),
            (true, false) => Detection::PresentWithoutExport,
            // `exportfs` fills its table also where nobody serves.
            (true, true) if !probe.host.service_active(SERVICE)? => {
                Detection::Incomplete(Gap::Stopped(SERVICE))
            }
            (true, true) if is_listed(KERNEL_EXPORTS)? => Detection::PresentWithExport,
            // A run died between the two.
            (true, true) => Detection::Incomplete(Gap::NotExported),
        })
    }

    /// A line that is there is kept, whoever wrote it.
    fn ignored(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        let Some(nfs) = &probe.settings.nfs else { return Ok(None) };
        let exports = probe.host.read_text(Path::new(EXPORTS))?.unwrap_or_default();
        let path = nfs.export_path.to_string_lossy();
        let mut kept = exports.lines().filter(|line| is_about(probe.host, line, &path));
        let is_other =
            kept.find_map(|line| keeps_root(line, &nfs.allowed_network)) == Some(!nfs.no_root_squash);
        Ok(is_other.then(|| {
            let (found, asked) =
                if nfs.no_root_squash { SQUASH_WORDS } else { (SQUASH_WORDS.1, SQUASH_WORDS.0) };
            format!(
                "{EXPORTS} has {found} for the export, and this run asks for {asked}: the line is kept; to change it, take it \
                 out and run again"
            )
        }))
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let Some(nfs) = &context.settings.nfs else { return ComponentPlan::skip() };
        let action = match detection {
            Detection::PresentWithExport => PlannedAction::Reuse,
            Detection::PresentWithoutExport => PlannedAction::AddExport,
            Detection::Incomplete(_) => PlannedAction::Ensure,
            _ => PlannedAction::Install,
        };
        let exported =
            Condition::Exported { path: nfs.export_path.clone(), network: nfs.allowed_network.clone() };
        ComponentPlan::doing(action, || steps(nfs, detection), vec![Check::within(30, exported)])
    }
}

fn steps(nfs: &settings::Nfs, detection: &Detection) -> Vec<Step> {
    let mut steps = Vec::new();
    // Who installs the package starts its service.
    steps.push(match detection {
        Detection::PresentWithoutExport | Detection::Incomplete(Gap::NotExported | Gap::Stopped(_)) => {
            Step::new("NFS service", Action::EnsureService(SERVICE.to_owned()))
        }
        _ => Step::new("NFS server", Action::EnsurePackages(vec![PACKAGE.to_owned()])),
    });
    let directory = Action::EnsureDir { path: nfs.export_path.clone(), mode: 0o755 };
    steps.push(Step::new("exported directory", directory));
    // `exportfs` takes the first of two lines for the same directory and client.
    if !matches!(detection, Detection::Incomplete(_)) {
        let title =
            if nfs.no_root_squash { "export line (no_root_squash)" } else { "export line (root_squash)" };
        let line = export_line(nfs);
        steps.push(Step::new(title, Action::EnsureLine { path: EXPORTS.into(), line }));
    }
    steps.push(Step::new("reload NFS exports", Action::Run(reload())));
    steps
}

/// A host that has neither the program nor the unit has no NFS server; dpkg is asked only where there is one of them.
fn has_server(host: &Host) -> Result<bool, ProbeError> {
    if host.program("exportfs").is_none() && !host.has_unit(SERVICE) {
        return Ok(false);
    }
    host.package_installed(PACKAGE)
}

/// Makes the kernel export what the file lists and nothing else.
fn reload() -> Command {
    Command::new("exportfs").args(["-ra"]).as_root().timeout(Duration::from_mins(1))
}

/// Whether a line of `exports` gives the directory to exactly this network.
fn lists(host: &Host, exports: &str, nfs: &settings::Nfs) -> bool {
    let path = nfs.export_path.to_string_lossy();
    exports.lines().any(|line| is_about(host, line, &path) && mentions(line, Some(&nfs.allowed_network)))
}

/// Whether a line exports `directory`, by this path or by another one: `exportfs` and the kernel resolve links, the file
/// has what somebody wrote.
fn is_about(host: &Host, line: &str, directory: &str) -> bool {
    let exported = line.split('#').next().unwrap_or_default().split_whitespace().next();
    exported.is_some_and(|exported| {
        exported == directory || host.resolved(Path::new(exported)) == host.resolved(Path::new(directory))
    })
}

/// An export of the same directory by somebody else is kept, and the operator should know. The line that a run
/// adds is its own.
fn foreign_export(host: &Host, nfs: &Nfs) -> Option<Finding> {
    const CHECK: &str = "nfs_export";
    let exports = match host.read_text(Path::new(EXPORTS)) {
        Ok(exports) => exports.unwrap_or_default(),
        Err(error) => return Some(Finding::warning(CHECK, format!("cannot read /etc/exports: {error}"))),
    };
    let path = nfs.export_path.to_string_lossy();
    let own = [false, true].map(|no_root_squash| export_line(&Nfs { no_root_squash, ..nfs.clone() }));
    let is_others = |line: &str| !own.iter().any(|own| own == line);
    let listed = exports.lines().any(|line| is_others(line) && is_about(host, line, &path));
    listed.then(|| Finding::warning(CHECK, format!("another line of /etc/exports exports {path}")))
}

/// The line that a run adds.
fn export_line(nfs: &Nfs) -> String {
    let options = if nfs.no_root_squash { OPTIONS_FOR_PROVISIONERS } else { OPTIONS };
    format!("{} {}({options})", nfs.export_path.display(), nfs.allowed_network)
}

/// Directory and client of an export line that a run wrote.
pub fn export(line: &str) -> [Option<&str>; 2] {
    let mut words = line.split_whitespace();
    [words.next(), words.next().and_then(|client| client.split('(').next())]
}

/// Whether a run could have written this line: one directory for one client.
fn is_export(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        [folder, client] => {
            let is_client = client.split_once('(').is_some_and(|(network, options)| {
                !network.is_empty()
                    && options.strip_suffix(')').is_some_and(|options| !options.contains(['(', ')']))
            });
            settings::is_data_path(folder) && is_client && !line.contains(char::is_control)
        }
        _ => false,
    }
}

/// Whether root of this client is root in what the line exports; `None` if it exports nothing to exactly this client.
fn keeps_root(line: &str, client: &str) -> Option<bool> {
    let line = line.split('#').next().unwrap_or_default();
    let (_, options) = line.split_whitespace().skip(1).find_map(|word| {
        let (found, options) = word.split_once('(').unwrap_or((word, ""));
        (found == client).then_some((found, options))
    })?;
    Some(options.trim_end_matches(')').split(',').any(|option| option == SQUASH_WORDS.1))
}

/// Whether a line exports something to exactly this client.
pub fn mentions(line: &str, client: Option<&str>) -> bool {
    let line = line.split('#').next().unwrap_or_default();
    client.is_some() && line.split_whitespace().skip(1).any(|word| word.split('(').next() == client)
}
