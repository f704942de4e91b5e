//! The clock of this host, and what the file remembers of it.

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::SqliteStore;
use crate::store::clock::{ClockDoubt, ClockReading, ClockRecord, ClockTrust};
use crate::store::{ClockStore, StoreError};

impl ClockStore for SqliteStore {
    fn read_clock(&mut self, trust: ClockTrust) -> Result<ClockReading, StoreError> {
        let read = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(
            |transaction| {
                let now = chrono::Utc::now().timestamp();
                let (reading, record) = ClockRecord::judge(record(&transaction)?, now, trust);
                transaction.execute(
                    "INSERT OR REPLACE INTO clock (one, believed_at, doubted_at, doubted_seconds) VALUES (1, ?, ?, ?)",
                    params![
                        record.believed_at,
                        record.doubt.map(|doubt| doubt.read_at),
                        record.doubt.map(|doubt| doubt.gone_on)
                    ],
                )?;
                transaction.commit().map(|()| reading)
            },
        );
        read.map_err(|error| self.failed("note the clock", error))
    }

    fn is_clock_doubted(&mut self) -> Result<bool, StoreError> {
        let read = self.connection.transaction().and_then(|transaction| record(&transaction));
        let record = read.map_err(|error| self.failed("read the clock", error))?;
        Ok(record.is_some_and(|record| record.doubt.is_some()))
    }
}

fn record(transaction: &Transaction<'_>) -> rusqlite::Result<Option<ClockRecord>> {
    let record = |row: &rusqlite::Row<'_>| {
        let doubt = row.get::<_, Option<i64>>(1)?.zip(row.get(2)?);
        let doubt = doubt.map(|(read_at, gone_on)| ClockDoubt { read_at, gone_on });
        Ok(ClockRecord { believed_at: row.get(0)?, doubt })
    };
    let sql = "SELECT believed_at, doubted_at, doubted_seconds FROM clock";
    transaction.query_row(sql, [], record).optional()
}
