//! The clock of this host, and what the file remembers of it.

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::SqliteStore;
use crate::store::clock::{ClockReading, ClockRecord, ClockTrust};
use crate::store::{ClockStore, StoreError};

impl ClockStore for SqliteStore {
    fn read_clock(&mut self, trust: ClockTrust) -> Result<ClockReading, StoreError> {
        let read = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(
            |transaction| {
                let now = chrono::Utc::now().timestamp();
                let (reading, record) = ClockRecord::judge(record(&transaction)?, now, trust);
                transaction.execute(
                    "INSERT OR REPLACE INTO clock (one, believed_at, doubted_since) VALUES (1, ?, ?)",
                    params![record.believed_at, record.doubted_since],
                )?;
                transaction.commit().map(|()| reading)
            },
        );
        read.map_err(|error| self.failed("note the clock", error))
    }

    fn clock_doubted_since(&mut self) -> Result<Option<i64>, StoreError> {
        let read = self.connection.transaction().and_then(|transaction| record(&transaction));
        let record = read.map_err(|error| self.failed("read the clock", error))?;
        Ok(record.and_then(|record| record.doubted_since))
    }
}

fn record(transaction: &Transaction<'_>) -> rusqlite::Result<Option<ClockRecord>> {
    let record =
        |row: &rusqlite::Row<'_>| Ok(ClockRecord { believed_at: row.get(0)?, doubted_since: row.get(1)? });
    transaction.query_row("SELECT believed_at, doubted_since FROM clock", [], record).optional()
}
