//! The erasure of a session or a run from the file.

use rusqlite::{Connection, TransactionBehavior, params};

use super::SqliteStore;
use super::weeks::correct_rollup;
use crate::arrival::PackedId;
use crate::store::{Erased, ErasureStore, StoreError};

impl ErasureStore for SqliteStore {
    fn erase(&mut self, id: &PackedId) -> Result<Erased, StoreError> {
        erase(&mut self.connection, id.as_bytes()).map_err(|error| self.failed("erase", error))
    }
}

fn erase(connection: &mut Connection, id: &[u8]) -> rusqlite::Result<Erased> {
    // Without this the bytes would stay in the free pages of the file.
    connection.execute_batch("PRAGMA secure_delete = ON")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut documents = 0;
    for sql in [
        "DELETE FROM document WHERE session_id = ?1",
        "DELETE FROM document WHERE run_id = ?1 AND session_id IN (SELECT session_id FROM run WHERE run_id = ?1)",
        // Those that are not part of a run yet.
        "DELETE FROM document WHERE run_id = ?1 AND id > (SELECT document_id FROM rolled_up)",
    ] {
        documents += transaction.execute(sql, params![id])?;
    }
    let runs = transaction.execute("DELETE FROM run WHERE session_id = ?1 OR run_id = ?1", params![id])?;
    correct_rollup(&transaction)?;
    transaction.commit()?;
    Ok(Erased { documents, runs })
}
