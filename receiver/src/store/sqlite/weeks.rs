//! Closed weeks in the store, and the deletion of old data.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::SqliteStore;
use crate::chart::WeeklyCell;
use crate::store::forgetting::{AgeLimits, ExaminedSlice, SLICE};
use crate::store::{ClosedWeek, DocumentStore, ForgetStep, StoreError, Tidied, VerifiedStore, WeekStore};
use crate::week::{DAY, Week};

/// Pages that are freed in one transaction: a writer that waits for it waits some milliseconds.
const FREED_PAGES: i64 = 1_000;

impl WeekStore for SqliteStore {
    fn next_week(&mut self) -> Result<Option<Week>, StoreError> {
        let read = || {
            let last: Option<i64> =
                self.connection.query_row("SELECT max(week) FROM closed_week", [], |row| row.get(0))?;
            let first: Option<i64> =
                self.connection.query_row("SELECT min(received_at) FROM run", [], |row| row.get(0))?;
            Ok(last.map(|week| Week::from_number(week).next()).or(first.map(Week::of)))
        };
        read().map_err(|error| self.failed("look for the next week", error))
    }

    fn close_week(
        &mut self,
        week: Week,
        suppress_below: u32,
        cells: &[(&'static str, WeeklyCell)],
    ) -> Result<bool, StoreError> {
        let close = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let ours = transaction.execute(
                "INSERT INTO closed_week (week, suppress_below) VALUES (?, ?) ON CONFLICT (week) DO NOTHING",
                params![week.number(), suppress_below],
            )?;
            if ours == 0 {
                return Ok(false);
            }
            let sql = "INSERT INTO weekly (week, chart, k1, k2, sessions) VALUES (?, ?, ?, ?, ?)";
            for (chart, WeeklyCell { k1, k2, sessions }) in cells {
                transaction.execute(sql, params![week.number(), chart, k1, k2, sessions])?;
            }
            transaction.commit().map(|()| true)
        };
        close(&mut self.connection).map_err(|error| self.failed("close a week", error))
    }

    fn closed_weeks(&mut self, limit: u32) -> Result<Vec<ClosedWeek>, StoreError> {
        let read = || {
            let mut query = self
                .connection
                .prepare("SELECT week, suppress_below FROM closed_week ORDER BY week DESC LIMIT ?")?;
            let closed = |row: &rusqlite::Row<'_>| {
                Ok(ClosedWeek { week: Week::from_number(row.get(0)?), suppress_below: row.get(1)? })
            };
            query.query_map([limit], closed)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.failed("read the closed weeks", error))
    }

    fn cells(&mut self, chart: &str, week: Week) -> Result<Vec<WeeklyCell>, StoreError> {
        let read = || {
            let mut query = self.connection.prepare(
                "SELECT k1, k2, sessions FROM weekly WHERE chart = ? AND week = ? ORDER BY k1, k2",
            )?;
            let cell = |row: &rusqlite::Row<'_>| {
                Ok(WeeklyCell { k1: row.get(0)?, k2: row.get(1)?, sessions: row.get(2)? })
            };
            query.query_map(params![chart, week.number()], cell)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.failed("read a chart", error))
    }

    fn forget(&mut self, days: u32, now: i64, after: i64) -> Result<ForgetStep, StoreError> {
        let forgotten = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(
            |transaction| {
                let step = forget(&transaction, days, now, after)?;
                transaction.commit().map(|()| step)
            },
        );
        forgotten.map_err(|error| self.failed("delete what is old", error))
    }

    fn tidy(&mut self, _now: i64) -> Result<Tidied, StoreError> {
        give_space_back(&self.connection).map_err(|error| self.failed("give space back", error))
    }

    fn verify(&mut self) -> Result<VerifiedStore, StoreError> {
        let read = || {
            let mut faults: Vec<String> = Vec::new();
            let mut check = self.connection.prepare("PRAGMA integrity_check(20)")?;
            for line in check.query_map([], |row| row.get::<_, String>(0))? {
                faults.extend(Some(line?).filter(|line| line != "ok"));
            }
            for (sql, fault) in [
                (
                    "SELECT count(*) FROM document WHERE length(session_id) NOT IN (8, 16, 17)
                         OR length(run_id) NOT IN (8, 16, 17) OR length(event_id) <> 16",
                    "documents with an id of no known form",
                ),
                ("SELECT count(*) FROM document WHERE NOT json_valid(detail)", "documents whose body is no JSON"),
                (
                    "SELECT count(*) FROM document WHERE id <= (SELECT document_id FROM rolled_up) AND NOT EXISTS (
                         SELECT 1 FROM run WHERE run.session_id = document.session_id AND run.run_id = document.run_id)",
                    "documents that were rolled up and have no run",
                ),
                (
                    "SELECT count(*) FROM weekly WHERE sessions < (
                         SELECT suppress_below FROM closed_week WHERE closed_week.week = weekly.week)",
                    "cells of charts that are smaller than they may be",
                ),
            ] {
                let count: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
                faults.extend((count > 0).then(|| format!("{count} {fault}")));
            }
            Ok(faults)
        };
        let faults = read().map_err(|error| self.failed("verify", error))?;
        Ok(VerifiedStore { documents: self.count()?, faults })
    }
}

fn forget(transaction: &Transaction<'_>, days: u32, now: i64, after: i64) -> rusqlite::Result<ForgetStep> {
    let (closed, rolled_up): (Option<i64>, i64) = transaction.query_row(
        "SELECT (SELECT max(week) FROM closed_week), document_id FROM rolled_up",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let limits = AgeLimits::new(days, now, closed);
    let slice = transaction.query_row(
        "SELECT count(*), coalesce(max(id), ?1), coalesce(sum(received_at < ?2 AND id <= ?3), 0)
         FROM (SELECT id, received_at FROM document WHERE id > ?1 ORDER BY id LIMIT ?4)",
        [after, limits.documents, rolled_up, SLICE],
        |row| Ok(ExaminedSlice { examined: row.get(0)?, last: row.get(1)?, due: row.get(2)? }),
    )?;
    let documents = transaction.execute(
        "DELETE FROM document WHERE id > ?1 AND id <= min(?2, ?3) AND received_at < ?4",
        [after, slice.last, rolled_up, limits.documents],
    )?;
    let old_runs = "SELECT session_id, run_id FROM run WHERE received_at < ?1 AND last_received_at < ?2
                    ORDER BY received_at, session_id, run_id LIMIT ?3";
    // By session first, so that each is read once, however many of its runs go.
    let strays = transaction.execute(
        &format!(
            "WITH old_run AS ({old_runs})
             DELETE FROM document WHERE session_id IN (SELECT session_id FROM old_run)
                 AND (session_id, run_id) IN (SELECT session_id, run_id FROM old_run) AND id <= ?4"
        ),
        [limits.runs, limits.documents, SLICE, rolled_up],
    )?;
    let runs = transaction.execute(
        &format!("DELETE FROM run WHERE (session_id, run_id) IN ({old_runs})"),
        [limits.runs, limits.documents, SLICE],
    )?;
    transaction.execute("DELETE FROM refusal WHERE day < ?", [limits.runs / DAY])?;
    correct_rollup(transaction)?;
    Ok(slice.step(documents + strays, runs))
}

/// Called after documents were deleted: the number of a new document follows the highest existing one, so if that one was
/// deleted, its number is used again.
pub(super) fn correct_rollup(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let sql =
        "UPDATE rolled_up SET document_id = min(document_id, (SELECT coalesce(max(id), 0) FROM document))";
    transaction.execute(sql, []).map(drop)
}

fn give_space_back(connection: &Connection) -> rusqlite::Result<Tidied> {
    let free_pages = || connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0));
    let before = free_pages()?;
    if before == 0 {
        return Ok(Tidied::Whole);
    }
    {
        // It frees a page for each row of its result, and no more once that is not read on.
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({FREED_PAGES})"))?;
        let mut freed = vacuum.query([])?;
        while freed.next()?.is_some() {}
    }
    // Nothing changes in a file that another program made without the list that this needs.
    if (1..before).contains(&free_pages()?) {
        return Ok(Tidied::Partly);
    }
    // Only writing the log back makes the file shorter. It waits for nobody: what is in use stays for the next time.
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    Ok(Tidied::Whole)
}
