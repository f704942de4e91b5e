//! Outbox and delivery against real sockets and real files.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod bounds;
mod endpoint_faults;
mod environment;
mod files;
mod opt_out;
mod queries;
mod together;
