//! Closed weeks in the store, and the deletion of old data.

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::SqliteStore;
use crate::chart::WeeklyCell;
use crate::store::{ClosedWeek, DocumentStore, ForgetStep, RUN_DAYS, StoreError, VerifiedStore, WeekStore};
use crate::week::{DAY, Week};

/// Rows of one transaction: a writer that waits for it waits some milliseconds.
const SLICE: i64 = 5_000;

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
        let close = |connection: &mut rusqlite::Connection| {
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

    fn forget(&mut self, days: u32, now: i64) -> Result<ForgetStep, StoreError> {
        let forget = |connection: &mut rusqlite::Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let closed: Option<Option<i64>> = transaction
                .query_row("SELECT max(week) FROM closed_week", [], |row| row.get(0))
                .optional()?;
            // A document of a week that is not closed is still needed, whatever its age.
            let counted = closed.flatten().map_or(i64::MIN, |week| Week::from_number(week).end());
            let before = counted.min(now - i64::from(days) * DAY);
            // By id, which grows with the arrival: the oldest are first, so that nothing else is read.
            let documents = transaction.execute(
                "DELETE FROM document WHERE id IN (
                     SELECT id FROM (SELECT id, received_at FROM document ORDER BY id LIMIT ?)
                     WHERE received_at < ? AND id <= (SELECT document_id FROM rolled_up))",
                [SLICE, before],
            )?;
            let old = now - RUN_DAYS * DAY;
            let runs = transaction.execute(
                "DELETE FROM run WHERE (session_id, run_id) IN (
                     SELECT session_id, run_id FROM run WHERE received_at < ? LIMIT ?)",
                [old, SLICE],
            )?;
            transaction.execute("DELETE FROM refusal WHERE day < ?", [old / DAY])?;
            // The number of a new document follows the highest existing one: if that one is deleted, its number is used
            // again.
            transaction.execute(
                "UPDATE rolled_up SET document_id = min(document_id, (SELECT coalesce(max(id), 0) FROM document))",
                [],
            )?;
            transaction.commit()?;
            Ok((documents, runs))
        };
        let (documents, runs) =
            forget(&mut self.connection).map_err(|error| self.failed("delete what is old", error))?;
        let is_full =
            [documents, runs].iter().any(|rows| i64::try_from(*rows).is_ok_and(|rows| rows >= SLICE));
        Ok(ForgetStep { rows: documents + runs, is_full })
    }

    fn tidy(&mut self, _now: i64) -> Result<(), StoreError> {
        self.connection
            .execute_batch("PRAGMA incremental_vacuum")
            .map_err(|error| self.failed("give room back", error))
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
