//! Outbox and delivery against real sockets and real files.

#![expect(
    clippy::disallowed_methods,
    reason = "tests spoil files as a crash or a person would, and start this test binary again"
)]

mod support;

mod answers;
mod bounds;
mod damage;
mod disguises;
mod endpoint_faults;
mod environment;
mod fault_table;
mod files;
mod opt_out;
mod queries;
mod together;
mod users;
