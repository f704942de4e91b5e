//! Closed weeks in the store, and the end of what is old.

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::SqliteStore;
use crate::chart::WeeklyCell;
use crate::store::StoreError;
use crate::week::{DAY, Week};

/// What `verify` found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct VerifiedStore {
    /// Documents in the store.
    pub(crate) documents: u64,
    /// What is wrong, if anything is.
    pub(crate) faults: Vec<String>,
}

impl SqliteStore {
    /// Rows that go in one transaction: a writer that waits for it waits some milliseconds.
    const SLICE: i64 = 5_000;
    /// Days that runs and refusals are kept: 13 months.
    const RUN_DAYS: i64 = 396;

    /// The oldest week that is not closed yet and may have runs.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn next_week(&self) -> Result<Option<Week>, StoreError> {
        let read = || {
            let last: Option<i64> =
                self.connection.query_row("SELECT max(week) FROM closed_week", [], |row| row.get(0))?;
            let first: Option<i64> =
                self.connection.query_row("SELECT min(received_at) FROM run", [], |row| row.get(0))?;
            Ok(last.map(|week| Week::from_number(week).next()).or(first.map(Week::of)))
        };
        read().map_err(|error| self.failed("look for the next week", error))
    }

    /// Stores what charts show of a week, unless another process has closed it meanwhile; whether it was us.
    ///
    /// # Errors
    /// The disk is full, or the file is damaged or held by another process.
    pub(crate) fn close_week(
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
            let sql = "INSERT INTO weekly (week, chart, k1, k2, sessions, runs) VALUES (?, ?, ?, ?, ?, ?)";
            for (chart, cell) in cells {
                let WeeklyCell { k1, k2, sessions, runs } = cell;
                transaction.execute(sql, params![week.number(), chart, k1, k2, sessions, runs])?;
            }
            transaction.commit().map(|()| true)
        };
        close(&mut self.connection).map_err(|error| self.failed("close a week", error))
    }

    /// The weeks that are closed, newest first, at most `limit`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn closed_weeks(&self, limit: u32) -> Result<Vec<Week>, StoreError> {
        let read = || {
            let mut query =
                self.connection.prepare("SELECT week FROM closed_week ORDER BY week DESC LIMIT ?")?;
            query
                .query_map([limit], |row| row.get(0).map(Week::from_number))?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.failed("read the closed weeks", error))
    }

    /// What a chart shows of a week.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn cells(&self, chart: &str, week: Week) -> Result<Vec<WeeklyCell>, StoreError> {
        let read = || {
            let mut query = self.connection.prepare(
                "SELECT k1, k2, sessions, runs FROM weekly WHERE chart = ? AND week = ? ORDER BY k1, k2",
            )?;
            let cell = |row: &rusqlite::Row<'_>| {
                Ok(WeeklyCell { k1: row.get(0)?, k2: row.get(1)?, sessions: row.get(2)?, runs: row.get(3)? })
            };
            query.query_map(params![chart, week.number()], cell)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.failed("read a chart", error))
    }

    /// Deletes a slice of what is too old: documents that arrived before `days` ago and are part of their runs and of a
    /// closed week, and runs and refusals of 13 months ago. How many rows; less than a slice when nothing is left.
    ///
    /// # Errors
    /// The disk is full, or the file is damaged or held by another process.
    pub(crate) fn forget(&mut self, days: u32, now: i64) -> Result<usize, StoreError> {
        let forget = |connection: &mut rusqlite::Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let closed: Option<Option<i64>> = transaction
                .query_row("SELECT max(week) FROM closed_week", [], |row| row.get(0))
                .optional()?;
            // A document of a week that is not closed is still needed, whatever its age.
            let counted = closed.flatten().map_or(i64::MIN, |week| Week::from_number(week).end());
            let before = counted.min(now - i64::from(days) * DAY);
            // By id, which grows with the arrival: the oldest stand first, so that nothing else is looked at.
            let documents = transaction.execute(
                "DELETE FROM document WHERE id IN (
                     SELECT id FROM (SELECT id, received_at FROM document ORDER BY id LIMIT ?)
                     WHERE received_at < ? AND id <= (SELECT document_id FROM rolled_up))",
                [Self::SLICE, before],
            )?;
            let old = now - Self::RUN_DAYS * DAY;
            let runs = transaction.execute(
                "DELETE FROM run WHERE (session_id, run_id) IN (
                     SELECT session_id, run_id FROM run WHERE received_at < ? LIMIT ?)",
                [old, Self::SLICE],
            )?;
            transaction.execute("DELETE FROM refusal WHERE day < ?", [old / DAY])?;
            // The number of a new document follows the highest that is there: where that one is deleted, it is given again.
            transaction.execute(
                "UPDATE rolled_up SET document_id = min(document_id, (SELECT coalesce(max(id), 0) FROM document))",
                [],
            )?;
            transaction.commit()?;
            Ok(documents.max(runs))
        };
        forget(&mut self.connection).map_err(|error| self.failed("delete what is old", error))
    }

    /// Gives the room of deleted rows back to the disk.
    ///
    /// # Errors
    /// The disk fails.
    pub(crate) fn shrink(&self) -> Result<(), StoreError> {
        self.connection
            .execute_batch("PRAGMA incremental_vacuum")
            .map_err(|error| self.failed("give room back", error))
    }

    /// Whether [`Self::forget`] deleted as much as one slice holds.
    pub(crate) fn is_slice(deleted: usize) -> bool {
        i64::try_from(deleted).is_ok_and(|deleted| deleted >= Self::SLICE)
    }

    /// Checks the file, that every document can be read, and that every document which was rolled up has its run.
    ///
    /// # Errors
    /// The store cannot be read at all.
    pub(crate) fn verify(&self) -> Result<VerifiedStore, StoreError> {
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
