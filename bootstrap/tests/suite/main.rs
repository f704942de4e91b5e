//! The library on a stub host: a directory that stands for a machine.

mod backup;
mod component;
mod executor;
mod host;
mod input;
mod preflight;
mod rollback;
mod step;
mod support;
