//! The library on a stub host: a directory that stands for a machine.

mod apply;
mod host;
mod preflight;
mod recipe;
mod rollback;
mod step;
mod support;
