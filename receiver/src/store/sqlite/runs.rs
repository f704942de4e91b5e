//! Runs in the store: put together slice by slice, and read back week by week.

use rusqlite::{Row, Transaction, TransactionBehavior, params};

use super::SqliteStore;
use crate::arrival::PackedId;
use crate::run_row::{RunRow, StoredDocument};
use crate::store::StoreError;
use crate::week::Week;

const DOCUMENT_COLUMNS: &str =
    "session_id, run_id, parent_run_id, occurred_at, received_at, sent_at, event, component,
     client, contract, attempt, detail";

const UPSERT: &str =
    "INSERT INTO run (session_id, run_id, parent_run_id, component, received_at, client, contract, command,
         mode, execution, result, os_id, os_version, arch, failure_step, failure_reason, started, finished)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (session_id, run_id) DO UPDATE SET
         parent_run_id = coalesce(parent_run_id, excluded.parent_run_id),
         received_at = min(received_at, excluded.received_at),
         command = coalesce(command, excluded.command), mode = coalesce(mode, excluded.mode),
         execution = coalesce(execution, excluded.execution), result = coalesce(result, excluded.result),
         os_id = coalesce(os_id, excluded.os_id), os_version = coalesce(os_version, excluded.os_version),
         arch = coalesce(arch, excluded.arch), failure_step = coalesce(failure_step, excluded.failure_step),
         failure_reason = coalesce(failure_reason, excluded.failure_reason),
         started = min(coalesce(started, excluded.started), coalesce(excluded.started, started)),
         finished = max(coalesce(finished, excluded.finished), coalesce(excluded.finished, finished))";

impl SqliteStore {
    /// Adds the next documents, at most `slice`, to the runs; how many there were. What is read and how far it was read
    /// are one transaction, so that no document is left out or lost by a death in between.
    ///
    /// # Errors
    /// The disk is full, or the file is damaged or held by another process.
    pub(crate) fn roll_up_runs(&mut self, slice: usize) -> Result<usize, StoreError> {
        let rolled = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(
            |transaction| {
                let count = roll_up(&transaction, i64::try_from(slice).unwrap_or(i64::MAX))?;
                transaction.commit().map(|()| count)
            },
        );
        rolled.map_err(|error| self.failed("put runs together", error))
    }

    /// Shows each run whose first document arrived in a week, with its manifest.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn each_run(
        &self,
        week: Week,
        mut show: impl FnMut(&RunRow, Option<&str>),
    ) -> Result<(), StoreError> {
        let mut read = || {
            let mut query = self.connection.prepare(
                "SELECT session_id, run_id, parent_run_id, component, received_at, client, contract, command, mode,
                     execution, result, os_id, os_version, arch, failure_step, failure_reason, started, finished,
                     (SELECT detail FROM document WHERE document.session_id = run.session_id
                          AND document.run_id = run.run_id AND document.event = ? ORDER BY id LIMIT 1)
                 FROM run WHERE received_at >= ? AND received_at < ?",
            )?;
            let mut rows = query.query(params![RunRow::MANIFEST_EVENT, week.start(), week.end()])?;
            while let Some(row) = rows.next()? {
                show(&run(row)?, row.get_ref(18)?.as_str_or_null()?);
            }
            Ok(())
        };
        read().map_err(|error| self.failed("read the runs of a week", error))
    }

    /// Shows each document that arrived in a week.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn each_document(
        &self,
        week: Week,
        mut show: impl FnMut(&StoredDocument),
    ) -> Result<(), StoreError> {
        let mut read = || {
            let sql =
                format!("SELECT {DOCUMENT_COLUMNS} FROM document WHERE received_at >= ? AND received_at < ?");
            let mut query = self.connection.prepare(&sql)?;
            let mut rows = query.query([week.start(), week.end()])?;
            while let Some(row) = rows.next()? {
                show(&document(row)?);
            }
            Ok(())
        };
        read().map_err(|error| self.failed("read the documents of a week", error))
    }

    /// The documents of a session, in the order in which they happened, at most `limit`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn documents_of(
        &self,
        session: &PackedId,
        limit: u32,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        let read = || {
            let sql = format!(
                "SELECT {DOCUMENT_COLUMNS} FROM document WHERE session_id = ? ORDER BY occurred_at, event_id LIMIT ?"
            );
            let mut query = self.connection.prepare(&sql)?;
            query
                .query_map(params![session.as_bytes(), limit], document)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.failed("read a chain", error))
    }

    /// The sessions whose documents arrived last, newest first, at most `limit`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn latest_sessions(&self, limit: u32) -> Result<Vec<(PackedId, i64)>, StoreError> {
        let read = || {
            // The last rows alone are looked at: a service with millions of documents answers as fast.
            let mut query = self.connection.prepare(
                "SELECT session_id, max(received_at) FROM (SELECT * FROM document ORDER BY id DESC LIMIT 2000)
                 GROUP BY session_id ORDER BY max(id) DESC LIMIT ?",
            )?;
            query
                .query_map([limit], |row| Ok((id(row, 0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.failed("read the latest sessions", error))
    }
}

fn roll_up(transaction: &Transaction<'_>, slice: i64) -> rusqlite::Result<usize> {
    let sql = format!(
        "SELECT {DOCUMENT_COLUMNS}, id FROM document WHERE id > (SELECT document_id FROM rolled_up) ORDER BY id LIMIT ?"
    );
    let mut query = transaction.prepare(&sql)?;
    let mut upsert = transaction.prepare(UPSERT)?;
    let mut rows = query.query([slice])?;
    let (mut count, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        let run = RunRow::of(&document(row)?);
        last = Some(row.get::<_, i64>(12)?);
        count += 1;
        upsert.execute(params![
            run.session_id.as_bytes(),
            run.run_id.as_bytes(),
            run.parent_run_id.as_ref().map(PackedId::as_bytes),
            run.component,
            run.received_at,
            run.client,
            run.contract,
            run.command,
            run.mode,
            run.execution,
            run.result,
            run.os_id,
            run.os_version,
            run.arch,
            run.failure_step,
            run.failure_reason,
            run.started,
            run.finished,
        ])?;
    }
    if let Some(last) = last {
        transaction.execute("UPDATE rolled_up SET document_id = ?", [last])?;
    }
    Ok(count)
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<PackedId> {
    let bytes = row.get_ref(column)?.as_blob()?;
    PackedId::from_bytes(bytes).ok_or(rusqlite::Error::InvalidColumnType(
        column,
        "an id".to_owned(),
        rusqlite::types::Type::Blob,
    ))
}

fn optional_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<PackedId>> {
    Ok(row.get_ref(column)?.as_blob_or_null()?.and_then(PackedId::from_bytes))
}

fn document(row: &Row<'_>) -> rusqlite::Result<StoredDocument> {
    Ok(StoredDocument {
        session_id: id(row, 0)?,
        run_id: id(row, 1)?,
        parent_run_id: optional_id(row, 2)?,
        occurred_at: row.get(3)?,
        received_at: row.get(4)?,
        sent_at: row.get(5)?,
        event: row.get(6)?,
        component: row.get(7)?,
        client: row.get(8)?,
        contract: row.get(9)?,
        attempt: row.get(10)?,
        detail: serde_json::from_str(row.get_ref(11)?.as_str()?).unwrap_or_default(),
    })
}

fn run(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        session_id: id(row, 0)?,
        run_id: id(row, 1)?,
        parent_run_id: optional_id(row, 2)?,
        component: row.get(3)?,
        received_at: row.get(4)?,
        client: row.get(5)?,
        contract: row.get(6)?,
        command: row.get(7)?,
        mode: row.get(8)?,
        execution: row.get(9)?,
        result: row.get(10)?,
        os_id: row.get(11)?,
        os_version: row.get(12)?,
        arch: row.get(13)?,
        failure_step: row.get(14)?,
        failure_reason: row.get(15)?,
        started: row.get(16)?,
        finished: row.get(17)?,
    })
}
