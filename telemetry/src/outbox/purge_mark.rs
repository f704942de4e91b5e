//! What tells that a purge came while something was stored.
//!
//! A purge deletes what it finds in a listing. A file that gets its name after the listing was in the outbox of before the
//! purge all the same, and must not be there after it. A lock would tell too, but a run would then have to wait for a
//! delivery, or a purge for a run: so that whoever stores looks before and after.

use std::time::SystemTime;

use privacy::disk::PrivateDir;

/// The sign of a purge that goes on. Its time is when the purge was asked for.
pub(super) const STOPPED: &str = "stopped";

/// Held by the one process that delivers or purges. Its length is the number of purges that are over: they leave no other
/// trace.
pub(super) const LOCK: &str = "lock";

/// Purges beyond so many are not counted any more.
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
        // In this order: a purge that ends between the two is counted before its sign goes.
        let asked = metadata(STOPPED).and_then(|found| found.modified().ok());
        // The first delivery makes the file, which is no purge.
        Self { asked, over: metadata(LOCK).map_or(0, |found| found.len()) }
    }
}

/// Counts a purge that is over but for its sign. One that cannot be counted must end all the same.
pub(super) fn count(outbox: &PrivateDir) {
    let _ = outbox.append_line_unsynced(LOCK, "", MAX_COUNTED);
}

/// Stores a file with `write`, and takes it back with `take_back` if a purge was asked for or ended meanwhile. That may be
/// a file which the purge did not mean; the other way round, one would be sent that it did.
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

    /// Stores a file in an outbox while `meanwhile` happens to it, and tells whether it is there afterwards.
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
