//! One connection over time: made when it is needed, given up when it fails or is too slow, and made again.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::config::TargetSessionAttrs;

use super::connection::PostgresConnection;
use super::migration;
use crate::store::fault::PostgresFault;
use crate::store::{StoreError, StoreUse};

/// A PostgreSQL database, through one connection.
pub(crate) struct PostgresStore {
    config: Config,
    /// As it is told: without user and password.
    database: String,
    limit: Duration,
    /// Drives the connection while somebody waits for it, on the thread that waits.
    runtime: Option<Runtime>,
    connection: Option<PostgresConnection>,
    used: Instant,
}

impl PostgresStore {
    /// How long the server may take to let us in.
    const CONNECT: Duration = Duration::from_secs(2);
    /// A connection that was not used for so long is asked whether it still lives.
    const IDLE: Duration = Duration::from_secs(1);

    /// A store that is not connected yet.
    pub(in crate::store) fn new(mut config: Config, database: String, purpose: StoreUse) -> Self {
        // Of several hosts the one that takes writes, which is another one after a failover.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(Self::CONNECT).application_name("receiver");
        let limit = match purpose {
            StoreUse::Ingest => Duration::from_secs(2),
            StoreUse::Pages => Duration::from_secs(10),
            StoreUse::Tending => Duration::from_hours(1),
        };
        Self { config, database, limit, runtime: None, connection: None, used: Instant::now() }
    }

    /// Version of the tables.
    pub(in crate::store) fn version() -> usize {
        migration::VERSION
    }

    /// Connects, if there is no connection.
    ///
    /// # Errors
    /// The server cannot be reached or refuses, or the tables are of a newer build.
    pub(in crate::store) fn connect(&mut self) -> Result<(), StoreError> {
        self.run("connect", async |_| Ok(()))
    }

    /// Does `work` with a connection that lives, within the time that this use has. After a failure of the connection, or
    /// a timeout, nothing is known of what the server did; the connection is given up.
    pub(super) fn run<T>(
        &mut self,
        action: &'static str,
        work: impl AsyncFnOnce(&mut PostgresConnection) -> Result<T, PostgresFault>,
    ) -> Result<T, StoreError> {
        let done = self.run_within_limit(work);
        done.map_err(|fault| match fault {
            PostgresFault::NewerTables { found, known } => {
                StoreError::Newer { store: self.database.clone(), found, known }
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
        let done = runtime.block_on(async {
            let mut connection = self.living_connection().await?;
            let limit = self.limit;
            let done =
                timeout(limit, work(&mut connection)).await.unwrap_or(Err(PostgresFault::TimedOut(limit)));
            let is_lost = matches!(&done, Err(PostgresFault::TimedOut(_))) || connection.client.is_closed();
            // Dropped, it tells the server to end; a transaction that was not committed is rolled back.
            self.connection = (!is_lost).then_some(connection);
            done
        });
        self.used = Instant::now();
        self.runtime = Some(runtime);
        done
    }

    async fn living_connection(&mut self) -> Result<PostgresConnection, PostgresFault> {
        if let Some(connection) = self.connection.take() {
            let is_fresh = self.used.elapsed() < Self::IDLE;
            let lives = async || {
                let checked = timeout(Self::CONNECT, connection.client.check_connection()).await;
                checked.is_ok_and(|checked| checked.is_ok())
            };
            if !connection.client.is_closed() && (is_fresh || lives().await) {
                return Ok(connection);
            }
        }
        // Beside reaching the server, it may have to wait for another instance that makes the tables.
        let limit = Self::CONNECT.max(self.limit);
        let opened = timeout(limit, PostgresConnection::open(&self.config, self.limit)).await;
        opened.unwrap_or(Err(PostgresFault::TimedOut(limit)))
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
