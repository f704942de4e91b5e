//! The thread that moves the spool into the store as soon as that is reachable.
//!
//! A document arrives when it is stored, and not when it was spooled: the week in which it was spooled may be closed already,
//! and would never count it. So it also stays in the store for as long as any other.

use std::sync::Arc;
use std::time::Duration;

use super::{Spool, line};
use crate::arrival::Arrival;
use crate::log::say;
use crate::metrics::Metrics;
use crate::store::{BatchOutcome, Store, StoreError, insert_what_fits};

/// What drains.
pub(crate) struct Drain {
    pub(crate) spool: Arc<Spool>,
    /// A separate connection: those of the writers are busy with their batches.
    pub(crate) store: Box<dyn Store>,
    pub(crate) metrics: Arc<Metrics>,
}

/// The result for a segment.
enum Drained {
    /// All of it is stored.
    Whole,
    /// So many documents of it are not, and never will be as they are.
    Partly(usize),
}

impl Drain {
    /// How often this checks whether there is something to drain, and whether the store is reachable.
    const PAUSE: Duration = Duration::from_millis(500);
    /// Documents of one transaction.
    const MAX_BATCH: usize = 1_024;

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
        loop {
            match self.spool.oldest() {
                Ok(Some(segment)) if self.drain(segment) => {}
                Ok(None) if self.metrics.outage.get() > 0 => return self.look_for_the_store(),
                Ok(_) => return,
                Err(error) => return say(&format!("warning: {error}")),
            }
        }
    }

    /// Stores nothing, which succeeds where storing something would.
    fn look_for_the_store(&mut self) {
        if self.store.insert(&[], 0).is_ok() {
            self.store_is_back();
        }
    }

    fn store_is_back(&self) {
        if self.metrics.outage.get() > 0 {
            self.metrics.outage.set(0);
            say("the store is back; the spool drains");
        }
    }

    /// Moves a segment into the store; whether it is done with.
    fn drain(&mut self, segment: u64) -> bool {
        let drained = match self.spool.read(segment) {
            Ok(text) => self.store_all(&text),
            Err(error) => {
                say(&format!("error: {error}"));
                Ok(Drained::Partly(0))
            }
        };
        let done = match drained {
            // The store is still unreachable. The segment stays as it is.
            Err(_) => return false,
            Ok(Drained::Whole) => self.spool.remove(segment),
            Ok(Drained::Partly(lost)) => self.spool.set_aside(segment).map(|path| {
                self.metrics.spool_damaged.increment();
                let path = path.display();
                say(&format!("error: {path}: cannot be read or stored: {lost} lines; the others are stored"));
            }),
        };
        if let Err(error) = &done {
            say(&format!("error: {error}"));
        }
        done.is_ok()
    }

    fn store_all(&mut self, segment: &[u8]) -> Result<Drained, StoreError> {
        let read = line::read(segment);
        let mut lost = read.damaged;
        for batch in read.documents.chunks(Self::MAX_BATCH) {
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
