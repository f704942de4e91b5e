//! Closed weeks in the database, and the deletion of old data.

use std::collections::HashSet;

use tokio_postgres::{Row, Transaction};

use super::connection::PostgresConnection;
use super::months;
use super::session::PostgresStore;
use crate::chart::WeeklyCell;
use crate::store::fault::PostgresFault;
use crate::store::forgetting::{AgeLimits, ExaminedSlice, SLICE};
use crate::store::{ClosedWeek, ForgetStep, StoreError, Tidied, VerifiedStore, WeekStore};
use crate::week::{DAY, Week};

impl WeekStore for PostgresStore {
    fn next_week(&mut self) -> Result<Option<Week>, StoreError> {
        self.run("look for the next week", async |connection| {
            let row = connection
                .client
                .query_one(
                    "SELECT (SELECT max(week) FROM closed_week), (SELECT min(received_at) FROM run)",
                    &[],
                )
                .await?;
            let (last, first): (Option<i64>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
            Ok(last.map(|week| Week::from_number(week).next()).or(first.map(Week::of)))
        })
    }

    fn close_week(
        &mut self,
        week: Week,
        suppress_below: u32,
        cells: &[(&'static str, WeeklyCell)],
    ) -> Result<bool, StoreError> {
        self.run("close a week", async |connection| close_week(connection, week, suppress_below, cells).await)
    }

    fn closed_weeks(&mut self, limit: u32) -> Result<Vec<ClosedWeek>, StoreError> {
        self.run("read the closed weeks", async |connection| {
            let statement = connection
                .prepare("SELECT week, suppress_below FROM closed_week ORDER BY week DESC LIMIT $1")
                .await?;
            let rows = connection.client.query(&statement, &[&i64::from(limit)]).await?;
            let closed = |row: &Row| {
                Ok(ClosedWeek { week: Week::from_number(row.try_get(0)?), suppress_below: count(row, 1)? })
            };
            rows.iter().map(closed).collect()
        })
    }

    fn cells(&mut self, chart: &str, week: Week) -> Result<Vec<WeeklyCell>, StoreError> {
        self.run("read a chart", async |connection| {
            // In the order of bytes, as SQLite has it: the order of a locale differs from server to server.
            let statement = connection
                .prepare(
                    "SELECT k1, k2, sessions FROM weekly WHERE chart = $1 AND week = $2
                     ORDER BY k1 COLLATE \"C\", k2 COLLATE \"C\"",
                )
                .await?;
            let rows = connection.client.query(&statement, &[&chart, &week.number()]).await?;
            let cell = |row: &Row| {
                Ok(WeeklyCell { k1: row.try_get(0)?, k2: row.try_get(1)?, sessions: count(row, 2)? })
            };
            rows.iter().map(cell).collect()
        })
    }

    fn forget(&mut self, days: u32, now: i64, after: i64) -> Result<ForgetStep, StoreError> {
        self.run("delete what is old", async |connection| forget(connection, days, now, after).await)
    }

    /// The server frees the space itself; this makes the months.
    fn tidy(&mut self, now: i64) -> Result<Tidied, StoreError> {
        self.run("make the months", async |connection| months::make_months(connection, now).await)?;
        Ok(Tidied::Whole)
    }

    /// The server checks its files itself (`pg_amcheck`); this checks that the rows are consistent.
    fn verify(&mut self) -> Result<VerifiedStore, StoreError> {
        self.run("verify", async |connection| {
            let mut faults = Vec::new();
            for (sql, fault) in [
                (
                    "SELECT count(*) FROM document WHERE length(session_id) NOT IN (8, 16, 17)
                         OR length(run_id) NOT IN (8, 16, 17) OR length(event_id) <> 16",
                    "documents with an id of no known form",
                ),
                (
                    "SELECT count(*) FROM document WHERE jsonb_typeof(detail) <> 'object'",
                    "documents whose body is no JSON object",
                ),
                (
                    "SELECT count(*) FROM document WHERE id <= (SELECT document_id FROM rolled_up) AND NOT EXISTS (
                         SELECT FROM run WHERE run.session_id = document.session_id AND run.run_id = document.run_id)",
                    "documents that were rolled up and have no run",
                ),
                (
                    "SELECT count(*) FROM weekly WHERE sessions < (
                         SELECT suppress_below FROM closed_week WHERE closed_week.week = weekly.week)",
                    "cells of charts that are smaller than they may be",
                ),
            ] {
                let count: i64 = connection.client.query_one(sql, &[]).await?.try_get(0)?;
                faults.extend((count > 0).then(|| format!("{count} {fault}")));
            }
            let documents: i64 =
                connection.client.query_one("SELECT count(*) FROM document", &[]).await?.try_get(0)?;
            Ok(VerifiedStore { documents: documents.unsigned_abs(), faults })
        })
    }
}

fn count(row: &Row, column: usize) -> Result<u32, PostgresFault> {
    Ok(u32::try_from(row.try_get::<_, i64>(column)?).unwrap_or(u32::MAX))
}

async fn close_week(
    connection: &mut PostgresConnection,
    week: Week,
    suppress_below: u32,
    cells: &[(&'static str, WeeklyCell)],
) -> Result<bool, PostgresFault> {
    let add = connection
        .prepare("INSERT INTO weekly (week, chart, k1, k2, sessions) VALUES ($1, $2, $3, $4, $5)")
        .await?;
    let transaction = connection.client.transaction().await?;
    // The second of two instances waits for the first here, and then finds the week closed.
    let ours = transaction
        .execute(
            "INSERT INTO closed_week (week, suppress_below) VALUES ($1, $2) ON CONFLICT (week) DO NOTHING",
            &[&week.number(), &i64::from(suppress_below)],
        )
        .await?;
    if ours == 0 {
        return Ok(false);
    }
    for (chart, WeeklyCell { k1, k2, sessions }) in cells {
        transaction.execute(&add, &[&week.number(), chart, k1, k2, &i64::from(*sessions)]).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

async fn forget(
    connection: &mut PostgresConnection,
    days: u32,
    now: i64,
    after: i64,
) -> Result<ForgetStep, PostgresFault> {
    let row = connection
        .client
        .query_one("SELECT (SELECT max(week) FROM closed_week), document_id FROM rolled_up", &[])
        .await?;
    let (closed, rolled_up): (Option<i64>, i64) = (row.try_get(0)?, row.try_get(1)?);
    let limits = AgeLimits::new(days, now, closed);
    // Once a round: a month that goes as a whole leaves no rows to the slices.
    let dropped =
        if after == 0 { months::drop_months(connection, limits.documents, rolled_up, now).await? } else { 0 };
    let transaction = connection.client.transaction().await?;
    let row = transaction
        .query_one(
            "SELECT count(*), coalesce(max(id), $1), count(*) FILTER (WHERE received_at < $2 AND id <= $3)
             FROM (SELECT id, received_at FROM document WHERE id > $1 ORDER BY id LIMIT $4) AS oldest",
            &[&after, &limits.documents, &rolled_up, &SLICE],
        )
        .await?;
    let slice = ExaminedSlice { examined: row.try_get(0)?, last: row.try_get(1)?, due: row.try_get(2)? };
    let documents = transaction
        .execute(
            "DELETE FROM document WHERE id > $1 AND id <= $2 AND received_at < $3",
            &[&after, &slice.last.min(rolled_up), &limits.documents],
        )
        .await?;
    let (strays, runs) = delete_old_runs(&transaction, limits, rolled_up).await?;
    transaction.execute("DELETE FROM refusal WHERE day < $1", &[&(limits.runs / DAY)]).await?;
    transaction.commit().await?;
    let [documents, runs] =
        [documents + strays, runs].map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
    Ok(slice.step(dropped + documents, runs))
}

/// Deletes a slice of the runs that are too old, with the documents that they still have; how many of those, and how many
/// runs.
async fn delete_old_runs(
    transaction: &Transaction<'_>,
    limits: AgeLimits,
    rolled_up: i64,
) -> Result<(u64, u64), PostgresFault> {
    let old = transaction
        .query(
            "SELECT session_id, run_id FROM run WHERE received_at < $1 AND last_received_at < $2
             ORDER BY received_at LIMIT $3",
            &[&limits.runs, &limits.documents, &SLICE],
        )
        .await?;
    let column = |index| old.iter().map(|row| row.try_get(index)).collect::<Result<Vec<&[u8]>, _>>();
    let (sessions, runs) = (column(0)?, column(1)?);
    let distinct: Vec<&[u8]> = sessions.iter().copied().collect::<HashSet<_>>().into_iter().collect();
    // By session first, so that each is read once, however many of its runs go.
    let strays = transaction
        .execute(
            "DELETE FROM document WHERE session_id = ANY ($1) AND id <= $2
                 AND (session_id, run_id) IN (SELECT * FROM unnest($3::bytea[], $4::bytea[]))",
            &[&distinct, &rolled_up, &sessions, &runs],
        )
        .await?;
    let deleted = transaction
        .execute(
            // Another instance may have rolled up a new document of one of them meanwhile.
            "DELETE FROM run WHERE (session_id, run_id) IN (SELECT * FROM unnest($1::bytea[], $2::bytea[]))
                 AND last_received_at < $3",
            &[&sessions, &runs, &limits.documents],
        )
        .await?;
    Ok((strays, deleted))
}
