//! The erasure of a session or a run from the database.

use super::connection::PostgresConnection;
use super::session::PostgresStore;
use crate::arrival::PackedId;
use crate::store::fault::PostgresFault;
use crate::store::{Erased, ErasureStore, StoreError};

impl ErasureStore for PostgresStore {
    fn erase(&mut self, id: &PackedId) -> Result<Erased, StoreError> {
        self.run("erase", async |connection| erase(connection, id.as_bytes()).await)
    }
}

async fn erase(connection: &mut PostgresConnection, id: &[u8]) -> Result<Erased, PostgresFault> {
    let transaction = connection.client.transaction().await?;
    // A rollup that has read the documents would write their run again.
    let rolled_up: i64 =
        transaction.query_one("SELECT document_id FROM rolled_up FOR UPDATE", &[]).await?.try_get(0)?;
    let sessions = transaction.query("SELECT session_id FROM run WHERE run_id = $1", &[&id]).await?;
    let sessions = sessions.iter().map(|row| row.try_get(0)).collect::<Result<Vec<&[u8]>, _>>()?;
    let of_session = transaction.execute("DELETE FROM document WHERE session_id = $1", &[&id]).await?;
    let of_run = transaction
        .execute("DELETE FROM document WHERE run_id = $1 AND session_id = ANY ($2)", &[&id, &sessions])
        .await?;
    // Those that are not part of a run yet.
    let newest =
        transaction.execute("DELETE FROM document WHERE run_id = $1 AND id > $2", &[&id, &rolled_up]).await?;
    let runs = transaction.execute("DELETE FROM run WHERE session_id = $1 OR run_id = $1", &[&id]).await?;
    // The runs below it stay, and no longer say what is above them. All documents are read for that: those of one run may
    // name different ones, and the run knows only the first.
    for sql in [
        "UPDATE document SET parent_run_id = NULL WHERE parent_run_id = $1",
        "UPDATE run SET parent_run_id = NULL WHERE parent_run_id = $1",
    ] {
        transaction.execute(sql, &[&id]).await?;
    }
    transaction.commit().await?;
    let count = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
    Ok(Erased { documents: count(of_session + of_run + newest), runs: count(runs) })
}
