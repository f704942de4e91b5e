//! The built program as its peers see it: on real sockets, a real disk, and with real signals.

mod abuse;
mod charts;
mod clock;
mod documents;
mod encryption;
mod erasure;
mod faults;
mod fleet;
mod import;
mod ingest;
mod instances;
mod limits;
mod operation;
mod outage;
mod pages;
mod refusals;
mod sender;
mod support;
mod vectors;
