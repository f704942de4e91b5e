//! What the writer is asked to do.

use tokio::sync::oneshot;

use crate::answer::IngestAnswer;
use crate::arrival::Arrival;

/// What the writer is asked to do.
pub(super) enum Job {
    Store {
        arrival: Box<Arrival>,
        reply: oneshot::Sender<IngestAnswer>,
    },
    /// A second has passed: time for work other than documents.
    Tick,
    /// Store the queued documents, and end.
    End,
}
