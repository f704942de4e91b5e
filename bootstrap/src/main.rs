//! `bootstrap`: installs a k3s base on a Linux host and writes down, truthfully and anonymously, what it did.

mod apply;
mod cli;
mod command;
mod exit;
mod host;
mod input;
mod platform;
mod preflight;
mod recipe;
mod rollback;
mod run;
mod secret;
mod settings;
mod step;
mod terminal;

use std::process::ExitCode;

/// `validate` reads a hundred thousand documents a second into small pieces: the system's allocator takes a third of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    command::main(std::env::args_os()).into()
}
