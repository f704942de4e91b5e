//! The threads that write.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::job::Job;
use crate::answer::{IngestAnswer, Unavailable};
use crate::arrival::Arrival;
use crate::disk_space;
use crate::log::say;
use crate::metrics::Metrics;
use crate::refusals::Refusals;
use crate::spool::Spool;
use crate::store::{BatchOutcome, InsertOutcome, MAX_BATCH, Store, insert_what_fits};

/// The shared state of all writers.
#[derive(Clone)]
pub(crate) struct WriterContext {
    /// Free bytes of the disk below which nothing is written to it.
    pub(crate) disk_reserve: u64,
    /// Where documents are kept while the store is unreachable. An embedded store has none: it is the disk.
    pub(crate) spool: Option<Arc<Spool>>,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) metrics: Arc<Metrics>,
    /// The id under which this process is recorded.
    pub(crate) instance: [u8; 16],
}

/// The access of one thread to the store.
pub(super) struct Writer {
    store: Box<dyn Store>,
    context: WriterContext,
    /// The last failure that was reported, so that a broken store does not fill the log.
    told: Option<String>,
}

/// The queued jobs. A writer that waits for the first job of a batch holds the lock, and the others store what they took.
pub(super) type Waiting = Arc<Mutex<mpsc::Receiver<Job>>>;

/// Documents that are stored together.
#[derive(Default)]
struct GatheredBatch {
    arrivals: Vec<Arrival>,
    replies: Vec<oneshot::Sender<IngestAnswer>>,
    ticked: bool,
}

impl Writer {
    /// Most counts of refusals of one transaction.
    const MAX_REFUSALS: usize = 250;

    pub(super) fn new(store: Box<dyn Store>, context: WriterContext) -> Self {
        Self { store, context, told: None }
    }

    /// Works until it is told to end, or until all senders are dropped. A document that was queued before the end is still
    /// stored: no sender is refused for a document that is queued here.
    pub(super) fn run(mut self, waiting: &Waiting) {
        self.housekeep();
        while let Some(batch) = Self::next_batch(waiting) {
            if !batch.arrivals.is_empty() {
                self.store_batch(&batch.arrivals, batch.replies);
            }
            if batch.ticked {
                self.housekeep();
            }
        }
        self.housekeep();
        if let Err(error) = self.store.settle() {
            say(&format!("warning: {error}"));
        }
    }

    /// The queued jobs, or the next one; nothing after the end.
    fn next_batch(waiting: &Waiting) -> Option<GatheredBatch> {
        let mut jobs = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = GatheredBatch::default();
        let mut next = Some(jobs.blocking_recv()?);
        while let Some(job) = next {
            match job {
                Job::Store { arrival, reply } => {
                    batch.arrivals.push(*arrival);
                    batch.replies.push(reply);
                }
                Job::Tick => batch.ticked = true,
                // Queued jobs can still be taken from a closed queue, by this writer and by the others.
                Job::End => jobs.close(),
            }
            next = if batch.arrivals.len() < MAX_BATCH { jobs.try_recv().ok() } else { None };
        }
        Some(batch)
    }

    fn store_batch(&mut self, batch: &[Arrival], replies: Vec<oneshot::Sender<IngestAnswer>>) {
        let (started, now) = (Instant::now(), chrono::Utc::now().timestamp());
        let mut answers = Vec::with_capacity(batch.len());
        if self.has_no_room() {
            answers.extend(batch.iter().map(|_| IngestAnswer::Unavailable(Unavailable::DiskReserve)));
        } else if self.is_spooling() {
            self.spool_batch(batch, &mut answers);
        } else {
            self.insert_batch(batch, now, &mut answers);
        }
        self.context.metrics.batches.observe(batch.len());
        self.context.metrics.commits.observe_seconds(started.elapsed());
        for (reply, answer) in replies.into_iter().zip(answers) {
            // The client may have disconnected; the document is still stored, and a second attempt is a duplicate.
            let _ = reply.send(answer);
        }
    }

    /// Whether the disk of an embedded store has reached its reserve.
    fn has_no_room(&self) -> bool {
        let directory = self.store.local_directory();
        directory.is_some_and(|directory| disk_space::free_bytes(directory) < self.context.disk_reserve)
    }

    /// Whether the store is known to be unreachable, so that not every batch waits for a timeout.
    fn is_spooling(&self) -> bool {
        self.context.spool.is_some() && self.context.metrics.outage.get() > 0
    }

    /// Stores a batch without the documents that the store does not accept; a later build may accept those.
    fn insert_batch(&mut self, batch: &[Arrival], now: i64, answers: &mut Vec<IngestAnswer>) {
        let BatchOutcome { documents, failure } = insert_what_fits(&mut *self.store, batch, now);
        let undecided = &batch[documents.len()..];
        if undecided.is_empty() && documents.iter().all(Result::is_ok) {
            self.told = None;
        }
        for stored in documents {
            answers.push(match stored {
                Ok(InsertOutcome::New) => IngestAnswer::Accepted,
                Ok(InsertOutcome::Duplicate) => IngestAnswer::Duplicate,
                Err(error) => {
                    self.context.metrics.poisoned.increment();
                    self.tell(&error.to_string());
                    IngestAnswer::Unavailable(Unavailable::Store)
                }
            });
        }
        match failure {
            None => {}
            // It may be stored nevertheless, if the answer came too late: then the spool holds duplicates.
            Some(error) if self.context.spool.is_some() => {
                self.tell(&format!("{error}; documents are spooled"));
                self.spool_batch(undecided, answers);
            }
            Some(error) => {
                self.tell(&error.to_string());
                answers.extend(undecided.iter().map(|_| IngestAnswer::Unavailable(Unavailable::Store)));
            }
        }
    }

    /// Keeps a batch in the spool. The thread that drains it detects when the store is reachable again.
    fn spool_batch(&mut self, batch: &[Arrival], answers: &mut Vec<IngestAnswer>) {
        let Some(spool) = self.context.spool.clone() else { return };
        let unavailable = |why| batch.iter().map(move |_| IngestAnswer::Unavailable(why));
        self.context.metrics.outage.set(1);
        if disk_space::free_bytes(spool.directory()) < self.context.disk_reserve {
            answers.extend(unavailable(Unavailable::DiskReserve));
            return;
        }
        match spool.append(batch) {
            Ok(()) => answers.extend(batch.iter().map(|_| IngestAnswer::Queued)),
            Err(error) => {
                self.tell(&error.to_string());
                answers.extend(unavailable(Unavailable::Store));
            }
        }
    }

    /// Stores what is not a document: the counts of refusals, and that this instance runs.
    fn housekeep(&mut self) {
        let (context, now) = (&self.context, chrono::Utc::now().timestamp());
        let directory = self.store.local_directory().or(context.spool.as_deref().map(Spool::directory));
        context.metrics.disk_free.set(directory.map_or(u64::MAX, disk_space::free_bytes));
        if self.has_no_room() || self.is_spooling() {
            return;
        }
        self.store_refusals(now);
        if let Err(error) = self.store.note_instance(self.context.instance, now) {
            self.tell(&error.to_string());
        }
    }

    /// Stores the counts of refusals part by part, so that a slow store takes some of them each time.
    fn store_refusals(&mut self, now: i64) {
        let mut open = self.context.refusals.take();
        while !open.is_empty() {
            let mut rest = open.split_off(open.len().min(Self::MAX_REFUSALS));
            if let Err(error) = self.store.add_refusals(&open, now) {
                self.tell(&error.to_string());
                open.append(&mut rest);
                return self.context.refusals.put_back(open);
            }
            open = rest;
        }
    }

    fn tell(&mut self, message: &str) {
        if self.told.as_deref() != Some(message) {
            say(&format!("error: {message}"));
            self.told = Some(message.to_owned());
        }
    }
}
