//! Runs in the database: combined slice by slice, and read week by week.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::connection::PostgresConnection;
use super::months::BRIEFLY;
use super::session::PostgresStore;
use crate::arrival::PackedId;
use crate::run_row::{ManifestKey, RunRow, StoredDocument, runs_of};
use crate::store::fault::PostgresFault;
use crate::store::{RunStore, StoreError};
use crate::week::Week;

/// Rows that are read at a time.
const ROWS: i32 = 2_000;

macro_rules! document_columns {
    () => {
        "session_id, run_id, parent_run_id, occurred_at, received_at, sent_at, event, component,
         client, contract, attempt, detail::text, event_id"
    };
}

macro_rules! run_columns {
    () => {
        "session_id, run_id, parent_run_id, component, received_at, client, contract, command, mode,
         execution, result, os_id, os_version, arch, failure_step, failure_reason, started, finished,
         manifest_occurred_at, manifest_event_id"
    };
}

impl RunStore for PostgresStore {
    fn roll_up_runs(&mut self, slice: usize) -> Result<usize, StoreError> {
        let slice = i64::try_from(slice).unwrap_or(i64::MAX);
        self.run("put runs together", async |connection| roll_up(connection, slice).await)
    }

    fn each_run(
        &mut self,
        week: Week,
        show: &mut dyn FnMut(&RunRow, Option<&str>),
    ) -> Result<(), StoreError> {
        // By the whole key of the manifest: one probe of one partition.
        let sql = concat!(
            "SELECT ",
            run_columns!(),
            ", (SELECT detail::text FROM document WHERE document.session_id = run.session_id
                    AND document.occurred_at = run.manifest_occurred_at
                    AND document.event_id = run.manifest_event_id)
             FROM run WHERE received_at >= $1 AND received_at < $2"
        );
        self.run("read the runs of a week", async |connection| {
            each(connection, sql, &[&week.start(), &week.end()], &mut |row| {
                show(&run(row)?, row.try_get(20)?);
                Ok(())
            })
            .await
        })
    }

    fn each_document(&mut self, week: Week, show: &mut dyn FnMut(&StoredDocument)) -> Result<(), StoreError> {
        let sql = concat!(
            "SELECT ",
            document_columns!(),
            " FROM document WHERE received_at >= $1 AND received_at < $2"
        );
        self.run("read the documents of a week", async |connection| {
            each(connection, sql, &[&week.start(), &week.end()], &mut |row| {
                show(&document(row)?);
                Ok(())
            })
            .await
        })
    }

    fn documents_of(&mut self, session: &PackedId, limit: u32) -> Result<Vec<StoredDocument>, StoreError> {
        let sql = concat!(
            "SELECT ",
            document_columns!(),
            " FROM document WHERE session_id = $1 ORDER BY occurred_at, event_id LIMIT $2"
        );
        self.run("read a chain", async |connection| {
            let statement = connection.prepare(sql).await?;
            let rows = connection.client.query(&statement, &[&session.as_bytes(), &i64::from(limit)]).await?;
            rows.iter().map(document).collect()
        })
    }

    fn latest_sessions(&mut self, limit: u32) -> Result<Vec<(PackedId, i64)>, StoreError> {
        self.run("read the latest sessions", async |connection| {
            // Only the last rows are read: a service with millions of documents answers as fast.
            let statement = connection
                .prepare(
                    "SELECT session_id, max(received_at)
                     FROM (SELECT session_id, received_at, id FROM document ORDER BY id DESC LIMIT 2000) AS latest
                     GROUP BY session_id ORDER BY max(id) DESC LIMIT $1",
                )
                .await?;
            let rows = connection.client.query(&statement, &[&i64::from(limit)]).await?;
            rows.iter().map(|row| Ok((id(row, 0)?, row.try_get(1)?))).collect()
        })
    }
}

/// Shows the rows of a query, some thousands at a time: a week of a fleet is larger than memory.
async fn each(
    connection: &mut PostgresConnection,
    sql: &'static str,
    parameters: &[&(dyn ToSql + Sync)],
    show: &mut dyn FnMut(&Row) -> Result<(), PostgresFault>,
) -> Result<(), PostgresFault> {
    let statement = connection.prepare(sql).await?;
    let transaction = connection.client.transaction().await?;
    let portal = transaction.bind(&statement, parameters).await?;
    loop {
        let rows = transaction.query_portal(&portal, ROWS).await?;
        rows.iter().try_for_each(&mut *show)?;
        if rows.is_empty() {
            return Ok(());
        }
    }
}

async fn roll_up(connection: &mut PostgresConnection, slice: i64) -> Result<usize, PostgresFault> {
    let documents = connection
        .prepare(concat!(
            "SELECT ",
            document_columns!(),
            ", id FROM document WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3"
        ))
        .await?;
    let known = connection
        .prepare(concat!(
            "SELECT ",
            run_columns!(),
            " FROM run WHERE (session_id, run_id) IN (SELECT * FROM unnest($1::bytea[], $2::bytea[]))"
        ))
        .await?;
    let write = connection.prepare(WRITE).await?;
    let transaction = connection.client.transaction().await?;
    // First the row that locks the rollup, then how far it may go: a second instance waits here and finds less.
    let done: i64 =
        transaction.query_one("SELECT document_id FROM rolled_up FOR UPDATE", &[]).await?.try_get(0)?;
    let horizon = horizon(&transaction).await?;
    let rows = transaction.query(&documents, &[&done, &horizon, &slice]).await?;
    let Some(last) = rows.last() else { return Ok(0) };
    let last: i64 = last.try_get(13)?;
    let read = rows.iter().map(document).collect::<Result<Vec<_>, _>>()?;
    let mut runs = runs_of(&read);
    let sessions: Vec<&[u8]> = runs.iter().map(|run| run.session_id.as_bytes()).collect();
    let ids: Vec<&[u8]> = runs.iter().map(|run| run.run_id.as_bytes()).collect();
    for row in transaction.query(&known, &[&sessions, &ids]).await? {
        let known = run(&row)?;
        let key = (known.session_id, known.run_id);
        if let Ok(index) = runs.binary_search_by_key(&key, |run| (run.session_id, run.run_id)) {
            runs[index] = known.merged_with(runs[index].clone());
        }
    }
    write_runs(&transaction, &write, &runs).await?;
    transaction.execute("UPDATE rolled_up SET document_id = $1", &[&last]).await?;
    transaction.commit().await?;
    Ok(rows.len())
}

/// The highest number below which no document can appear any more.
///
/// Numbers are given before the commit, so that a lower one may appear after a higher one, and would never be rolled
/// up. The lock waits for the active writers, and later writers get higher numbers. It is held for no longer than this
/// takes: a savepoint that is rolled back releases it.
async fn horizon(transaction: &tokio_postgres::Transaction<'_>) -> Result<i64, PostgresFault> {
    transaction
        .batch_execute(&format!("SAVEPOINT horizon; {BRIEFLY}; LOCK TABLE ONLY document IN SHARE MODE"))
        .await?;
    let highest =
        transaction.query_one("SELECT coalesce(max(id), 0) FROM document", &[]).await?.try_get(0)?;
    transaction.batch_execute("ROLLBACK TO SAVEPOINT horizon").await?;
    Ok(highest)
}

const WRITE: &str = concat!(
    "INSERT INTO run (",
    run_columns!(),
    ") SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::bigint[], $6::text[], $7::text[],
         $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
         $16::text[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bytea[])
     ON CONFLICT (session_id, run_id) DO UPDATE SET
         parent_run_id = excluded.parent_run_id, received_at = excluded.received_at, command = excluded.command,
         mode = excluded.mode, execution = excluded.execution, result = excluded.result, os_id = excluded.os_id,
         os_version = excluded.os_version, arch = excluded.arch, failure_step = excluded.failure_step,
         failure_reason = excluded.failure_reason, started = excluded.started, finished = excluded.finished,
         manifest_occurred_at = excluded.manifest_occurred_at, manifest_event_id = excluded.manifest_event_id"
);

async fn write_runs(
    transaction: &tokio_postgres::Transaction<'_>,
    write: &tokio_postgres::Statement,
    runs: &[RunRow],
) -> Result<(), PostgresFault> {
    let ids = |of: fn(&RunRow) -> &[u8]| runs.iter().map(of).collect::<Vec<&[u8]>>();
    let parents: Vec<Option<&[u8]>> =
        runs.iter().map(|run| run.parent_run_id.as_ref().map(PackedId::as_bytes)).collect();
    let texts = |of: fn(&RunRow) -> &String| runs.iter().map(of).collect::<Vec<&String>>();
    let words = |of: fn(&RunRow) -> &Option<String>| runs.iter().map(of).collect::<Vec<&Option<String>>>();
    let times = |of: fn(&RunRow) -> Option<i64>| runs.iter().map(of).collect::<Vec<Option<i64>>>();
    let manifests: Vec<Option<&[u8]>> =
        runs.iter().map(|run| run.manifest.as_ref().map(|manifest| manifest.event_id.as_slice())).collect();
    let received: Vec<i64> = runs.iter().map(|run| run.received_at).collect();
    transaction
        .execute(
            write,
            &[
                &ids(|run| run.session_id.as_bytes()),
                &ids(|run| run.run_id.as_bytes()),
                &parents,
                &texts(|run| &run.component),
                &received,
                &texts(|run| &run.client),
                &texts(|run| &run.contract),
                &words(|run| &run.command),
                &words(|run| &run.mode),
                &words(|run| &run.execution),
                &words(|run| &run.result),
                &words(|run| &run.os_id),
                &words(|run| &run.os_version),
                &words(|run| &run.arch),
                &words(|run| &run.failure_step),
                &words(|run| &run.failure_reason),
                &times(|run| run.started),
                &times(|run| run.finished),
                &times(|run| run.manifest.map(|manifest| manifest.occurred_at)),
                &manifests,
            ],
        )
        .await?;
    Ok(())
}

fn id(row: &Row, column: usize) -> Result<PackedId, PostgresFault> {
    PackedId::from_bytes(row.try_get(column)?).ok_or(PostgresFault::NoId)
}

fn optional_id(row: &Row, column: usize) -> Result<Option<PackedId>, PostgresFault> {
    Ok(row.try_get::<_, Option<&[u8]>>(column)?.and_then(PackedId::from_bytes))
}

fn event_id(bytes: &[u8]) -> Result<[u8; 16], PostgresFault> {
    bytes.try_into().map_err(|_| PostgresFault::NoId)
}

fn manifest_key(row: &Row) -> Result<Option<ManifestKey>, PostgresFault> {
    let (occurred_at, id): (Option<i64>, Option<&[u8]>) = (row.try_get(18)?, row.try_get(19)?);
    let id = id.map(event_id).transpose()?;
    Ok(occurred_at.zip(id).map(|(occurred_at, event_id)| ManifestKey { occurred_at, event_id }))
}

fn document(row: &Row) -> Result<StoredDocument, PostgresFault> {
    Ok(StoredDocument {
        session_id: id(row, 0)?,
        run_id: id(row, 1)?,
        parent_run_id: optional_id(row, 2)?,
        occurred_at: row.try_get(3)?,
        received_at: row.try_get(4)?,
        sent_at: row.try_get(5)?,
        event: row.try_get(6)?,
        component: row.try_get(7)?,
        client: row.try_get(8)?,
        contract: row.try_get(9)?,
        attempt: row.try_get(10)?,
        detail: serde_json::from_str(row.try_get(11)?).unwrap_or_default(),
        event_id: event_id(row.try_get(12)?)?,
    })
}

fn run(row: &Row) -> Result<RunRow, PostgresFault> {
    Ok(RunRow {
        session_id: id(row, 0)?,
        run_id: id(row, 1)?,
        parent_run_id: optional_id(row, 2)?,
        component: row.try_get(3)?,
        received_at: row.try_get(4)?,
        client: row.try_get(5)?,
        contract: row.try_get(6)?,
        command: row.try_get(7)?,
        mode: row.try_get(8)?,
        execution: row.try_get(9)?,
        result: row.try_get(10)?,
        os_id: row.try_get(11)?,
        os_version: row.try_get(12)?,
        arch: row.try_get(13)?,
        failure_step: row.try_get(14)?,
        failure_reason: row.try_get(15)?,
        started: row.try_get(16)?,
        finished: row.try_get(17)?,
        manifest: manifest_key(row)?,
    })
}
