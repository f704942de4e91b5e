//! How a process that stores a document detects a purge in the meantime.
//!
//! A purge deletes what it finds in a listing. A file that gets its name after the listing still belongs to the time before
//! the purge, and must not exist after it. A lock would prevent that too, but a run would then have to wait for a
//! delivery, or a purge for a run. So the process that stores checks before and after.

use std::time::SystemTime;

use privacy::disk::PrivateDir;

/// The mark of a purge in progress. Its time is when the purge was asked for.
pub(super) const STOPPED: &str = "stopped";

/// Held by the one process that delivers or purges. Its length is the number of completed purges: they leave no other
/// trace.
pub(super) const LOCK: &str = "lock";

/// At most this many purges are counted.
const MAX_COUNTED: u64 = 1 << 20;

/// What every purge changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PurgeMark {
    asked: Option<SystemTime>,
    over: u64,
}

impl PurgeMark {
    fn of(outbox: &PrivateDir) -> Self {
        let metadata = |name| outbox.open_file(name).ok()?.metadata().ok();
        // In this order: a purge that ends between the two is counted before its mark is removed.
        let asked = metadata(STOPPED).and_then(|found| found.modified().ok());
        // The first delivery makes the file, which is no purge.
        Self { asked, over: metadata(LOCK).map_or(0, |found| found.len()) }
    }
}

/// Counts a purge that is complete except for its mark. A purge that cannot be counted must still end.
pub(super) fn count(outbox: &PrivateDir) {
    let _ = outbox.append_line_unsynced(LOCK, "", MAX_COUNTED);
}

/// Stores a file with `write`, and removes it with `take_back` if a purge was asked for or ended meanwhile. That may be
/// a file that the purge did not cover. Without this, a file that it did cover could be sent.
pub(super) fn unless_purged<T, E>(
    outbox: &PrivateDir,
    write: impl FnOnce() -> Result<T, E>,
    take_back: impl FnOnce(),
) -> Result<T, E> {
    let before = PurgeMark::of(outbox);
    let written = write();
    if PurgeMark::of(outbox) != before {
        take_back();
    }
    written
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::outbox::{OutboxDir, OutboxStore, purge};

    /// Stores a file in an outbox while `meanwhile` happens to it, and returns whether it exists afterwards.
    fn survives(meanwhile: impl Fn(&Path)) -> bool {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let outbox = PrivateDir::open(dir.path()).expect("ours");
        // In the middle of a write the document has no name that a purge could find.
        let write = || {
            meanwhile(dir.path());
            outbox.write_atomic_unsynced("document", b"{}")
        };
        unless_purged(&outbox, write, || outbox.remove("document").expect("it goes")).expect("written");
        outbox.contains("document").expect("told")
    }

    fn store(dir: &Path) -> OutboxStore {
        OutboxStore::of_own(PrivateDir::open(dir).expect("ours")).expect("ours")
    }

    #[test]
    fn what_is_stored_during_a_purge_is_taken_back() {
        let over =
            |dir: &Path| assert!(!purge(&OutboxDir::at(dir), Duration::ZERO).expect("purged").in_flight);
        let going_on = |dir: &Path| {
            let _delivery = store(dir).lock(Instant::now()).expect("a lock").expect("free");
            assert!(purge(&OutboxDir::at(dir), Duration::ZERO).expect("purged").in_flight);
        };
        assert!(!survives(over) && !survives(going_on));
        assert!(!survives(|dir| (0..2).for_each(|_| over(dir))));
    }

    #[test]
    fn what_is_stored_while_no_purge_comes_stays() {
        assert!(survives(|_| {}));
        // The first delivery makes the file of the lock.
        assert!(survives(|dir| drop(store(dir).lock(Instant::now()).expect("a lock"))));
    }
}
