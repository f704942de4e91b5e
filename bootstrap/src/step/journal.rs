//! Where a run writes down what it is about to do and what became of it.

use manifest::{ManifestError, PrivateContext};
use schema::UtcSeconds;

/// A change of the record, made at a time.
pub type Update<'a> = &'a mut dyn FnMut(&mut PrivateContext, UtcSeconds);

/// The record of one run on the disk. Applying adds steps to it, a rollback adds what it undid.
pub trait Journal {
    /// The record as it stands.
    fn context(&self) -> &PrivateContext;

    /// Changes the record, at the current time, and returns only when it is on the disk: nothing may happen on the host
    /// that is not written down before it.
    ///
    /// # Errors
    /// The record could not be written. What it was about must not be done.
    fn update(&mut self, change: Update<'_>) -> Result<(), ManifestError>;
}
