//! The built program as its peers see it: on real sockets, a real disk, and with real signals.

mod abuse;
mod documents;
mod faults;
mod ingest;
mod operation;
mod sender;
mod support;
mod vectors;
