//! Runs in the store: combined slice by slice, and read week by week.

use rusqlite::{OptionalExtension, Row, Statement, Transaction, TransactionBehavior, params};

use super::SqliteStore;
use crate::arrival::PackedId;
use crate::run_row::{ManifestKey, RunRow, StoredDocument, runs_of};
use crate::store::arrival_time::ArrivalTimes;
use crate::store::{RunStore, StoreError};
use crate::week::Week;

const DOCUMENT_COLUMNS: &str =
    "session_id, run_id, parent_run_id, occurred_at, received_at, sent_at, event, component,
     client, contract, attempt, detail, event_id";

const RUN_COLUMNS: &str =
    "session_id, run_id, parent_run_id, component, received_at, client, contract, command, mode,
     execution, result, os_id, os_version, arch, failure_step, failure_reason, started, finished,
     manifest_occurred_at, manifest_event_id, last_received_at";

/// Reads the runs of a week with their manifests, each of which is found by its key.
fn runs_of_week() -> String {
    format!(
        "SELECT {RUN_COLUMNS},
             (SELECT detail FROM document WHERE document.session_id = run.session_id
                  AND document.occurred_at = run.manifest_occurred_at AND document.event_id = run.manifest_event_id)
         FROM run WHERE received_at >= ? AND received_at < ?"
    )
}

impl RunStore for SqliteStore {
    fn roll_up_runs(&mut self, slice: usize, now: i64) -> Result<usize, StoreError> {
        let rolled = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(
            |transaction| {
                let count = roll_up(&transaction, slice, now)?;
                transaction.commit().map(|()| count)
            },
        );
        rolled.map_err(|error| self.failed("put runs together", error))
    }

    fn each_run(
        &mut self,
        week: Week,
        show: &mut dyn FnMut(&RunRow, Option<&str>),
    ) -> Result<(), StoreError> {
        let mut read = || {
            let mut query = self.connection.prepare(&runs_of_week())?;
            let mut rows = query.query([week.start(), week.end()])?;
            while let Some(row) = rows.next()? {
                show(&run(row)?, row.get_ref(21)?.as_str_or_null()?);
            }
            Ok(())
        };
        read().map_err(|error| self.failed("read the runs of a week", error))
    }

    fn each_document(&mut self, week: Week, show: &mut dyn FnMut(&StoredDocument)) -> Result<(), StoreError> {
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

    fn documents_of(&mut self, session: &PackedId, limit: u32) -> Result<Vec<StoredDocument>, StoreError> {
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

    fn latest_sessions(&mut self, limit: u32) -> Result<Vec<(PackedId, i64)>, StoreError> {
        let read = || {
            // Only the last rows are read: a service with millions of documents answers as fast.
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

fn roll_up(transaction: &Transaction<'_>, slice: usize, now: i64) -> rusqlite::Result<usize> {
    let (done, done_at): (i64, Option<i64>) =
        transaction.query_row("SELECT document_id, done_at FROM rolled_up", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let times = ArrivalTimes::new(done_at, now);
    if times.last_was_ahead() {
        correct_all(transaction, times)?;
    }
    let documents = next_documents(transaction, done, slice, times)?;
    add_to_runs(transaction, documents.iter().map(|(_, document)| document))?;
    let last = documents.last().map_or(done, |(id, _)| *id);
    let done_at = if documents.len() < slice || times.last_was_ahead() { Some(now) } else { done_at };
    transaction.execute("UPDATE rolled_up SET document_id = ?, done_at = ?", params![last, done_at])?;
    Ok(documents.len())
}

/// The documents after the number `done`, at most `slice`, with their numbers. Arrivals that cannot be right are corrected.
fn next_documents(
    transaction: &Transaction<'_>,
    done: i64,
    slice: usize,
    times: ArrivalTimes,
) -> rusqlite::Result<Vec<(i64, StoredDocument)>> {
    let sql = format!("SELECT {DOCUMENT_COLUMNS}, id FROM document WHERE id > ? ORDER BY id LIMIT ?");
    let mut query = transaction.prepare(&sql)?;
    let limit = i64::try_from(slice).unwrap_or(i64::MAX);
    let read = query.query_map([done, limit], |row| Ok((row.get(13)?, document(row)?)))?;
    let mut documents = read.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut correct = transaction.prepare("UPDATE document SET received_at = ? WHERE id = ?")?;
    for (id, document) in &mut documents {
        if times.correct(document) {
            correct.execute([document.received_at, *id])?;
        }
    }
    Ok(documents)
}

/// Corrects what former rollups took ([`ArrivalTimes::last_was_ahead`]).
fn correct_all(transaction: &Transaction<'_>, times: ArrivalTimes) -> rusqlite::Result<()> {
    let (now, latest) = (times.now(), times.latest());
    transaction.execute("UPDATE document SET received_at = ? WHERE received_at > ?", [now, latest])?;
    transaction.execute(
        "UPDATE run SET received_at = min(received_at, ?1), last_received_at = ?1 WHERE last_received_at > ?2",
        [now, latest],
    )?;
    Ok(())
}

fn add_to_runs<'a>(
    transaction: &Transaction<'_>,
    documents: impl IntoIterator<Item = &'a StoredDocument>,
) -> rusqlite::Result<()> {
    let mut known =
        transaction.prepare(&format!("SELECT {RUN_COLUMNS} FROM run WHERE session_id = ? AND run_id = ?"))?;
    let mut write = transaction.prepare(&format!(
        "INSERT OR REPLACE INTO run ({RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ))?;
    for told in runs_of(documents) {
        let keys = [told.session_id.as_bytes(), told.run_id.as_bytes()];
        let merged = match known.query_row(keys, run).optional()? {
            Some(known) => known.merged_with(told),
            None => told,
        };
        write_run(&mut write, &merged)?;
    }
    Ok(())
}

fn write_run(write: &mut Statement<'_>, run: &RunRow) -> rusqlite::Result<usize> {
    write.execute(params![
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
        run.manifest.map(|manifest| manifest.occurred_at),
        run.manifest.map(|manifest| manifest.event_id),
        run.last_received_at,
    ])
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
        event_id: row.get(12)?,
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
        manifest: row
            .get::<_, Option<i64>>(18)?
            .zip(row.get(19)?)
            .map(|(occurred_at, event_id)| ManifestKey { occurred_at, event_id }),
        last_received_at: row.get(20)?,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::arrival::{Arrival, example};
    use crate::store::{DocumentStore, TableAccess};

    /// Steps of the engine to read a week of this many runs, all of one session.
    fn steps(runs: u32) -> i32 {
        let directory = tempfile::tempdir().expect("a directory");
        let mut store = SqliteStore::open(&directory.path().join("r.db"), TableAccess::Make).expect("opened");
        let document = |number: u32| {
            let run_id = PackedId::from_bytes(&u64::from(number / 2).to_be_bytes()).expect("an id");
            let event =
                if number.is_multiple_of(2) { "core.command.started" } else { RunRow::MANIFEST_EVENT };
            let event_id = u128::from(number).to_be_bytes();
            Arrival { run_id, event_id, event: event.to_owned(), ..example(0) }
        };
        let documents: Vec<Arrival> = (0..2 * runs).map(document).collect();
        store.insert(&documents, 0).expect("stored");
        while store.roll_up_runs(2_000, 0).expect("rolled up") > 0 {}
        let (week, mut manifests) = (Week::of(0), 0);
        store.each_run(week, &mut |_, manifest| manifests += u32::from(manifest.is_some())).expect("read");
        assert_eq!(manifests, runs);
        let mut query = store.connection.prepare(&runs_of_week()).expect("prepared");
        let mut rows = query.query([week.start(), week.end()]).expect("read");
        while rows.next().expect("read").is_some() {}
        drop(rows);
        query.get_status(StatementStatus::VmStep)
    }

    #[test]
    fn a_run_is_read_in_as_many_steps_however_many_its_session_has() {
        let [few, many] = [steps(500), steps(2_000)];
        assert!(many < 5 * few, "{few} steps for 500 runs, {many} for 2,000");
    }
}
