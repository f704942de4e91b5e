//! Runs in the database: combined slice by slice, and read week by week.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement, Transaction};

use super::connection::PostgresConnection;
use super::months::BRIEFLY;
use super::session::PostgresStore;
use crate::arrival::PackedId;
use crate::run_row::{ManifestKey, RunRow, StoredDocument, runs_of};
use crate::store::arrival_time::ArrivalTimes;
use crate::store::fault::PostgresFault;
use crate::store::{RunStore, StoreError};
use crate::week::Week;

/// The statements of a rollup.
struct Statements {
    /// Reads the next documents.
    documents: Statement,
    /// Reads the runs that they may belong to.
    known: Statement,
    /// Writes the runs.
    write: Statement,
}

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
         manifest_occurred_at, manifest_event_id, last_received_at"
    };
}

impl RunStore for PostgresStore {
    fn roll_up_runs(&mut self, slice: usize, now: i64) -> Result<usize, StoreError> {
        self.run("put runs together", async |connection| roll_up(connection, slice, now).await)
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
                show(&run(row)?, row.try_get(21)?);
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

async fn roll_up(
    connection: &mut PostgresConnection,
    slice: usize,
    now: i64,
) -> Result<usize, PostgresFault> {
    let statements = Statements {
        documents: connection.prepare(DOCUMENTS).await?,
        known: connection.prepare(KNOWN).await?,
        write: connection.prepare(WRITE).await?,
    };
    let transaction = connection.client.transaction().await?;
    // First the row that locks the rollup, then how far it may go: a second instance waits here and finds less.
    let row = transaction.query_one("SELECT document_id, done_at FROM rolled_up FOR UPDATE", &[]).await?;
    let (done, done_at): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    let horizon = horizon(&transaction).await?;
    let times = ArrivalTimes::new(done_at, now);
    if times.last_was_ahead() {
        correct_all(&transaction, times).await?;
    }
    let limit = i64::try_from(slice).unwrap_or(i64::MAX);
    let rows = transaction.query(&statements.documents, &[&done, &horizon, &limit]).await?;
    let documents = corrected(&transaction, &rows, times).await?;
    add_to_runs(&transaction, &statements, &documents).await?;
    let last = rows.last().map(|row| row.try_get(13)).transpose()?.unwrap_or(done);
    let done_at = if rows.len() < slice || times.last_was_ahead() { Some(now) } else { done_at };
    transaction.execute("UPDATE rolled_up SET document_id = $1, done_at = $2", &[&last, &done_at]).await?;
    transaction.commit().await?;
    Ok(rows.len())
}

/// The documents of these rows. Arrivals that cannot be right are corrected.
async fn corrected(
    transaction: &Transaction<'_>,
    rows: &[Row],
    times: ArrivalTimes,
) -> Result<Vec<StoredDocument>, PostgresFault> {
    let (mut documents, mut wrong) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        let mut read = document(row)?;
        if times.correct(&mut read) {
            wrong.push(row.try_get::<_, i64>(13)?);
        }
        documents.push(read);
    }
    if !wrong.is_empty() {
        let correct = "UPDATE document SET received_at = $1 WHERE id = ANY ($2)";
        transaction.execute(correct, &[&times.now(), &wrong]).await?;
    }
    Ok(documents)
}

/// Corrects what former rollups took ([`ArrivalTimes::last_was_ahead`]).
async fn correct_all(transaction: &Transaction<'_>, times: ArrivalTimes) -> Result<(), PostgresFault> {
    let (now, latest) = (times.now(), times.latest());
    transaction
        .execute("UPDATE document SET received_at = $1 WHERE received_at > $2", &[&now, &latest])
        .await?;
    transaction
        .execute(
            "UPDATE run SET received_at = least(received_at, $1), last_received_at = $1 WHERE last_received_at > $2",
            &[&now, &latest],
        )
        .await?;
    Ok(())
}

async fn add_to_runs(
    transaction: &Transaction<'_>,
    statements: &Statements,
    documents: &[StoredDocument],
) -> Result<(), PostgresFault> {
    let mut runs = runs_of(documents);
    let sessions: Vec<&[u8]> = runs.iter().map(|run| run.session_id.as_bytes()).collect();
    let ids: Vec<&[u8]> = runs.iter().map(|run| run.run_id.as_bytes()).collect();
    for row in transaction.query(&statements.known, &[&sessions, &ids]).await? {
        let known = run(&row)?;
        let key = (known.session_id, known.run_id);
        if let Ok(index) = runs.binary_search_by_key(&key, |run| (run.session_id, run.run_id)) {
            runs[index] = known.merged_with(runs[index].clone());
        }
    }
    write_runs(transaction, &statements.write, &runs).await
}

/// The highest number below which no document can appear any more.
///
/// Numbers are given before the commit, so that a lower one may appear after a higher one, and would never be rolled
/// up. The lock waits for the active writers, and later writers get higher numbers. It is held for no longer than this
/// takes: a savepoint that is rolled back releases it.
async fn horizon(transaction: &Transaction<'_>) -> Result<i64, PostgresFault> {
    transaction
        .batch_execute(&format!("SAVEPOINT horizon; {BRIEFLY}; LOCK TABLE ONLY document IN SHARE MODE"))
        .await?;
    let highest =
        transaction.query_one("SELECT coalesce(max(id), 0) FROM document", &[]).await?.try_get(0)?;
    transaction.batch_execute("ROLLBACK TO SAVEPOINT horizon").await?;
    Ok(highest)
}

const DOCUMENTS: &str = concat!(
    "SELECT ",
    document_columns!(),
    ", id FROM document WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3"
);

const KNOWN: &str = concat!(
    "SELECT ",
    run_columns!(),
    " FROM run WHERE (session_id, run_id) IN (SELECT * FROM unnest($1::bytea[], $2::bytea[]))"
);

const WRITE: &str = concat!(
    "INSERT INTO run (",
    run_columns!(),
    ") SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::bigint[], $6::text[], $7::text[],
         $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
         $16::text[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bytea[], $21::bigint[])
     ON CONFLICT (session_id, run_id) DO UPDATE SET
         parent_run_id = excluded.parent_run_id, received_at = excluded.received_at, command = excluded.command,
         mode = excluded.mode, execution = excluded.execution, result = excluded.result, os_id = excluded.os_id,
         os_version = excluded.os_version, arch = excluded.arch, failure_step = excluded.failure_step,
         failure_reason = excluded.failure_reason, started = excluded.started, finished = excluded.finished,
         manifest_occurred_at = excluded.manifest_occurred_at, manifest_event_id = excluded.manifest_event_id,
         last_received_at = excluded.last_received_at"
);

async fn write_runs(
    transaction: &Transaction<'_>,
    write: &Statement,
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
    let numbers = |of: fn(&RunRow) -> i64| runs.iter().map(of).collect::<Vec<i64>>();
    transaction
        .execute(
            write,
            &[
                &ids(|run| run.session_id.as_bytes()),
                &ids(|run| run.run_id.as_bytes()),
                &parents,
                &texts(|run| &run.component),
                &numbers(|run| run.received_at),
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
                &numbers(|run| run.last_received_at),
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
        last_received_at: row.try_get(20)?,
    })
}
