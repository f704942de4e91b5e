//! The one way into the store: a bounded queue, and threads that commit queued documents in batches, one for an
//! embedded store and two for a server, so that one gathers while the other waits.
//!
//! Batches form by themselves: while one is committed, the next gathers. Waiting for a fuller batch was rejected: it
//! adds its delay to every document of a quiet service and gains nothing in a busy one.

mod job;
mod writer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use crate::answer::{IngestAnswer, Unavailable};
use crate::arrival::Arrival;
use crate::store::Store;
use job::Job;
use writer::Writer;

pub(crate) use writer::WriterContext;

/// The queue before the store.
pub(crate) struct Queue {
    jobs: mpsc::Sender<Job>,
    capacity: usize,
    draining: AtomicBool,
}

impl Queue {
    /// Starts a thread for each store; all are the same one. They end after [`Self::end`].
    pub(crate) fn start(
        stores: Vec<Box<dyn Store>>,
        capacity: usize,
        context: &WriterContext,
    ) -> (Self, Vec<JoinHandle<()>>) {
        let (jobs, receiver) = mpsc::channel(capacity);
        let waiting = Arc::new(Mutex::new(receiver));
        let start = |store| {
            let (writer, waiting) = (Writer::new(store, context.clone()), Arc::clone(&waiting));
            std::thread::spawn(move || writer.run(&waiting))
        };
        let threads = stores.into_iter().map(start).collect();
        (Self { jobs, capacity, draining: AtomicBool::new(false) }, threads)
    }

    /// Stores a document, and answers once that is durable.
    pub(crate) async fn submit(&self, arrival: Box<Arrival>) -> IngestAnswer {
        if self.draining.load(Ordering::Relaxed) {
            return IngestAnswer::Unavailable(Unavailable::Draining);
        }
        let (reply, answer) = oneshot::channel();
        match self.jobs.try_send(Job::Store { arrival, reply }) {
            // A writer that ends without an answer has not stored it: it answers for everything that it has committed.
            Ok(()) => answer.await.unwrap_or(IngestAnswer::Unavailable(Unavailable::Draining)),
            Err(mpsc::error::TrySendError::Full(_)) => IngestAnswer::Unavailable(Unavailable::QueueFull),
            Err(mpsc::error::TrySendError::Closed(_)) => IngestAnswer::Unavailable(Unavailable::Draining),
        }
    }

    /// Tells a writer that a second has passed. If the queue is full, the next second is soon enough.
    pub(crate) fn tick(&self) {
        let _ = self.jobs.try_send(Job::Tick);
    }

    /// Lets the writers store the queued documents, and end. Later documents are answered with 503.
    pub(crate) async fn end(&self) {
        self.draining.store(true, Ordering::Relaxed);
        // It has ended already, as wanted.
        let _ = self.jobs.send(Job::End).await;
    }

    /// Queued documents.
    pub(crate) fn waiting(&self) -> usize {
        self.capacity - self.jobs.capacity()
    }
}
