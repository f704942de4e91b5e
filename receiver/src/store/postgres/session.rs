//! One connection over time: made when it is needed, dropped when it fails or is too slow, and made again.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::config::TargetSessionAttrs;

use super::connection::PostgresConnection;
use super::migration;
use super::server::PostgresServer;
use crate::store::fault::PostgresFault;
use crate::store::{StoreError, StoreUse, TableAccess};

/// A PostgreSQL database, through one connection.
pub(crate) struct PostgresStore {
    server: PostgresServer,
    /// Its name in messages: without user and password.
    database: String,
    limit: Duration,
    access: TableAccess,
    /// Drives the connection while a thread waits for it, on that thread.
    runtime: Option<Runtime>,
    connection: Option<PostgresConnection>,
    used: Instant,
}

impl PostgresStore {
    /// A connection that was not used for this long is tested first.
    const IDLE: Duration = Duration::from_secs(1);
    /// How long that test may take. After that, a new connection is made.
    const CHECK: Duration = Duration::from_millis(500);

    /// A store that is not connected yet.
    pub(in crate::store) fn new(
        mut server: PostgresServer,
        database: String,
        purpose: StoreUse,
        access: TableAccess,
    ) -> Self {
        // Of several hosts, the one that accepts writes; after a failover that is another one.
        server.config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        server.config.application_name("receiver");
        let limit = match purpose {
            StoreUse::Ingest => Duration::from_secs(2),
            StoreUse::Pages => Duration::from_secs(10),
            StoreUse::Tending => Duration::from_hours(1),
        };
        Self { server, database, limit, access, runtime: None, connection: None, used: Instant::now() }
    }

    /// Version of the tables.
    pub(in crate::store) fn version() -> usize {
        migration::VERSION
    }

    /// Connects, if there is no connection.
    ///
    /// # Errors
    /// The server cannot be reached or refuses, or the tables are not those of this build.
    pub(in crate::store) fn connect(&mut self) -> Result<(), StoreError> {
        self.run("connect", async |_| Ok(()))
    }

    /// Does `work` with a connection that lives, within the time that this use has. After a failure of the connection, or
    /// a timeout, it is unknown what the server did; the connection is dropped.
    pub(super) fn run<T>(
        &mut self,
        action: &'static str,
        work: impl AsyncFnOnce(&mut PostgresConnection) -> Result<T, PostgresFault>,
    ) -> Result<T, StoreError> {
        let done = self.run_within_limit(work);
        done.map_err(|fault| match fault {
            PostgresFault::OtherTables { found, known } => {
                StoreError::of_tables(self.database.clone(), found, known)
            }
            fault => StoreError::Postgres { database: self.database.clone(), action, fault },
        })
    }

    fn run_within_limit<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PostgresConnection) -> Result<T, PostgresFault>,
    ) -> Result<T, PostgresFault> {
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => Builder::new_current_thread().enable_all().build().map_err(PostgresFault::Runtime)?,
        };
        let limit = self.limit;
        let done = runtime.block_on(async {
            // Connecting counts: the caller waits for both.
            timeout(limit, self.attempt(work)).await.unwrap_or(Err(PostgresFault::TimedOut(limit)))
        });
        self.used = Instant::now();
        if self.connection.is_some() {
            self.runtime = Some(runtime);
        } else {
            // A dropped connection is closed only when it is driven, and nothing drives it until the next call.
            runtime.shutdown_background();
        }
        done
    }

    /// The connection is kept only if all goes well with it: dropped, it tells the server to end, which rolls back what
    /// was not committed.
    async fn attempt<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PostgresConnection) -> Result<T, PostgresFault>,
    ) -> Result<T, PostgresFault> {
        let mut connection = self.living_connection().await?;
        let done = work(&mut connection).await;
        self.connection = (!connection.client.is_closed()).then_some(connection);
        done
    }

    async fn living_connection(&mut self) -> Result<PostgresConnection, PostgresFault> {
        if let Some(connection) = self.connection.take() {
            let is_fresh = self.used.elapsed() < Self::IDLE;
            let lives = async || {
                let checked = timeout(Self::CHECK, connection.client.check_connection()).await;
                checked.is_ok_and(|checked| checked.is_ok())
            };
            if !connection.client.is_closed() && (is_fresh || lives().await) {
                return Ok(connection);
            }
        }
        PostgresConnection::open(&self.server, self.limit, self.access).await
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.connection = None;
        // A runtime that is simply dropped waits for its threads, which panics within another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
