//! Whether packages can be installed now.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::component::Finding;
use crate::host::Host;

const CHECK: &str = "apt";

/// What apt and dpkg lock while they work, see apt.conf(5) `DPkg::Lock`.
const LOCKS: [&str; 3] = ["/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock"];

/// Who holds a lock of apt stands in `/proc/locks`, which everybody may read; the lock itself is root's to try.
pub(super) fn lock(host: &Host) -> Finding {
    let locks = match host.read_text(Path::new("/proc/locks")) {
        Ok(locks) => locks.unwrap_or_default(),
        Err(error) => {
            return Finding::warning(CHECK, format!("cannot determine whether it is locked: {error}"));
        }
    };
    let holder = LOCKS.iter().find_map(|file| Some((file, holder(&locks, inode(host, file)?)?)));
    let Some((file, pid)) = holder else { return Finding::pass(CHECK, "not locked") };
    let name = host.process(pid).name;
    let by = if name.is_empty() { "a process" } else { &name };
    // A run waits for the lock, so this is only a warning.
    Finding::warning(CHECK, format!("{by} holds {file}, process {pid}; a run waits for it for 5 minutes"))
        .help(format!("tail --pid={pid} --follow /dev/null"))
}

fn inode(host: &Host, file: &str) -> Option<u64> {
    std::fs::metadata(host.at(Path::new(file))).ok().map(|found| found.ino())
}

/// Lines such as `1: POSIX  ADVISORY  WRITE 4242 fd:01:131090 0 EOF`, see `proc(5)`. The device is not compared: file
/// systems with subvolumes show another one here than `stat` does. A line that waits has `->` in its second field.
fn holder(locks: &str, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "POSIX", _, "WRITE", pid, place, ..] = fields.as_slice() else { return None };
        let found: u64 = place.rsplit(':').next()?.parse().ok()?;
        (found == inode).then(|| pid.parse().ok()).flatten()
    })
}
