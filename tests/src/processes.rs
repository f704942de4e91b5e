//! Processes that outlive the call that started them.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Ids of the detached deliveries whose outbox is below `root`. Their environment tells whose they are.
pub(crate) fn deliveries(root: &Path) -> Vec<u32> {
    let root = root.to_str().expect("UTF-8").as_bytes();
    let is_ours = |pid: &u32| {
        let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        contains(&read("cmdline"), b"flush\0--detached") && contains(&read("environ"), root)
    };
    let names =
        fs::read_dir("/proc").expect("Linux").filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.parse().ok()).filter(is_ours).collect()
}

/// Kills a process at once; one that has ended meanwhile is no fault.
pub(crate) fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
