//! The tables, step by step, by one instance at a time.

use crate::store::fault::PostgresFault;
use tokio_postgres::Client;

/// A step that was released is never changed; a change is another step.
const MIGRATIONS: &[&str] =
    &[include_str!("001.sql"), include_str!("002.sql"), include_str!("003.sql"), include_str!("004.sql")];

/// Version of the tables that this build makes.
pub(super) const VERSION: usize = MIGRATIONS.len();

/// The advisory lock that instances take before they change tables: "receiver" in ASCII.
const TABLES_LOCK: i64 = 0x7265_6365_6976_6572;

/// Applies the missing steps in one transaction.
///
/// # Errors
/// The server fails, or the tables are of a newer build.
pub(super) async fn migrate(client: &mut Client) -> Result<(), PostgresFault> {
    // Without the lock first: this runs at each connection, and there is hardly ever anything to do.
    if version(client).await? == VERSION {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&TABLES_LOCK]).await?;
    let found = version(transaction.client()).await?;
    if found > VERSION {
        return Err(PostgresFault::OtherTables { found, known: VERSION });
    }
    for (number, step) in (1_i32..).zip(MIGRATIONS).skip(found) {
        transaction.batch_execute(step).await?;
        transaction.execute("INSERT INTO receiver_migration (version) VALUES ($1)", &[&number]).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Passes if there is nothing to migrate.
///
/// # Errors
/// The server fails, or the tables are of another build, or there are none.
pub(super) async fn check(client: &Client) -> Result<(), PostgresFault> {
    match version(client).await? {
        VERSION => Ok(()),
        found => Err(PostgresFault::OtherTables { found, known: VERSION }),
    }
}

/// Whether such a table exists. Not by `to_regclass`: within a transaction the server remembers that a table was missing,
/// also after another one has made it.
///
/// # Errors
/// The server fails.
pub(super) async fn is_there(client: &Client, table: &str) -> Result<bool, PostgresFault> {
    let sql = "SELECT EXISTS (SELECT FROM pg_tables WHERE tablename = $1 AND schemaname = ANY (current_schemas(false)))";
    Ok(client.query_one(sql, &[&table]).await?.try_get(0)?)
}

async fn version(client: &Client) -> Result<usize, PostgresFault> {
    if !is_there(client, "receiver_migration").await? {
        return Ok(0);
    }
    let newest = client.query_one("SELECT coalesce(max(version), 0) FROM receiver_migration", &[]).await?;
    Ok(usize::try_from(newest.get::<_, i32>(0)).unwrap_or(usize::MAX))
}
