//! Receives the telemetry of a fleet: checks every document with the same gate as its sender, and stores it durably
//! before it says so.
//!
//! # Promises
//!
//! - A 2xx is said after the commit. What was acknowledged survives the death of the process; what a power cut may take
//!   is up to the disk and to nothing of ours. Where PostgreSQL is out of reach, it is said after a sync of the spool.
//! - Duplicates are exact: session, time and event id are a unique key of the store, so no cache decides.
//! - Of a refused document the rule and the masked pointer are counted, and nothing else is kept: its bytes reach no
//!   answer, no log, no table and no metric.
//! - Addresses of senders are not read, so they can be neither logged nor stored.
//! - No page shows a group of fewer sessions than the threshold, no two numbers differ by fewer, and no table keeps what no
//!   page may show of a closed week. Chains, which show single sessions, are behind the operator's token.
//!
//! # Rooms, from the bottom up
//!
//! `arrival` is a document as it is stored, `intake` decides what becomes of one, `chart` what is counted of a week and may
//! be shown, `store` holds what was accepted, `rollup` makes runs and charts of it, `spool` keeps what a store out of reach
//! cannot take, `queue` is the one way into both, `page` is what readers see, `http` and `admin` are the two ports, and
//! `command` what each command does.

mod admin;
mod answer;
mod arrival;
mod chart;
mod cli;
pub mod command;
mod contract;
mod disk_space;
mod http;
mod intake;
mod log;
mod metrics;
mod named_file;
mod page;
mod queue;
mod refusals;
mod rollup;
mod run_row;
mod spool;
mod store;
mod tokens;
mod week;
#[cfg(test)]
mod year;
