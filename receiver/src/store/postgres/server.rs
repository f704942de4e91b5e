//! A server, as an operator names it.

use std::sync::Arc;

use rustls::ClientConfig;
use tokio_postgres::Config;

/// Where a database is, and how its server is known.
#[derive(Clone, Debug)]
pub(crate) struct PostgresServer {
    /// What the URL says, with the password.
    pub(in crate::store) config: Config,
    /// What an encrypted connection needs; without it there is none.
    pub(in crate::store) tls: Option<Arc<ClientConfig>>,
}
