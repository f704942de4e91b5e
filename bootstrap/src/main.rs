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

fn main() -> ExitCode {
    command::main(std::env::args_os()).into()
}
