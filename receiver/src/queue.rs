//! The one way into the store: a bounded queue, and one thread that commits what waits in batches.
//!
//! Batches form by themselves: while one is committed, the next gathers. To linger for a fuller batch was given up: it
//! adds its delay to every document of a quiet service and gains nothing in a busy one.

mod job;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use crate::answer::{IngestAnswer, Unavailable};
use crate::arrival::Arrival;
use crate::metrics::Metrics;
use crate::refusals::Refusals;
use crate::store::SqliteStore;
use job::Job;
use writer::Writer;

/// The queue before the store.
pub(crate) struct Queue {
    jobs: mpsc::Sender<Job>,
    capacity: usize,
    draining: AtomicBool,
}

impl Queue {
    /// Starts the thread that writes. It ends after [`Self::end`].
    pub(crate) fn start(
        store: SqliteStore,
        capacity: usize,
        disk_reserve: u64,
        refusals: Arc<Refusals>,
        metrics: Arc<Metrics>,
    ) -> (Self, JoinHandle<()>) {
        let (jobs, receiver) = mpsc::channel(capacity);
        let writer = Writer::new(store, disk_reserve, refusals, metrics);
        let thread = std::thread::spawn(move || writer.run(receiver));
        (Self { jobs, capacity, draining: AtomicBool::new(false) }, thread)
    }

    /// Stores a document, and answers once that is durable.
    pub(crate) async fn submit(&self, arrival: Box<Arrival>) -> IngestAnswer {
        if self.draining.load(Ordering::Relaxed) {
            return IngestAnswer::Unavailable(Unavailable::Draining);
        }
        let (reply, answer) = oneshot::channel();
        match self.jobs.try_send(Job::Store { arrival, reply }) {
            // A writer that ends without an answer has not stored it: whatever it has committed, it has answered.
            Ok(()) => answer.await.unwrap_or(IngestAnswer::Unavailable(Unavailable::Draining)),
            Err(mpsc::error::TrySendError::Full(_)) => IngestAnswer::Unavailable(Unavailable::QueueFull),
            Err(mpsc::error::TrySendError::Closed(_)) => IngestAnswer::Unavailable(Unavailable::Draining),
        }
    }

    /// Tells the writer that a second has passed. If the queue is full, the next second will do.
    pub(crate) fn tick(&self) {
        let _ = self.jobs.try_send(Job::Tick);
    }

    /// Lets the writer store what waits, and end. What comes after is answered with 503.
    pub(crate) async fn end(&self) {
        self.draining.store(true, Ordering::Relaxed);
        // That it has ended already is what was wanted.
        let _ = self.jobs.send(Job::End).await;
    }

    /// Documents that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.capacity - self.jobs.capacity()
    }
}
