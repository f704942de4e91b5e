//! Storing a batch of which some documents the tables may not take.

use super::{DocumentStore, InsertOutcome, StoreError};
use crate::arrival::Arrival;

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct BatchOutcome {
    /// Of each document, from the first one on: whether it was new, or why the store does not take it.
    pub(crate) documents: Vec<Result<InsertOutcome, StoreError>>,
    /// Why nothing is known of the documents after those.
    pub(crate) failure: Option<StoreError>,
}

/// Stores a batch without the documents that the store does not take. They are found by halving: a store that refuses a
/// batch does not say which document it means, and each half is a transaction of its own.
pub(crate) fn insert_what_fits(
    store: &mut (impl DocumentStore + ?Sized),
    batch: &[Arrival],
    received_at: i64,
) -> BatchOutcome {
    let mut documents = Vec::with_capacity(batch.len());
    let mut open = vec![batch];
    while let Some(part) = open.pop() {
        match store.insert(part, received_at) {
            Ok(stored) => documents.extend(stored.into_iter().map(Ok)),
            Err(error) if !error.is_about_a_row() => {
                return BatchOutcome { documents, failure: Some(error) };
            }
            Err(error) if part.len() < 2 => documents.push(Err(error)),
            Err(_) => {
                let (one, other) = part.split_at(part.len() / 2);
                open.extend([other, one]);
            }
        }
    }
    BatchOutcome { documents, failure: None }
}
