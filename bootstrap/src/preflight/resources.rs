//! Processors, memory and disk for the platform components.

use std::path::Path;

use crate::component::Finding;
use crate::host::Host;
use crate::settings::Settings;

const GIB: u64 = 1024 * 1024 * 1024;

/// The kernel and the firmware keep some memory, so a machine sold with 16 GiB shows a little less.
const MEMORY_TOLERANCE_PERCENT: u64 = 5;

/// What a resource should have: below the minimum the components have no room, below the recommendation not for long.
struct Need {
    check: &'static str,
    unit: &'static str,
    minimum: u64,
    recommended: u64,
}

const PROCESSORS: Need = Need { check: "cpu", unit: "processors", minimum: 4, recommended: 6 };
const MEMORY: Need = Need { check: "memory", unit: "GiB of memory", minimum: 12, recommended: 16 };
const DISK: Need = Need { check: "disk", unit: "GiB of free disk", minimum: 60, recommended: 100 };

pub(super) fn check(host: &Host, settings: &Settings) -> [Finding; 3] {
    // As many as this process may use, which in a container is less than the machine has.
    let processors = std::thread::available_parallelism().ok().map(|count| count.get() as u64);
    [
        PROCESSORS.finding(processors),
        MEMORY.finding(memory_gib(host)),
        DISK.finding(free_gib(host, &settings.longhorn.data_path)),
    ]
}

impl Need {
    fn finding(&self, found: Option<u64>) -> Finding {
        let Self { check, unit, minimum, recommended } = *self;
        match found {
            None => Finding::warning(check, format!("cannot tell; {minimum} {unit} are needed")),
            // Too little is a warning too: small test machines work for a while, and the operator may know better.
            Some(found) if found < minimum => {
                Finding::warning(check, format!("{found} {unit}; at least {minimum} are needed"))
            }
            Some(found) if found < recommended => {
                Finding::warning(check, format!("{found} {unit}; {recommended} are recommended"))
            }
            Some(found) => Finding::pass(check, format!("{found} {unit}")),
        }
    }
}

fn memory_gib(host: &Host) -> Option<u64> {
    let text = host.read_text(Path::new("/proc/meminfo")).ok()??;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some((kib * 1024 * (100 + MEMORY_TOLERANCE_PERCENT) / 100) / GIB)
}

/// Free space where `path` is, or will be when it is made.
fn free_gib(host: &Host, path: &Path) -> Option<u64> {
    // The run makes the directory, so its nearest parent tells which file system it will be on.
    let existing = path.ancestors().find(|ancestor| matches!(host.exists(ancestor), Ok(true)))?;
    let found = rustix::fs::statvfs(host.at(existing)).ok()?;
    // Without the blocks that are reserved for root: they are the margin of the system, not of the volumes.
    Some(found.f_bavail * found.f_frsize / GIB)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Severity;

    #[test]
    fn bounds_are_inclusive() {
        for (found, severity) in [
            (Some(16), Severity::Pass),
            (Some(15), Severity::Warning),
            (Some(12), Severity::Warning),
            (Some(11), Severity::Warning),
            (None, Severity::Warning),
        ] {
            assert_eq!(MEMORY.finding(found).severity, severity, "{found:?}");
        }
        assert!(MEMORY.finding(Some(11)).message.contains("at least 12"));
        assert!(MEMORY.finding(Some(12)).message.contains("16 are recommended"));
    }
}
