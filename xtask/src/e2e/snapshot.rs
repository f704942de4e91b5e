//! The state of a machine's files, to tell what a run has changed.

use std::collections::BTreeMap;

use super::machine::Machine;
use super::report::Verdict;

/// Each path with what is known of it.
#[derive(PartialEq, Eq)]
pub(super) struct Snapshot(BTreeMap<String, String>);

/// Written by systemd whenever it likes, or ours.
const NOT_LOOKED_AT: [&str; 5] = ["/state", "/e2e", "/run", "/var/log", "/var/lib/systemd"];

impl Snapshot {
    /// Every file below `/`, with times and inodes: any write shows, even one of the same content.
    pub(super) fn of_everything(machine: &Machine) -> anyhow::Result<Self> {
        let prune: Vec<String> = NOT_LOOKED_AT.iter().map(|path| format!("-path {path}")).collect();
        let looks = "%p\\t%y %m %U:%G %s %i %T@ %l\\n";
        Self::read(
            machine,
            &format!("find / -xdev \\( {} \\) -prune -o -printf '{looks}'", prune.join(" -o ")),
        )
    }

    /// The files below `folders` by kind, mode, owner and content, the same on every machine that got the same.
    pub(super) fn of_content(machine: &Machine, folders: &str) -> anyhow::Result<Self> {
        let looks = "%p\\t%y %m %U:%G %l\\n";
        Self::read(
            machine,
            &format!(
                "set -- $(ls -d {folders} 2>/dev/null || true)
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
    pub(super) fn same_as(&self, before: &Self) -> Verdict {
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
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
