//! Processors, memory, disk and swap.

use std::path::Path;

use schema::Mode;

use crate::component::Finding;
use crate::host::Host;
use crate::settings::Settings;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// The kernel and the firmware keep some memory, so a machine sold with 16 GiB shows a little less.
const MEMORY_TOLERANCE_PERCENT: u64 = 5;

/// What a resource should have: below the minimum the components have no room, below the recommendation not for long.
struct Need {
    check: &'static str,
    unit: Unit,
    minimum: u64,
    recommended: u64,
}

/// What a resource is counted in.
#[derive(Clone, Copy)]
enum Unit {
    Processors,
    Memory,
    Disk,
}

const fn need(check: &'static str, unit: Unit, minimum: u64, recommended: u64) -> Need {
    Need { check, unit, minimum, recommended }
}

/// Of a bare server or agent, see "Hardware" in the requirements of k3s.
const SERVER: [Need; 2] =
    [need("cpu", Unit::Processors, 2, 2), need("memory", Unit::Memory, 2 * GIB, 2 * GIB)];
const AGENT: [Need; 2] =
    [need("cpu", Unit::Processors, 1, 1), need("memory", Unit::Memory, 512 * MIB, 512 * MIB)];
/// Of the platform components on one host.
const PLATFORM: [Need; 2] =
    [need("cpu", Unit::Processors, 4, 6), need("memory", Unit::Memory, 12 * GIB, 16 * GIB)];
const DATA_DISK: Need = need("disk", Unit::Disk, 60 * GIB, 100 * GIB);
/// k3s unpacks its images, and those of the pods, below this.
const RANCHER: &str = "/var/lib/rancher";
const RANCHER_DISK: Need = need("k3s_disk", Unit::Disk, 5 * GIB, 10 * GIB);

/// Below this share of free space the kubelet of k3s takes no pods and removes those that there are (its
/// `eviction-hard`).
const EVICTION_PERCENT: u64 = 5;

/// Processors and memory for the mode, and disk for the volumes of Longhorn.
pub(super) fn check(host: &Host, settings: &Settings) -> Vec<Finding> {
    let is_platform = matches!(settings.mode, Mode::Stack | Mode::SingleNode);
    let [processors, memory] = match settings.mode {
        Mode::Server => &SERVER,
        Mode::Agent => &AGENT,
        Mode::Stack | Mode::SingleNode => &PLATFORM,
    };
    let mut findings = vec![processors.finding(self::processors(host)), memory.finding(memory_bytes(host))];
    if is_platform {
        findings.push(data_disk(host, &settings.longhorn.data_path));
    }
    findings
}

/// A disk that Longhorn uses already is allowed to be full of volumes; Longhorn marks each with a file.
fn data_disk(host: &Host, path: &Path) -> Finding {
    if host.is_there(path.join("longhorn-disk.cfg")) {
        return Finding::pass(DATA_DISK.check, "Longhorn has its volumes there");
    }
    DATA_DISK.finding(free_bytes(host, path))
}

/// The disk that k3s unpacks images on.
pub(super) fn rancher_disk(host: &Host, is_installed: bool) -> Finding {
    let space = space(host, Path::new(RANCHER));
    match space {
        Some(space) if space.is_below(EVICTION_PERCENT) => full_disk(&space),
        // What k3s itself has put there is no reason to warn of a rerun.
        Some(space) if is_installed => {
            Finding::pass(RANCHER_DISK.check, format!("{} free", Unit::Disk.text(space.free)))
        }
        space => RANCHER_DISK.finding(space.map(|space| space.free)),
    }
}

fn full_disk(space: &Space) -> Finding {
    let share = space.free * 100 / space.total.max(1);
    let evidence =
        format!("{share} % free; {EVICTION_PERCENT} % are required below {RANCHER}, or kubelet removes pods");
    Finding::failure(RANCHER_DISK.check, evidence).help(format!("df -h {RANCHER}"))
}

/// kubelet of k3s runs with swap, and pods then use it past their limits.
pub(super) fn swap(host: &Host) -> Finding {
    const CHECK: &str = "swap";
    match host.read_text(Path::new("/proc/swaps")) {
        // The first line is a heading.
        Ok(Some(swaps)) if swaps.lines().count() > 1 => {
            Finding::warning(CHECK, "on; off is recommended: memory limits of pods do not include swap")
                .help(r"swapoff -a && sed -i '/\sswap\s/s/^/# /' /etc/fstab")
        }
        Ok(_) => Finding::pass(CHECK, "off"),
        Err(error) => Finding::warning(CHECK, format!("unknown: {error}")),
    }
}

impl Unit {
    fn text(self, amount: u64) -> String {
        let bytes = |amount: u64| match amount {
            mib if mib < GIB => format!("{} MiB", mib / MIB),
            gib => format!("{} GiB", gib / GIB),
        };
        match self {
            Self::Processors => format!("{amount} CPUs"),
            Self::Memory => format!("{} of memory", bytes(amount)),
            Self::Disk => format!("{} of free disk", bytes(amount)),
        }
    }
}

impl Need {
    fn finding(&self, found: Option<u64>) -> Finding {
        let Self { check, unit, minimum, recommended } = *self;
        let wanted = format!("{} recommended", unit.text(recommended));
        match found {
            None => Finding::warning(check, format!("unknown; {wanted}")),
            // Too little is a warning too: small test machines work for a while, and the operator may know better.
            Some(found) if found < minimum => {
                let least = if minimum == recommended {
                    String::new()
                } else {
                    format!(", at least {}", unit.text(minimum))
                };
                Finding::warning(check, format!("{}; {wanted}{least}", unit.text(found)))
            }
            Some(found) if found < recommended => {
                Finding::warning(check, format!("{}; {wanted}", unit.text(found)))
            }
            Some(found) => Finding::pass(check, unit.text(found)),
        }
    }
}

/// Processors that are switched on, in the form `0-3,5`, see `cpu(5)` of sysfs: as many as kubelet counts. `None` if it
/// cannot be read.
pub fn processors(host: &Host) -> Option<u64> {
    let text = host.read_text(Path::new("/sys/devices/system/cpu/online")).ok()??;
    text.trim().split(',').try_fold(0, |count, part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (u64, u64) = (from.parse().ok()?, to.parse().ok()?);
        Some(count + to.checked_sub(from)? + 1)
    })
}

/// Memory that the kernel gives to processes, in KiB, see `proc_meminfo(5)`. `None` if it cannot be read.
pub fn memory_kib(host: &Host) -> Option<u64> {
    let text = host.read_text(Path::new("/proc/meminfo")).ok()??;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn memory_bytes(host: &Host) -> Option<u64> {
    Some(memory_kib(host)? * 1024 * (100 + MEMORY_TOLERANCE_PERCENT) / 100)
}

/// Bytes that are free for users where `path` is, or will be when it is made. `None` if it cannot be found out.
pub fn free_bytes(host: &Host, path: &Path) -> Option<u64> {
    space(host, path).map(|space| space.free)
}

/// What a file system has, in bytes.
#[derive(Clone, Copy)]
struct Space {
    free: u64,
    total: u64,
}

impl Space {
    fn is_below(&self, percent: u64) -> bool {
        self.free * 100 < self.total * percent
    }
}

/// Space where `path` is, or will be when it is made.
fn space(host: &Host, path: &Path) -> Option<Space> {
    // The run makes the directory, so its nearest parent tells which file system it will be on.
    let existing = path.ancestors().find(|ancestor| host.is_there(ancestor))?;
    let found = rustix::fs::statvfs(host.at(existing)).ok()?;
    // Without the blocks that are reserved for root: they are the margin of the system, not of the volumes.
    Some(Space { free: found.f_bavail * found.f_frsize, total: found.f_blocks * found.f_frsize })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Severity;

    #[test]
    fn bounds_are_inclusive() {
        let memory = &PLATFORM[1];
        for (found, severity) in [
            (Some(16), Severity::Ok),
            (Some(15), Severity::Warning),
            (Some(12), Severity::Warning),
            (Some(11), Severity::Warning),
            (None, Severity::Warning),
        ] {
            assert_eq!(memory.finding(found.map(|gib| gib * GIB)).severity, severity, "{found:?}");
        }
        assert!(memory.finding(Some(11 * GIB)).evidence.contains("at least 12"));
        assert!(memory.finding(Some(12 * GIB)).evidence.contains("16 GiB of memory recommended"));
    }

    /// A whole disk cannot be filled for a test, so the bounds are tried on numbers.
    #[test]
    fn a_disk_on_which_kubelet_would_remove_pods_fails() {
        assert!(Space { free: 4, total: 100 }.is_below(EVICTION_PERCENT));
        assert!(!Space { free: 5, total: 100 }.is_below(EVICTION_PERCENT));
        assert_eq!(full_disk(&Space { free: 4, total: 100 }).severity, Severity::Failed);
        assert_eq!(RANCHER_DISK.finding(Some(4 * GIB)).severity, Severity::Warning);
        assert_eq!(RANCHER_DISK.finding(Some(10 * GIB)).severity, Severity::Ok);
    }
}
