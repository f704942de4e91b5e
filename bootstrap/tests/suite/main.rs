//! The library on a stub host: a directory that stands for a machine.

mod apply;
mod component;
mod host;
mod input;
mod preflight;
mod rollback;
mod step;
mod support;
