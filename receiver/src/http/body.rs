//! Reading a body within bounds: of size, of time, and of the memory of all bodies together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use schema::limits::MAX_DOCUMENT_BYTES;
use tokio::time::timeout;

use crate::answer::{IngestAnswer, Unavailable};

/// A body in memory. Its bytes count until it is dropped.
pub(super) struct ReadBody<'a> {
    bytes: Vec<u8>,
    in_memory: &'a AtomicU64,
}

impl ReadBody<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn add(&mut self, chunk: &[u8]) {
        self.in_memory.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        self.bytes.extend_from_slice(chunk);
    }
}

impl Drop for ReadBody<'_> {
    fn drop(&mut self) {
        self.in_memory.fetch_sub(self.bytes.len() as u64, Ordering::Relaxed);
    }
}

/// Reads a whole body of at most [`MAX_DOCUMENT_BYTES`] within `time`. The length in the header is used to
/// refuse early and is not trusted: the bytes are counted as they arrive.
///
/// # Errors
/// The answer to a body that is too large, too slow or broken off, or for which there is no memory.
pub(super) async fn read(
    mut body: Incoming,
    time: Duration,
    in_memory: &AtomicU64,
    limit: u64,
) -> Result<ReadBody<'_>, IngestAnswer> {
    if body.size_hint().lower() > MAX_DOCUMENT_BYTES as u64 {
        discard(body).await;
        return Err(IngestAnswer::TooLarge);
    }
    let mut read = ReadBody { bytes: Vec::new(), in_memory };
    let filled = timeout(time, fill(&mut body, &mut read, limit)).await.unwrap_or(Err(IngestAnswer::Stalled));
    if matches!(filled, Err(IngestAnswer::TooLarge)) {
        discard(body).await;
    }
    filled.map(|()| read)
}

async fn fill(body: &mut Incoming, read: &mut ReadBody<'_>, limit: u64) -> Result<(), IngestAnswer> {
    while let Some(frame) = body.frame().await {
        // A malformed chunked body, or a connection that ends within one: no document, and no peer to answer.
        let frame = frame.map_err(|_| IngestAnswer::Stalled)?;
        let Ok(chunk) = frame.into_data() else { continue };
        if read.bytes.len() + chunk.len() > MAX_DOCUMENT_BYTES {
            return Err(IngestAnswer::TooLarge);
        }
        if read.in_memory.load(Ordering::Relaxed) + chunk.len() as u64 > limit {
            return Err(IngestAnswer::Unavailable(Unavailable::InFlight));
        }
        read.add(&chunk);
    }
    Ok(())
}

/// Reads the rest and discards it, for a second and a megabyte at most. A connection that is closed with unread bytes is
/// reset, and the reset may overtake the answer.
pub(super) async fn discard(mut body: Incoming) {
    const MAX_BYTES: usize = 1024 * 1024;
    const TIME: Duration = Duration::from_secs(1);
    let skim = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, hyper::body::Bytes::len);
            if bytes > MAX_BYTES {
                return;
            }
        }
    };
    // Whether it reached the end does not matter.
    let _ = timeout(TIME, skim).await;
}
