//! How much may wait.

use std::time::{Duration, SystemTime};

use privacy::disk::{DiskError, PrivateDir};

use super::entry::event_of;
use super::refusal::MAX_FILE_BYTES;

/// Most documents that wait; the oldest go first.
pub const MAX_ENTRIES: usize = 256;

/// Most bytes that wait.
pub const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Longest time that a document waits.
pub const MAX_AGE: Duration = Duration::from_hours(30 * 24);

/// More names than this are left to the next look at the folder, so that memory stays bounded.
pub(super) const MAX_LISTED: usize = 65_536;

/// The file of one event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    rank: Rank,
    stored: SystemTime,
    pub(super) name: String,
    size: u64,
}

/// What goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// No file of ours is that large.
    Oversized,
    /// The clock was set back since: how old the document is cannot be told, and the newest must not be taken for older.
    FromTheFuture,
    /// Stored in the past.
    Ordinary,
    /// It cannot be opened, for example because it is a symbolic link. Delivery looks at it and says what is wrong.
    Unopened,
}

/// The files of events in `folder`, in the order in which they go.
pub(super) fn items(folder: &PrivateDir, now: SystemTime) -> Result<Vec<Item>, DiskError> {
    let names = folder.names(MAX_LISTED)?;
    let mut items: Vec<Item> = names
        .into_iter()
        .filter(|name| event_of(name).is_some())
        .map(|name| item(folder, name, now))
        .collect();
    items.sort_unstable();
    Ok(items)
}

fn item(folder: &PrivateDir, name: String, now: SystemTime) -> Item {
    let metadata = folder.open_file(&name).ok().and_then(|file| file.metadata().ok());
    let Some((size, stored)) =
        metadata.and_then(|metadata| Some((metadata.len(), metadata.modified().ok()?)))
    else {
        return Item { rank: Rank::Unopened, stored: now, name, size: 0 };
    };
    let rank = match () {
        () if size > MAX_FILE_BYTES => Rank::Oversized,
        () if stored > now => Rank::FromTheFuture,
        () => Rank::Ordinary,
    };
    Item { rank, stored, name, size }
}

/// Whether a document that was stored then has waited too long. A time in the future is no age.
pub(crate) fn is_too_old(stored: SystemTime, now: SystemTime) -> bool {
    now.duration_since(stored).is_ok_and(|age| age > MAX_AGE)
}

/// Removes files of events until one of `incoming` bytes fits in, and returns how many went.
pub(super) fn make_room(folder: &PrivateDir, incoming: u64, now: SystemTime) -> Result<usize, DiskError> {
    let items = items(folder, now)?;
    let mut count = items.len() + 1;
    let mut bytes = items.iter().map(|item| item.size).sum::<u64>() + incoming;
    let mut removed = 0;
    for item in items {
        if count > MAX_ENTRIES || bytes > MAX_BYTES || is_too_old(item.stored, now) {
            folder.remove(&item.name)?;
            count -= 1;
            bytes -= item.size;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Removes files of events, except those that were certainly stored after `until`.
pub(super) fn remove_until(folder: &PrivateDir, until: SystemTime) -> Result<usize, DiskError> {
    let mut removed = 0;
    loop {
        let goes = |item: &Item| item.rank != Rank::Ordinary || item.stored <= until;
        let going: Vec<Item> = items(folder, SystemTime::now())?.into_iter().filter(goes).collect();
        for item in &going {
            folder.remove(&item.name)?;
        }
        removed += going.len();
        if going.len() < MAX_LISTED / 2 {
            return Ok(removed);
        }
    }
}
