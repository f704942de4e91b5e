//! Receives the telemetry of a fleet: checks every document with the same gate as its sender, and stores it durably
//! before it says so.
//!
//! # Promises
//!
//! - A 2xx is said after the commit. What was acknowledged survives the death of the process; what a power cut may take
//!   is up to the disk and to nothing of ours.
//! - Duplicates are exact: session, time and event id are a unique key of the store, so no cache decides.
//! - Of a refused document the rule and the masked pointer are counted, and nothing else is kept: its bytes reach no
//!   answer, no log, no table and no metric.
//! - Addresses of senders are not read, so they can be neither logged nor stored.
//!
//! # Rooms, from the bottom up
//!
//! `arrival` is a document as it is stored, `intake` decides what becomes of one, `store` holds what was accepted,
//! `queue` is the one way into it, `http` and `admin` are the two ports, and `command` what each command does.

mod admin;
mod answer;
mod arrival;
mod cli;
pub mod command;
mod disk_space;
mod http;
mod intake;
mod log;
mod metrics;
mod queue;
mod refusals;
mod store;
mod tokens;
