//! How much room the disk of the store has.

use std::path::Path;

/// Bytes that this process may still write to the file system of `directory`; `u64::MAX` if the system does not say.
///
/// A probe that fails must not stop the intake: a full disk is then found by the write, which is safe, only later.
pub(crate) fn free_bytes(directory: &Path) -> u64 {
    rustix::fs::statvfs(directory).map_or(u64::MAX, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}
