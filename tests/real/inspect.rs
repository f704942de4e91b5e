//! What a call leaves on a machine: its files, its services, and the records of its runs, each as a result.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::machine::{CallResult, Machine, RUNS};
use crate::transcript::{CheckResult, equal, holds};

/// Each path with its facts.
#[derive(PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<String, String>);

/// Written by systemd at any time, or ours.
const NOT_LOOKED_AT: [&str; 7] =
    ["/state", "/e2e", "/run", "/tmp", "/var/tmp", "/var/log", "/var/lib/systemd"];

impl Snapshot {
    /// Every file below `/`, with times and inodes: any write shows, even one of the same content.
    pub(crate) fn of_everything(machine: &Machine) -> anyhow::Result<Self> {
        let prune: Vec<String> = NOT_LOOKED_AT.iter().map(|path| format!("-path {path}")).collect();
        let looks = "%p\\t%y %m %U:%G %s %i %T@ %l\\n";
        Self::read(
            machine,
            &format!("find / -xdev \\( {} \\) -prune -o -printf '{looks}'", prune.join(" -o ")),
        )
    }

    /// The files below `directories` by kind, mode, owner and content, the same on every machine that got the same.
    pub(crate) fn of_content(machine: &Machine, directories: &str) -> anyhow::Result<Self> {
        let looks = "%p\\t%y %m %U:%G %l\\n";
        Self::read(
            machine,
            &format!(
                "set -- $(ls -d {directories} 2>/dev/null || true)
                 find \"$@\" -xdev -printf '{looks}'
                 find \"$@\" -xdev -type f -exec sha256sum {{}} + | sed 's/^\\([0-9a-f]*\\)  \\(.*\\)$/sha256 of \\2\\t\\1/'"
            ),
        )
    }

    fn read(machine: &Machine, script: &str) -> anyhow::Result<Self> {
        let listing = machine.sh(script)?;
        let entries = listing.lines().filter_map(|line| line.split_once('\t'));
        Ok(Self(entries.map(|(path, looks)| (path.to_owned(), looks.to_owned())).collect()))
    }

    /// Holds if nothing differs from `before`.
    pub(crate) fn same_as(&self, before: &Self) -> CheckResult {
        let changed = self.0.iter().filter(|(path, looks)| before.0.get(*path) != Some(looks));
        let gone = before.0.keys().filter(|path| !self.0.contains_key(*path));
        let lines: Vec<String> = changed
            .map(|(path, now)| {
                format!("{path}: {} -> {now}", before.0.get(path).map_or("absent", String::as_str))
            })
            .chain(gone.map(|path| format!("{path}: gone")))
            .collect();
        if lines.is_empty() { Ok(()) } else { Err(lines.join("\n")) }
    }

    /// How many files it has.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Holds if a call ended with this code.
pub(crate) fn ended(run: &CallResult, code: i32) -> CheckResult {
    holds(run.code == code, run.text())
}

/// Holds if a service is active and enabled.
pub(crate) fn service(machine: &Machine, name: &str) -> CheckResult {
    let script = format!("systemctl is-active {name} || true; systemctl is-enabled {name} || true");
    let said = machine.sh(&script).map_err(|error| error.to_string())?;
    equal(&said.lines().collect::<Vec<_>>(), &vec!["active", "enabled"])
}

/// The manifest of the run that began last. Ids are random and times whole seconds: of several runs in one second it is
/// the one whose results are as wanted, if there is one.
pub(crate) fn last_manifest(machine: &Machine, mode: &str, wanted: &[(&str, &str)]) -> CheckResult {
    let all: Vec<Value> =
        machine.manifests().into_values().filter(|run| run["execution"] == "apply").collect();
    let last = all.iter().filter_map(|run| run["started_at"].as_str()).max().unwrap_or_default().to_owned();
    let last: Vec<&Value> = all.iter().filter(|run| run["started_at"] == last.as_str()).collect();
    let fits = |run: &&&Value| {
        run["status"] == "success"
            && run["exit_code"] == json!(0)
            && run["bootstrap_mode"] == mode
            && wanted.iter().all(|(component, result)| run["components"][component]["result"] == *result)
    };
    holds(last.iter().any(|run| fits(&run)), format!("{last:#?}"))
}

/// Holds if no step of any run is left without an outcome.
pub(crate) fn journal_is_closed(machine: &Machine) -> CheckResult {
    let open: Vec<String> = machine
        .contexts()
        .values()
        .flat_map(|context| context["steps"].as_array().cloned().unwrap_or_default())
        .filter(|step| step["state"] != "done")
        .map(|step| step.to_string())
        .collect();
    holds(open.is_empty(), open.join("\n"))
}

/// Holds if only root can read the records.
pub(crate) fn private_files(machine: &Machine) -> CheckResult {
    let looks = "( -type d ! -perm 700 -o -name bootstrap-* ! -perm 600 ) -printf '%m %p\\n'";
    let script = format!("set -f; find {RUNS} {}", looks.replace('(', "'('").replace(')', "')'"));
    let open = machine.sh(&script).map_err(|error| error.to_string())?;
    holds(open.is_empty(), open)
}
