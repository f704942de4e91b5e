//! Installs a k3s base on a Linux host and writes down, truthfully and anonymously, what it did.
//!
//! A library so that its tests, and the stand-ins they need, live in `bootstrap/tests`; the binary is [`command::main`]
//! and nothing else. Nothing outside this repository depends on it.
//!
//! The modules are rooms one above the other, and none uses one above it: [`secret`] and [`terminal`] know nothing of this
//! program; [`host`] touches the machine; [`step`] is what can be done to it; [`settings`], [`component`] and
//! [`input`] are what is asked for; [`platform`], [`preflight`], [`verify`] and [`backup`] look; [`rollback`] and [`run`] plan and
//! record; [`layers`] is what other programs read of all this; [`cli`] reads arguments, and [`command`] puts all of it together and alone decides how the process ends.

pub mod backup;
pub mod cli;
pub mod command;
pub mod component;
pub mod host;
pub mod input;
pub mod layers;
pub mod platform;
pub mod preflight;
pub mod rollback;
pub mod run;
pub mod secret;
pub mod settings;
pub mod step;
pub mod terminal;
pub mod verify;
