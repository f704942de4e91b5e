//! The store for a fleet.
//!
//! Each value is one connection and is used by one thread: two writers, a few readers for pages, one for housekeeping.
//! A pool was rejected: it would add a queue before the queue, and a reader could take the connection that a writer
//! needs.

mod clock;
mod connection;
mod documents;
mod erasure;
mod migration;
mod months;
mod privileges;
mod runs;
mod server;
mod session;
mod tls;
mod weeks;

pub(crate) use server::PostgresServer;
pub(crate) use session::PostgresStore;
