//! Pages in memory that their readers have not taken yet. They are bounded: who reads slowly on purpose keeps other readers
//! from their pages, and takes no memory from the intake.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::body::Bytes;

use crate::metrics::Metrics;

/// Most bytes of pages at one time: some hundred of the largest charts.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A page whose bytes count until the last of them is on its way.
struct HeldPage {
    text: String,
    metrics: Arc<Metrics>,
}

impl AsRef<[u8]> for HeldPage {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Drop for HeldPage {
    fn drop(&mut self) {
        self.metrics.page_bytes.fetch_sub(self.text.len() as u64, Ordering::Relaxed);
    }
}

/// The bytes of a page; nothing if too many wait to be taken.
pub(super) fn hold(text: String, metrics: &Arc<Metrics>) -> Option<Bytes> {
    let length = text.len() as u64;
    let before = metrics.page_bytes.fetch_add(length, Ordering::Relaxed);
    let page = HeldPage { text, metrics: Arc::clone(metrics) };
    // One page always has room, however large it is.
    (before == 0 || before + length <= MAX_BYTES).then(|| Bytes::from_owner(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_leaves_less_room_for_others() {
        let metrics = Arc::<Metrics>::default();
        let most = usize::try_from(MAX_BYTES).expect("small");
        let hold = |length: usize| super::hold("x".repeat(length), &metrics);
        let large = hold(most + 1).expect("one always has room");
        assert!(hold(1).is_none());
        let part = large.slice(..10);
        drop(large);
        assert!(hold(1).is_none(), "a part of it is not taken yet");
        drop(part);
        let (one, other) = (hold(most / 2).expect("there is room"), hold(most / 2).expect("there is room"));
        assert!(hold(1).is_none());
        drop((one, other));
        assert_eq!(metrics.page_bytes.load(Ordering::Relaxed), 0);
    }
}
