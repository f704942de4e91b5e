//! How much may be queued.
//!
//! The bounds are enforced when a document is stored and not when one is delivered: an outbox without a working
//! endpoint would grow otherwise. Age is the modification time of the file, which a document edited by hand cannot
//! claim to be older or younger by itself, and which sorts without opening 256 files.

use std::time::SystemTime;

use privacy::disk::{DiskError, PrivateDir};

use super::entry::{MAX_FILE_BYTES, event_of};

pub use schema::delivery::{
    MAX_QUEUED as MAX_ENTRIES, MAX_QUEUED_AGE as MAX_AGE, MAX_QUEUED_BYTES as MAX_BYTES,
};

/// More names than this are left to the next listing of the directory, so that memory stays bounded.
pub(super) const MAX_LISTED: usize = 65_536;

/// The file of one event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct QueueFile {
    rank: EvictionRank,
    stored: SystemTime,
    pub(super) name: String,
    size: u64,
}

/// What is evicted first: the variants are in that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum EvictionRank {
    /// No file of ours is that large.
    Oversized,
    /// The clock was set back since: the age of the document is unknown, and the newest must not count as
    /// older.
    FromTheFuture,
    /// Stored in the past.
    Ordinary,
    /// It cannot be opened, for example because it is a symbolic link. Delivery checks it and reports the fault.
    Unopened,
}

/// The files of events in `directory` that are ours, in the order of their eviction.
pub(super) fn files_in_eviction_order(
    directory: &PrivateDir,
    now: SystemTime,
) -> Result<Vec<QueueFile>, DiskError> {
    let names = directory.names(MAX_LISTED)?.into_iter().filter(|name| event_of(name).is_some());
    let mut files: Vec<QueueFile> = names.filter_map(|name| inspect(directory, name, now)).collect();
    // By rank, then time, then name: documents of one second keep one order, whatever order the directory has.
    files.sort_unstable();
    Ok(files)
}

/// How many files of events in `directory` are not ours: they belong to another user, or we may not read them.
pub(super) fn foreign(directory: &PrivateDir) -> Result<usize, DiskError> {
    let names = directory.names(MAX_LISTED)?.into_iter().filter(|name| event_of(name).is_some());
    let is_foreign = |name: &String| {
        inspect(directory, name.clone(), SystemTime::now()).is_none() && exists(directory, name)
    };
    Ok(names.filter(is_foreign).count())
}

fn exists(directory: &PrivateDir, name: &str) -> bool {
    directory.contains(name).unwrap_or(true)
}

/// `None` for what is not ours.
fn inspect(directory: &PrivateDir, name: String, now: SystemTime) -> Option<QueueFile> {
    if !directory.is_ours(&name) {
        return None;
    }
    let file = match directory.open_file(&name) {
        Ok(file) => Some(file),
        Err(DiskError::Denied { .. } | DiskError::Missing { .. }) => return None,
        Err(_) => None,
    };
    let metadata = file.and_then(|file| file.metadata().ok());
    let Some((size, stored)) =
        metadata.and_then(|metadata| Some((metadata.len(), metadata.modified().ok()?)))
    else {
        // Without a size: what cannot be opened must not push out what can be sent.
        return Some(QueueFile { rank: EvictionRank::Unopened, stored: now, name, size: 0 });
    };
    let rank = if size > MAX_FILE_BYTES {
        EvictionRank::Oversized
    } else if stored > now {
        EvictionRank::FromTheFuture
    } else {
        EvictionRank::Ordinary
    };
    Some(QueueFile { rank, stored, name, size })
}

/// Whether a document that was stored at this time was queued too long. A time in the future is no age.
pub(crate) fn is_too_old(stored: SystemTime, now: SystemTime) -> bool {
    now.duration_since(stored).is_ok_and(|age| age > MAX_AGE)
}

/// Removes files of events until there is room for one of `incoming` bytes, and returns how many were evicted.
pub(super) fn make_room(directory: &PrivateDir, incoming: u64, now: SystemTime) -> Result<usize, DiskError> {
    let files = files_in_eviction_order(directory, now)?;
    // The new document counts, so that the bounds hold once it is written.
    let mut count = files.len() + 1;
    // Sparse files can claim any size, so that their sum needs more bits than a size.
    let mut bytes = total_bytes(&files) + u128::from(incoming);
    let mut removed = 0;
    for file in files {
        if count > MAX_ENTRIES || bytes > u128::from(MAX_BYTES) || is_too_old(file.stored, now) {
            directory.remove(&file.name)?;
            count -= 1;
            bytes -= u128::from(file.size);
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether there is room for one of `incoming` bytes without an eviction.
pub(super) fn has_room(directory: &PrivateDir, incoming: u64, now: SystemTime) -> Result<bool, DiskError> {
    let files = files_in_eviction_order(directory, now)?;
    let bytes = total_bytes(&files) + u128::from(incoming);
    Ok(files.len() < MAX_ENTRIES && bytes <= u128::from(MAX_BYTES))
}

fn total_bytes(files: &[QueueFile]) -> u128 {
    files.iter().map(|file| u128::from(file.size)).sum()
}

/// Removes files of events that are ours, except those that were certainly stored after `until`. What cannot be removed
/// stays, and the others are still removed.
pub(super) fn remove_until(directory: &PrivateDir, until: SystemTime) -> Result<usize, DiskError> {
    let mut removed = 0;
    loop {
        // What is not certainly newer is deleted: a purge that leaves a document behind is the worse error.
        let goes = |file: &QueueFile| file.rank != EvictionRank::Ordinary || file.stored <= until;
        let going: Vec<QueueFile> =
            files_in_eviction_order(directory, SystemTime::now())?.into_iter().filter(goes).collect();
        let gone = going.iter().filter(|file| directory.remove(&file.name).is_ok()).count();
        removed += gone;
        // A listing is bounded, so that a huge outbox takes several.
        if gone < MAX_LISTED / 2 {
            return Ok(removed);
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files as a filled outbox has them")]
mod tests {
    use std::fs::File;
    use std::path::Path;
    use std::time::Duration;

    use schema::EventId;

    use super::*;

    fn outbox() -> (tempfile::TempDir, PrivateDir) {
        let root = tempfile::tempdir().expect("a directory");
        let directory = PrivateDir::open(root.path()).expect("open");
        (root, directory)
    }

    fn put(root: &Path, size: u64, stored: SystemTime) -> String {
        let name = format!("{}.json", EventId::random());
        let file = File::create(root.join(&name)).expect("made");
        file.set_len(size).and_then(|()| file.set_modified(stored)).expect("a size and a time");
        name
    }

    #[test]
    fn the_largest_file_is_not_too_large_and_what_is_stored_now_is_not_of_the_future() {
        let (root, directory) = outbox();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let rank = |size, stored| {
            let name = put(root.path(), size, stored);
            inspect(&directory, name, now).expect("ours").rank
        };
        assert_eq!(rank(MAX_FILE_BYTES, now), EvictionRank::Ordinary);
        assert_eq!(rank(MAX_FILE_BYTES + 1, now), EvictionRank::Oversized);
        assert_eq!(rank(1, now + Duration::from_secs(1)), EvictionRank::FromTheFuture);
    }

    #[test]
    fn exactly_as_much_as_fits_is_kept_and_a_byte_more_evicts_one() {
        let (root, directory) = outbox();
        let now = SystemTime::now();
        let mut left = MAX_BYTES - 100;
        while left > 0 {
            let size = left.min(MAX_FILE_BYTES);
            put(root.path(), size, now - Duration::from_secs(1));
            left -= size;
        }
        assert!(has_room(&directory, 100, now).expect("listed"));
        assert_eq!(make_room(&directory, 100, now).expect("listed"), 0);
        assert!(!has_room(&directory, 101, now).expect("listed"));
        assert_eq!(make_room(&directory, 101, now).expect("listed"), 1);
    }

    #[test]
    fn what_was_certainly_stored_later_is_not_removed() {
        let (root, directory) = outbox();
        let until = SystemTime::now() - Duration::from_mins(1);
        let later = until + Duration::from_secs(1);
        let kept = put(root.path(), 1, later);
        for (size, stored) in [
            (1, until),
            (1, until - Duration::from_secs(1)),
            (MAX_FILE_BYTES + 1, later),
            (1, SystemTime::now() + Duration::from_hours(1)),
        ] {
            put(root.path(), size, stored);
        }
        assert_eq!(remove_until(&directory, until).expect("listed"), 4);
        assert_eq!(directory.names(10).expect("listed"), [kept]);
    }

    #[test]
    fn a_document_of_exactly_the_age_that_is_kept_is_kept() {
        let now = SystemTime::now();
        assert!(!is_too_old(now - MAX_AGE, now));
        assert!(is_too_old(now - MAX_AGE - Duration::from_secs(1), now));
        assert!(!is_too_old(now + Duration::from_secs(1), now));
    }
}
