//! A connection that is ready for our statements.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, NoTls, Socket, Statement};

use super::migration;
use super::server::PostgresServer;
use super::tls::PostgresTls;
use crate::store::fault::PostgresFault;

/// An open connection with its prepared statements.
pub(super) struct PostgresConnection {
    pub(super) client: Client,
    prepared: HashMap<&'static str, Statement>,
}

impl PostgresConnection {
    /// How long the server may take to let us in. To wait for another instance that makes the tables may take longer.
    const CONNECT: Duration = Duration::from_secs(2);

    /// Connects, says how long the server may take for a statement, and brings the tables up to date.
    ///
    /// # Errors
    /// The server cannot be reached or refuses, or the tables are of a newer build.
    pub(super) async fn open(server: &PostgresServer, limit: Duration) -> Result<Self, PostgresFault> {
        let connecting = async {
            match &server.tls {
                Some(tls) => connect(&server.config, PostgresTls(Arc::clone(tls))).await,
                None => connect(&server.config, NoTls).await,
            }
        };
        let connected = timeout(Self::CONNECT, connecting).await;
        let client = connected.map_err(|_| PostgresFault::TimedOut(Self::CONNECT))??;
        // A commit must be on the server's disk, whatever the server's default. The limits are the server's as well as
        // ours, so that what we gave up on does not go on there; a lock is waited for half as long.
        let (statement, lock) = (limit.as_millis(), (limit / 2).min(Duration::from_secs(10)).as_millis());
        client
            .batch_execute(&format!(
                "SELECT set_config('synchronous_commit', 'on', false)
                     WHERE current_setting('synchronous_commit') IN ('off', 'local');
                 SET statement_timeout = {statement}; SET lock_timeout = {lock};
                 SET idle_in_transaction_session_timeout = {statement};"
            ))
            .await?;
        let mut opened = Self { client, prepared: HashMap::new() };
        migration::migrate(&mut opened.client).await?;
        Ok(opened)
    }

    /// A statement, prepared when it is first asked for.
    ///
    /// # Errors
    /// The server fails.
    pub(super) async fn prepare(&mut self, sql: &'static str) -> Result<Statement, PostgresFault> {
        if let Some(known) = self.prepared.get(sql) {
            return Ok(known.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.prepared.insert(sql, statement.clone());
        Ok(statement)
    }
}

/// Connects, and has the connection driven by the runtime of this thread.
async fn connect<Tls>(config: &Config, tls: Tls) -> Result<Client, tokio_postgres::Error>
where
    Tls: MakeTlsConnect<Socket>,
    Tls::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await?;
    // It ends with the client, and what it fails with, the client's next statement fails with.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(client)
}
