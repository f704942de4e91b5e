//! The thread that writes.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::job::Job;
use crate::answer::{Answer, Unavailable};
use crate::arrival::Arrival;
use crate::disk_space;
use crate::log::say;
use crate::metrics::Metrics;
use crate::refusals::Refusals;
use crate::store::{SqliteStore, StoreError, Stored};

/// What the writer works with.
pub(super) struct Writer {
    store: SqliteStore,
    disk_reserve: u64,
    refusals: Arc<Refusals>,
    metrics: Arc<Metrics>,
    instance: [u8; 16],
    /// The last failure that was told, so that a broken store does not fill the log.
    told: Option<String>,
}

impl Writer {
    /// Most documents of one transaction. More gain nothing, and the first of a batch waits for its last.
    const MAX_BATCH: usize = 1_024;

    pub(super) fn new(
        store: SqliteStore,
        disk_reserve: u64,
        refusals: Arc<Refusals>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let instance = Uuid::new_v4().into_bytes();
        Self { store, disk_reserve, refusals, metrics, instance, told: None }
    }

    /// Works until it is told to end, or until nobody can tell it any more.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        self.housekeep();
        let mut ends = false;
        while !ends {
            let Some(first) = jobs.blocking_recv() else { break };
            ends = self.round(first, &mut jobs);
        }
        // Whoever was faster than the end is still stored: a sender is not sent away with a document that waits here.
        jobs.close();
        while let Some(first) = jobs.blocking_recv() {
            self.round(first, &mut jobs);
        }
        self.housekeep();
        if let Err(error) = self.store.checkpoint() {
            say(&format!("warning: {error}"));
        }
    }

    /// Takes what waits, `first` before all, and stores it; whether the end was asked for.
    fn round(&mut self, first: Job, jobs: &mut mpsc::Receiver<Job>) -> bool {
        let (mut batch, mut replies) = (Vec::new(), Vec::new());
        let (mut ticked, mut ends) = (false, false);
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Store { arrival, reply } => {
                    batch.push(*arrival);
                    replies.push(reply);
                }
                Job::Tick => ticked = true,
                Job::End => ends = true,
            }
            next = if batch.len() < Self::MAX_BATCH { jobs.try_recv().ok() } else { None };
        }
        if !batch.is_empty() {
            self.store_batch(&batch, replies);
        }
        if ticked {
            self.housekeep();
        }
        ends
    }

    fn store_batch(&mut self, batch: &[Arrival], replies: Vec<oneshot::Sender<Answer>>) {
        let started = Instant::now();
        let answers = if disk_space::free_bytes(self.store.directory()) < self.disk_reserve {
            batch.iter().map(|_| Answer::Unavailable(Unavailable::DiskReserve)).collect()
        } else {
            let mut answers = Vec::with_capacity(batch.len());
            self.store_or_halve(batch, chrono::Utc::now().timestamp(), &mut answers);
            answers
        };
        self.metrics.batches.observe(batch.len());
        self.metrics.commits.observe_seconds(started.elapsed());
        for (reply, answer) in replies.into_iter().zip(answers) {
            // Who asked may have gone; the document is stored all the same, and a second attempt is a duplicate.
            let _ = reply.send(answer);
        }
    }

    /// Stores a batch, or finds the documents that the store does not take, by halving, and stores the rest.
    fn store_or_halve(&mut self, batch: &[Arrival], now: i64, answers: &mut Vec<Answer>) {
        match self.store.insert(batch, now) {
            Ok(stored) => {
                self.told = None;
                answers.extend(stored.into_iter().map(|stored| match stored {
                    Stored::New => Answer::Accepted,
                    Stored::Duplicate => Answer::Duplicate,
                }));
            }
            Err(error) if error.is_about_a_row() && batch.len() > 1 => {
                let (one, other) = batch.split_at(batch.len() / 2);
                self.store_or_halve(one, now, answers);
                self.store_or_halve(other, now, answers);
            }
            Err(error) => {
                if error.is_about_a_row() {
                    self.metrics.poisoned.increment();
                }
                self.tell(&error);
                answers.extend(batch.iter().map(|_| Answer::Unavailable(Unavailable::Store)));
            }
        }
    }

    /// Stores what is not a document: the counts of refusals, and that this instance runs.
    fn housekeep(&mut self) {
        let now = chrono::Utc::now().timestamp();
        let free = disk_space::free_bytes(self.store.directory());
        self.metrics.disk_free.set(free);
        if free < self.disk_reserve {
            return;
        }
        let refused = self.refusals.take();
        if !refused.is_empty()
            && let Err(error) = self.store.add_refusals(&refused, now)
        {
            self.tell(&error);
            self.refusals.put_back(refused);
        }
        if let Err(error) = self.store.note_instance(self.instance, now) {
            self.tell(&error);
        }
    }

    fn tell(&mut self, error: &StoreError) {
        let message = error.to_string();
        if self.told.as_ref() != Some(&message) {
            say(&format!("error: {message}"));
            self.told = Some(message);
        }
    }
}
