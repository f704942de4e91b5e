//! The clock of the server, and what the database remembers of it. With that of each instance, one wrong clock would delete
//! the documents of all.

use tokio_postgres::Row;

use super::connection::PostgresConnection;
use super::session::PostgresStore;
use crate::store::clock::{ClockDoubt, ClockReading, ClockRecord, ClockTrust};
use crate::store::fault::PostgresFault;
use crate::store::{ClockStore, StoreError};

const RECORD: &str = "SELECT believed_at, doubted_at, doubted_seconds FROM clock";

impl ClockStore for PostgresStore {
    fn read_clock(&mut self, trust: ClockTrust) -> Result<ClockReading, StoreError> {
        self.run("note the clock", async |connection| read_clock(connection, trust).await)
    }

    fn is_clock_doubted(&mut self) -> Result<bool, StoreError> {
        self.run("read the clock", async |connection| {
            let row = connection.client.query_opt(RECORD, &[]).await?;
            Ok(row.map(|row| record(&row)).transpose()?.is_some_and(|record| record.doubt.is_some()))
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
            "INSERT INTO clock (one, believed_at, doubted_at, doubted_seconds) VALUES (1, $1, $2, $3)
             ON CONFLICT (one) DO UPDATE SET believed_at = excluded.believed_at,
                 doubted_at = excluded.doubted_at, doubted_seconds = excluded.doubted_seconds",
            &[
                &record.believed_at,
                &record.doubt.map(|doubt| doubt.read_at),
                &record.doubt.map(|doubt| doubt.gone_on),
            ],
        )
        .await?;
    transaction.commit().await?;
    Ok(reading)
}

fn record(row: &Row) -> Result<ClockRecord, PostgresFault> {
    let doubt = row.try_get::<_, Option<i64>>(1)?.zip(row.try_get(2)?);
    let doubt = doubt.map(|(read_at, gone_on)| ClockDoubt { read_at, gone_on });
    Ok(ClockRecord { believed_at: row.try_get(0)?, doubt })
}
