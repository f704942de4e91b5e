//! The clock of the server, and what the database remembers of it. With that of each instance, one wrong clock would delete
//! the documents of all.

use tokio_postgres::Row;

use super::connection::PostgresConnection;
use super::session::PostgresStore;
use crate::store::clock::{ClockReading, ClockRecord, ClockTrust};
use crate::store::fault::PostgresFault;
use crate::store::{ClockStore, StoreError};

const RECORD: &str = "SELECT believed_at, doubted_since FROM clock";

impl ClockStore for PostgresStore {
    fn read_clock(&mut self, trust: ClockTrust) -> Result<ClockReading, StoreError> {
        self.run("note the clock", async |connection| read_clock(connection, trust).await)
    }

    fn clock_doubted_since(&mut self) -> Result<Option<i64>, StoreError> {
        self.run("read the clock", async |connection| {
            let row = connection.client.query_opt(RECORD, &[]).await?;
            Ok(row.map(|row| record(&row)).transpose()?.and_then(|record| record.doubted_since))
        })
    }
}

async fn read_clock(
    connection: &mut PostgresConnection,
    trust: ClockTrust,
) -> Result<ClockReading, PostgresFault> {
    let transaction = connection.client.transaction().await?;
    let now = "SELECT extract(epoch FROM clock_timestamp())::bigint";
    let now: i64 = transaction.query_one(now, &[]).await?.try_get(0)?;
    let former = transaction.query_opt(RECORD, &[]).await?.map(|row| record(&row)).transpose()?;
    let (reading, record) = ClockRecord::judge(former, now, trust);
    transaction
        .execute(
            "INSERT INTO clock (one, believed_at, doubted_since) VALUES (1, $1, $2)
             ON CONFLICT (one) DO UPDATE
                 SET believed_at = excluded.believed_at, doubted_since = excluded.doubted_since",
            &[&record.believed_at, &record.doubted_since],
        )
        .await?;
    transaction.commit().await?;
    Ok(reading)
}

fn record(row: &Row) -> Result<ClockRecord, PostgresFault> {
    Ok(ClockRecord { believed_at: row.try_get(0)?, doubted_since: row.try_get(1)? })
}
