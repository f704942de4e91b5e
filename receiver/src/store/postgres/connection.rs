//! A connection that is ready for our statements.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, NoTls, Socket, Statement};

use super::migration;
use super::privileges;
use super::server::PostgresServer;
use super::tls::PostgresTls;
use crate::store::TableAccess;
use crate::store::fault::PostgresFault;

/// An open connection with its prepared statements.
pub(super) struct PostgresConnection {
    pub(super) client: Client,
    prepared: HashMap<&'static str, Statement>,
}

impl PostgresConnection {
    /// How long the server may take to accept the connection. Waiting for another instance that makes the tables may
    /// take longer.
    const CONNECT: Duration = Duration::from_secs(2);

    /// Connects, limits the time of statements, and brings the tables up to date or checks that they are.
    ///
    /// # Errors
    /// The server cannot be reached or refuses, or the tables are not those of this build.
    pub(super) async fn open(
        server: &PostgresServer,
        limit: Duration,
        access: TableAccess,
    ) -> Result<Self, PostgresFault> {
        let connecting = async {
            match &server.tls {
                Some(tls) => connect(&server.config, PostgresTls(Arc::clone(tls))).await,
                None => connect(&server.config, NoTls).await,
            }
        };
        let connected = timeout(Self::CONNECT, connecting).await;
        let client = connected.map_err(|_| PostgresFault::TimedOut(Self::CONNECT))??;
        // A commit must be on the server's disk, whatever the server's default. The server has the same limits as
        // we have, so that an operation that timed out here does not continue there; a lock may take half as long.
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
        match access {
            TableAccess::Make => migration::migrate(&mut opened.client).await?,
            TableAccess::Write => migration::check(&opened.client).await?,
            TableAccess::Read | TableAccess::Check => {
                opened.client.batch_execute("SET default_transaction_read_only = on").await?;
                if access == TableAccess::Check {
                    privileges::check(&opened.client).await?;
                }
                migration::check(&opened.client).await?;
            }
        }
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
    // It ends with the client. If it fails, the client's next statement returns its error.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(client)
}
