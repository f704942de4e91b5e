//! The entry points of the bundle: their names are those that the layers above call.

const TEMPLATE: &str = include_str!("../../../bundle/entry.sh");

/// The entry at the root, which the CLI starts.
pub(super) const ROOT: &str = "productive-k3s-core.sh";

/// A script of the bundle.
pub(super) struct EntryPoint {
    /// Its path in the bundle.
    pub(super) path: &'static str,
    /// What the program is called as, see `Entry` of `bootstrap`.
    name: &'static str,
}

const fn entry(path: &'static str, name: &'static str) -> EntryPoint {
    EntryPoint { path, name }
}

/// Both generations of names: `bootstrap-k3s-stack.sh` and its siblings are those of June, `apply.sh` and its siblings those
/// of July.
pub(super) const ENTRIES: &[EntryPoint] = &[
    entry(ROOT, "core"),
    entry("scripts/productive-k3s-core.sh", "core"),
    entry("scripts/preflight-host.sh", "preflight"),
    entry("scripts/bootstrap-k3s-stack.sh", "bootstrap"),
    entry("scripts/apply.sh", "bootstrap"),
    entry("scripts/backup-k3s-stack.sh", "backup"),
    entry("scripts/backup.sh", "backup"),
    entry("scripts/validate-k3s-stack.sh", "validate"),
    entry("scripts/validate.sh", "validate"),
    entry("scripts/rollback.sh", "rollback"),
    entry("scripts/cleanup.sh", "cleanup"),
    entry("scripts/send-telemetry.sh", "send-telemetry"),
];

impl EntryPoint {
    /// The script.
    pub(super) fn script(&self) -> String {
        let to_root = if self.path.contains('/') { ".." } else { "." };
        TEMPLATE.replace("@TO_ROOT@", to_root).replace("@ENTRY@", self.name)
    }
}
