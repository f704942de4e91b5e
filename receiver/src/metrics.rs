//! Counters for Prometheus, in its text format 0.0.4.
//!
//! By hand and not by a crate: there are a dozen numbers whose labels are known when this is compiled, so that no request
//! can add a series. No label is an id, an address or a string that a client chose.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::answer::IngestAnswer;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that rises and falls.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Counts one more; the number that it is now.
    pub(crate) fn enter(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn leave(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Observations in buckets. Sums are kept in millionths of the unit.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [f64],
    buckets: Vec<AtomicU64>,
    millionths: AtomicU64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, buckets, millionths: AtomicU64::new(0) }
    }

    pub(crate) fn observe_seconds(&self, duration: Duration) {
        self.add(duration.as_secs_f64(), u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn observe(&self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.add(f64::from(count), u64::from(count) * 1_000_000);
    }

    fn add(&self, value: f64, millionths: u64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.millionths.fetch_add(millionths, Ordering::Relaxed);
    }

    fn write(&self, name: &str, help: &str, text: &mut String) -> fmt::Result {
        head(text, name, help, "histogram")?;
        let mut below = 0;
        for (bucket, bound) in self.buckets.iter().zip(self.bounds) {
            below += bucket.load(Ordering::Relaxed);
            writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {below}")?;
        }
        below += self.buckets[self.bounds.len()].load(Ordering::Relaxed);
        writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {below}")?;
        let millionths = self.millionths.load(Ordering::Relaxed);
        writeln!(text, "{name}_sum {}.{:06}", millionths / 1_000_000, millionths % 1_000_000)?;
        writeln!(text, "{name}_count {below}")
    }
}

/// What is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    answers: [Counter; IngestAnswer::WORDS.len()],
    /// Open connections.
    pub(crate) connections: Gauge,
    /// Requests that carry a document and are not answered yet.
    pub(crate) in_flight: Gauge,
    /// Bytes of bodies in memory that are not answered yet.
    pub(crate) body_bytes: AtomicU64,
    /// Bytes of pages in memory that their readers have not taken yet.
    pub(crate) page_bytes: AtomicU64,
    /// Documents that the store does not accept.
    pub(crate) poisoned: Counter,
    /// Documents of each transaction.
    pub(crate) batches: Histogram,
    /// Duration of each transaction.
    pub(crate) commits: Histogram,
    /// Free bytes of the disk of the store, or of the spool before a server.
    pub(crate) disk_free: Gauge,
    /// Whether the store is unreachable, so that documents are spooled: 1 or 0.
    pub(crate) outage: Gauge,
    /// Bytes of the spool that are not stored yet.
    pub(crate) spool_bytes: Gauge,
    /// Whether the clock is not believed, so that nothing is rolled up or deleted: 1 or 0.
    pub(crate) clock_doubted: Gauge,
    /// When everything was last rolled up and deleted that was due, in seconds since 1970; 0 before the first time.
    pub(crate) housekept: Gauge,
    /// Files of the spool that were set aside.
    pub(crate) spool_damaged: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            answers: std::array::from_fn(|_| Counter::default()),
            connections: Gauge::default(),
            in_flight: Gauge::default(),
            body_bytes: AtomicU64::new(0),
            page_bytes: AtomicU64::new(0),
            poisoned: Counter::default(),
            batches: Histogram::new(&[1.0, 4.0, 16.0, 64.0, 256.0, 1024.0]),
            commits: Histogram::new(&[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0]),
            disk_free: Gauge::default(),
            outage: Gauge::default(),
            spool_bytes: Gauge::default(),
            clock_doubted: Gauge::default(),
            housekept: Gauge::default(),
            spool_damaged: Counter::default(),
        }
    }
}

impl Metrics {
    /// Counts an answer to a request that carried a document.
    pub(crate) fn count(&self, answer: &IngestAnswer) {
        if let Some(index) = IngestAnswer::WORDS.iter().position(|word| *word == answer.word()) {
            self.answers[index].increment();
        }
    }

    /// Everything as text. Only the queue knows its own length.
    pub(crate) fn text(&self, waiting: usize) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(waiting, &mut text);
        text
    }

    fn write(&self, waiting: usize, text: &mut String) -> fmt::Result {
        head(text, "receiver_answers_total", "Answers to requests with a document, by outcome.", "counter")?;
        for (word, counter) in IngestAnswer::WORDS.iter().zip(&self.answers) {
            writeln!(text, "receiver_answers_total{{outcome=\"{word}\"}} {}", counter.get())?;
        }
        for (name, help, value) in [
            (
                "receiver_poisoned_total",
                "Documents that passed the gate and that the store does not take.",
                self.poisoned.get(),
            ),
            (
                "receiver_spool_damaged_total",
                "Files of the spool that were set aside, with documents that are not stored.",
                self.spool_damaged.get(),
            ),
        ] {
            head(text, name, help, "counter")?;
            writeln!(text, "{name} {value}")?;
        }
        for (name, help, value) in [
            ("receiver_connections", "Open connections.", self.connections.get()),
            (
                "receiver_in_flight",
                "Requests with a document that are not answered yet.",
                self.in_flight.get(),
            ),
            ("receiver_body_bytes", "Bytes of bodies in memory.", self.body_bytes.load(Ordering::Relaxed)),
            (
                "receiver_page_bytes",
                "Bytes of pages that their readers have not taken yet.",
                self.page_bytes.load(Ordering::Relaxed),
            ),
            ("receiver_queue_length", "Documents that wait for the store.", waiting as u64),
            ("receiver_disk_free_bytes", "Free bytes of the disk of the store.", self.disk_free.get()),
            ("receiver_store_outage", "Whether the store is out of reach.", self.outage.get()),
            ("receiver_spool_bytes", "Bytes of the spool that are not stored yet.", self.spool_bytes.get()),
            (
                "receiver_clock_doubted",
                "Whether the clock is not believed, so that nothing is rolled up or deleted.",
                self.clock_doubted.get(),
            ),
            (
                "receiver_housekeeping_timestamp_seconds",
                "When everything was last rolled up and deleted that was due; 0 before the first time.",
                self.housekept.get(),
            ),
        ] {
            head(text, name, help, "gauge")?;
            writeln!(text, "{name} {value}")?;
        }
        self.batches.write("receiver_batch_documents", "Documents of a transaction.", text)?;
        self.commits.write("receiver_commit_seconds", "Duration of a transaction.", text)?;
        head(text, "receiver_build_info", "Versions of this build.", "gauge")?;
        let (version, contract) = (env!("CARGO_PKG_VERSION"), schema::CONTRACT_VERSION);
        writeln!(text, "receiver_build_info{{version=\"{version}\",contract=\"{contract}\"}} 1")
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) -> fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up() {
        let metrics = Metrics::default();
        for count in [1, 2, 5_000] {
            metrics.batches.observe(count);
        }
        metrics.count(&IngestAnswer::TooLarge);
        let text = metrics.text(7);
        for line in [
            "receiver_batch_documents_bucket{le=\"1\"} 1",
            "receiver_batch_documents_bucket{le=\"4\"} 2",
            "receiver_batch_documents_bucket{le=\"1024\"} 2",
            "receiver_batch_documents_bucket{le=\"+Inf\"} 3",
            "receiver_batch_documents_sum 5003.000000",
            "receiver_answers_total{outcome=\"too_large\"} 1",
            "receiver_queue_length 7",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in:\n{text}");
        }
    }
}
