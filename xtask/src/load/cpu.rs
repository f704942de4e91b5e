//! CPU time of processes, as proc(5) states it.

use std::fs;
use std::time::Duration;

/// A tick of the kernel's accounting: a hundredth of a second on every Linux that we measure on.
const TICK: Duration = Duration::from_millis(10);

/// CPU time of a process, of its children, and of those that have ended. What cannot be read counts as 0.
pub(super) fn of(pid: u32) -> Duration {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let ticks = pids.filter_map(|number| {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
        let usage = Usage::read(&stat)?;
        (number == pid).then_some(usage.own + usage.ended).or((usage.parent == pid).then_some(usage.own))
    });
    TICK * u32::try_from(ticks.sum::<u64>()).unwrap_or(u32::MAX)
}

/// What a process used, in ticks.
#[derive(Debug, PartialEq, Eq)]
struct Usage {
    parent: u32,
    own: u64,
    /// By children that have ended and were waited for.
    ended: u64,
}

impl Usage {
    fn read(stat: &str) -> Option<Self> {
        // The second field is a name in parentheses, which may hold both.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            own: ticks(11)? + ticks(12)?,
            ended: ticks(13)? + ticks(14)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_the_name() {
        let stat = "7 (a) b c) S 3 7 7 0 -1 4194304 0 0 0 0 11 22 33 44 20 0 1 0 100";
        assert_eq!(Usage::read(stat), Some(Usage { parent: 3, own: 33, ended: 77 }));
        assert_eq!(Usage::read("nonsense"), None);
    }
}
