//! The partitions of `document`: one for each month, and one for all clocks that are far off.
//!
//! A month is made before it begins. Its documents that arrived earlier, from a clock that is ahead, are in the default
//! partition and are moved; documents of a month that is long past stay there. Nothing depends on the existence of a
//! month: the default partition accepts every document, and only gets larger.

use chrono::{DateTime, Datelike, Months, NaiveDate};
use tokio_postgres::Client;

use super::connection::PostgresConnection;
use super::migration::is_there;
use crate::store::fault::PostgresFault;

/// For locks that the intake would have to wait for. An operation that does not get one is tried again later.
pub(super) const BRIEFLY: &str = "SET LOCAL lock_timeout = '500ms'";

/// A month of `document`.
struct MonthPartition {
    table: String,
    /// Its first second, and the first after it.
    start: i64,
    end: i64,
}

impl MonthPartition {
    /// The month that is this many months after the one of `now`.
    fn at(now: i64, months: u32) -> Option<Self> {
        let first = DateTime::from_timestamp(now, 0)?.date_naive().with_day(1)?;
        // One before this one is needed too: documents are queued in outboxes for up to 30 days.
        let start = first.checked_sub_months(Months::new(1))?.checked_add_months(Months::new(months))?;
        let end = start.checked_add_months(Months::new(1))?;
        let seconds = |date: NaiveDate| Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp());
        let table = format!("document_{}_{:02}", start.year(), start.month());
        Some(Self { table, start: seconds(start)?, end: seconds(end)? })
    }

    /// The months that are in use at `now`: the last one, this one, and the two to come.
    fn in_use(now: i64) -> Vec<Self> {
        (0..4).filter_map(|months| Self::at(now, months)).collect()
    }
}

/// Makes the months that are in use and do not exist yet.
///
/// # Errors
/// The server fails, or the table is in use for longer than the intake may wait.
pub(super) async fn make_months(connection: &mut PostgresConnection, now: i64) -> Result<(), PostgresFault> {
    for month in MonthPartition::in_use(now) {
        if !is_there(&connection.client, &month.table).await? {
            make_month(&mut connection.client, &month).await?;
        }
    }
    Ok(())
}

async fn make_month(client: &mut Client, month: &MonthPartition) -> Result<(), PostgresFault> {
    let MonthPartition { table, start, end } = month;
    let transaction = client.transaction().await?;
    transaction.batch_execute(BRIEFLY).await?;
    // Reading is locked too: an older plan would search only the default partition, and would no longer find what
    // has moved. If two instances come at the same time, the second finds the table made.
    transaction.batch_execute("LOCK TABLE ONLY document IN ACCESS EXCLUSIVE MODE").await?;
    if is_there(transaction.client(), table).await? {
        return Ok(());
    }
    transaction
        .batch_execute(&format!(
            "CREATE TABLE {table} (LIKE document INCLUDING DEFAULTS);
             WITH moved AS (
                 DELETE FROM document_default WHERE occurred_at >= {start} AND occurred_at < {end} RETURNING *)
             INSERT INTO {table} SELECT * FROM moved;
             ALTER TABLE document ATTACH PARTITION {table} FOR VALUES FROM ({start}) TO ({end})"
        ))
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Drops the months of which every document arrived before `before` and is part of its run; how many documents those had.
/// Dropping a table takes a moment, where deleting its rows takes minutes and leaves holes. A month of another owner stays:
/// its documents go row by row.
///
/// # Errors
/// As [`make_months`].
pub(super) async fn drop_months(
    connection: &mut PostgresConnection,
    before: i64,
    rolled_up: i64,
    now: i64,
) -> Result<usize, PostgresFault> {
    let in_use = MonthPartition::in_use(now);
    let tables = connection
        .client
        .query(
            "SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
             WHERE inhparent = 'document'::regclass AND relname <> 'document_default'
                 AND pg_has_role(relowner, 'USAGE') ORDER BY relname",
            &[],
        )
        .await?;
    let mut dropped = 0;
    for row in &tables {
        let table: String = row.try_get(0)?;
        if !in_use.iter().any(|month| month.table == table) {
            dropped += drop_if_old(&mut connection.client, &table, before, rolled_up).await?;
        }
    }
    Ok(dropped)
}

async fn drop_if_old(
    client: &mut Client,
    table: &str,
    before: i64,
    rolled_up: i64,
) -> Result<usize, PostgresFault> {
    let needed = format!("SELECT EXISTS (SELECT FROM {table} WHERE received_at >= $1 OR id > $2)");
    if client.query_one(&needed, &[&before, &rolled_up]).await?.get(0) {
        return Ok(0);
    }
    let size = format!("SELECT count(*), coalesce(max(id), 0) FROM {table}");
    let size = client.query_one(&size, &[]).await?;
    let (rows, last): (i64, i64) = (size.try_get(0)?, size.try_get(1)?);
    let transaction = client.transaction().await?;
    transaction
        .batch_execute(&format!("{BRIEFLY}; LOCK TABLE ONLY document IN ACCESS EXCLUSIVE MODE"))
        .await?;
    let arrived = format!("SELECT EXISTS (SELECT FROM {table} WHERE id > $1)");
    if transaction.query_one(&arrived, &[&last]).await?.get(0) {
        return Ok(0);
    }
    transaction.batch_execute(&format!("DROP TABLE {table}")).await?;
    transaction.commit().await?;
    Ok(usize::try_from(rows).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_months_in_use_follow_each_other() {
        let months = MonthPartition::in_use(1_767_139_200);
        let tables: Vec<&str> = months.iter().map(|month| month.table.as_str()).collect();
        assert_eq!(tables, ["document_2025_11", "document_2025_12", "document_2026_01", "document_2026_02"]);
        assert!(months.windows(2).all(|pair| pair[0].end == pair[1].start));
    }
}
