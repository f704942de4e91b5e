//! The thread that moves the spool into the store as soon as that is reachable.
//!
//! A document arrives when it is stored, and not when it was spooled: the week in which it was spooled may be closed already,
//! and would never count it. So it also stays in the store for as long as any other.

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use super::{Spool, SpoolError, line};
use crate::arrival::Arrival;
use crate::log::say;
use crate::metrics::Metrics;
use crate::store::{BatchOutcome, MAX_BATCH, Store, StoreError, insert_what_fits};

/// What drains.
pub(crate) struct Drain {
    pub(crate) spool: Arc<Spool>,
    /// A separate connection: those of the writers are busy with their batches.
    pub(crate) store: Box<dyn Store>,
    pub(crate) metrics: Arc<Metrics>,
    /// What was told of the segments that stay, so that they do not fill the log.
    pub(crate) told: HashSet<String>,
}

/// What became of a segment.
#[derive(Debug, PartialEq, Eq)]
enum SegmentState {
    /// It is stored, or set aside.
    Done,
    /// It cannot be read, moved or removed now, and stays for the next round.
    Kept,
    /// The store is still unreachable. It stays as it is.
    Undrained,
}

/// How much of a segment is stored.
enum Drained {
    /// All of it is stored.
    Whole,
    /// So many documents of it are not, and never will be as they are.
    Partly(usize),
}

impl Drain {
    /// How often this checks whether there is something to drain, and whether the store is reachable.
    const PAUSE: Duration = Duration::from_millis(500);
    /// Starts the thread. It ends with the process, at any moment: a segment is removed only after it is stored.
    pub(crate) fn start(mut self) {
        // What a former process left is counted from the start: a scrape before the end of the first round would
        // read that nothing is spooled.
        self.metrics.spool_bytes.set(self.spool.bytes());
        std::thread::spawn(move || {
            loop {
                self.round();
                self.metrics.spool_bytes.set(self.spool.bytes());
                std::thread::sleep(Self::PAUSE);
            }
        });
    }

    /// Drains everything, or as much as the store accepts, and checks whether an unreachable store is reachable again.
    fn round(&mut self) {
        let (mut after, mut kept) = (0, 0);
        loop {
            match self.spool.next(after) {
                Ok(Some(segment)) => {
                    match self.drain(segment) {
                        SegmentState::Done => {}
                        // It does not delay those after it.
                        SegmentState::Kept => kept += 1,
                        SegmentState::Undrained => return,
                    }
                    after = segment;
                }
                Ok(None) => break,
                Err(error) => return self.tell(&error),
            }
        }
        if kept == 0 {
            self.told.clear();
        }
        if self.metrics.outage.get() > 0 {
            self.look_for_the_store();
        }
    }

    fn tell(&mut self, error: &SpoolError) {
        // The disk's message says what was attempted, and its source why that failed.
        let cause = error.source().and_then(Error::source);
        let message = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        if !self.told.contains(&message) {
            say(&format!("warning: {message}; it stays and is tried again"));
            self.told.insert(message);
        }
    }

    /// The outage is over when a document can be stored. A server with a full disk still answers.
    fn look_for_the_store(&mut self) {
        if self.store.try_insert().is_ok() {
            self.store_is_back();
        }
    }

    fn store_is_back(&self) {
        if self.metrics.outage.get() > 0 {
            self.metrics.outage.set(0);
            say("the store is back; the spool drains");
        }
    }

    /// Moves a segment into the store.
    fn drain(&mut self, segment: u64) -> SegmentState {
        let read = self.spool.read(segment);
        self.drain_read(segment, read)
    }

    /// Moves a segment into the store, of which this was read.
    fn drain_read(&mut self, segment: u64, read: Result<Vec<u8>, SpoolError>) -> SegmentState {
        let done = match read {
            Ok(text) => match self.store_all(&text) {
                Err(_) => return SegmentState::Undrained,
                Ok(Drained::Whole) => self.spool.remove(segment),
                Ok(Drained::Partly(lost)) => self.set_aside(
                    segment,
                    &format!("cannot be read or stored: {lost} lines; the others are stored"),
                ),
            },
            // What is there is no segment, and will not become one.
            Err(error) if error.is_about_the_file() => {
                self.set_aside(segment, &format!("{error}; nothing of it is stored"))
            }
            // No descriptor or no memory is left, or the disk fails: what was acknowledged is still in it.
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => SegmentState::Done,
            Err(error) => {
                self.tell(&error);
                SegmentState::Kept
            }
        }
    }

    fn set_aside(&self, segment: u64, why: &str) -> Result<(), SpoolError> {
        let path = self.spool.set_aside(segment)?;
        self.metrics.spool_damaged.increment();
        say(&format!("error: {}: {why}", path.display()));
        Ok(())
    }

    fn store_all(&mut self, segment: &[u8]) -> Result<Drained, StoreError> {
        let read = line::read(segment);
        let mut lost = read.damaged;
        for batch in read.documents.chunks(MAX_BATCH) {
            lost += self.store_batch(batch)?;
            self.store_is_back();
            self.metrics.spool_bytes.set(self.spool.bytes());
        }
        Ok(if lost == 0 { Drained::Whole } else { Drained::Partly(lost) })
    }

    /// Stores a batch without the documents that the store does not accept; how many those are.
    fn store_batch(&mut self, batch: &[Arrival]) -> Result<usize, StoreError> {
        let now = chrono::Utc::now().timestamp();
        let BatchOutcome { documents, failure } = insert_what_fits(&mut *self.store, batch, now);
        let mut unfit = 0;
        for error in documents.into_iter().filter_map(Result::err) {
            say(&format!("error: {error}"));
            self.metrics.poisoned.increment();
            unfit += 1;
        }
        failure.map_or(Ok(unfit), Err)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use privacy::disk::DiskError;
    use rustix::io::Errno;

    use super::*;
    use crate::arrival::example;
    use crate::store::{StoreLocation, StoreUse};

    fn drain(directory: &tempfile::TempDir) -> Drain {
        let store = directory.path().join("r.db");
        let store = StoreLocation::parse(store.to_str().expect("UTF-8")).expect("a store");
        let spool = Spool::open(&directory.path().join("spool")).expect("a spool");
        spool.append(&[example(1)]).expect("kept");
        Drain {
            spool: Arc::new(spool),
            store: store.open(StoreUse::Ingest).expect("opened"),
            metrics: Arc::default(),
            told: HashSet::new(),
        }
    }

    #[test]
    fn only_what_is_no_segment_is_set_aside() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut drain = drain(&directory);
        let path = PathBuf::from("segment");
        let io = |errno: Errno| DiskError::Io { action: "open", path: path.clone(), source: errno.into() };
        let denied = DiskError::Denied { action: "open", path: path.clone(), source: Errno::ACCESS.into() };
        let passing = [Errno::MFILE, Errno::NFILE, Errno::IO, Errno::NOMEM].map(io);
        for error in passing.into_iter().chain([denied]) {
            assert_eq!(drain.drain_read(1, Err(error.into())), SegmentState::Kept);
            assert_eq!(
                (drain.spool.next(0).expect("listed"), drain.metrics.spool_damaged.get()),
                (Some(1), 0)
            );
        }
        let lasting = [
            DiskError::Symlink { path: path.clone() },
            DiskError::NotAFile { path: path.clone() },
            DiskError::TooLarge { path, limit: 1 },
        ];
        for error in lasting {
            assert!(SpoolError::from(error).is_about_the_file());
        }
        drain.round();
        assert_eq!((drain.spool.next(0).expect("listed"), drain.store.count().expect("counted")), (None, 1));
        drain.spool.append(&[example(2)]).expect("kept");
        let error = DiskError::TooLarge { path: PathBuf::from("segment"), limit: 1 };
        assert_eq!(drain.drain_read(2, Err(error.into())), SegmentState::Done);
        assert_eq!((drain.spool.next(0).expect("listed"), drain.metrics.spool_damaged.get()), (None, 1));
    }
}
