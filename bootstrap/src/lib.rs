//! Installs a k3s base on a Linux host and writes down, truthfully and anonymously, what it did.
//!
//! A library so that its tests, and the stand-ins they need, live in `bootstrap/tests`; the binary is [`command::main`]
//! and nothing else. Nothing outside this repository depends on it.

pub mod cli;
pub mod command;
pub mod component;
pub mod exit;
pub mod host;
pub mod input;
pub mod platform;
pub mod preflight;
pub mod rollback;
pub mod run;
pub mod secret;
pub mod settings;
pub mod step;
pub mod terminal;
