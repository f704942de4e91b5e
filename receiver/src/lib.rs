//! Receives the telemetry of a fleet: checks every document with the same gate as its sender, and stores it durably
//! before it acknowledges it.
//!
//! # Promises
//!
//! - It answers 2xx after the commit. What was acknowledged survives the death of the process; what a power cut may lose
//!   depends only on the disk. If PostgreSQL is unreachable, it answers 2xx after a sync of the spool.
//! - Duplicates are exact: session, time and event id are a unique key of the store, so no cache decides.
//! - Of a refused document the rule and the masked pointer are counted, and nothing else is kept: its bytes reach no
//!   answer, no log, no table and no metric.
//! - Addresses of senders are not read, so they can be neither logged nor stored.
//! - No page shows a group of fewer sessions than the threshold, no two numbers differ by fewer, and no table keeps what no
//!   page may show of a closed week. A session counts once in a group, so that its runs, however many, move no number by more
//!   than the threshold. Chains, which show single sessions, are behind the operator's token.
//!
//! # Rooms, from the bottom up
//!
//! `arrival` is a document as it is stored, `intake` judges one, `chart` decides what is counted in a week and may
//! be shown, `store` holds what was accepted, `rollup` makes runs and charts of it, `spool` keeps what an unreachable store
//! cannot accept, `queue` is the one way into both, `page` is what readers see, `http` and `admin` are the two ports, and
//! `command` what each command does.

mod admin;
mod answer;
mod arrival;
mod chart;
mod cli;
pub mod command;
mod contract;
mod disk_access;
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
