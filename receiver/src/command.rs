//! What each command does; only this module decides how the process ends.

mod check;
mod erase;
mod error;
mod housekeeping;
mod import;
mod location;
mod output;
mod serve;
mod tend;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::{ReceiverCli, ReceiverCommand};
use crate::log::say;

/// The description that is published with the contract.
const OPENAPI: &str = include_str!("../../schema/contract/v1/openapi.json");

/// The command line, for manual pages.
pub fn parser() -> clap::Command {
    ReceiverCli::command()
}

/// Runs the program. Exit codes: 0 done, 1 failed, 2 usage.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match ReceiverCli::read(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // The reader has closed the pipe.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match &cli.command {
        ReceiverCommand::Serve(arguments) => serve::run(arguments),
        ReceiverCommand::Migrate(arguments) => tend::migrate(arguments),
        ReceiverCommand::Check(arguments) => check::run(arguments),
        ReceiverCommand::Rollup(arguments) => tend::rollup(arguments),
        ReceiverCommand::Retain(arguments) => tend::retain(arguments),
        ReceiverCommand::Erase(arguments) => erase::run(arguments),
        ReceiverCommand::Verify(arguments) => tend::verify(arguments),
        ReceiverCommand::Import(arguments) => import::run(arguments),
        ReceiverCommand::Openapi => {
            output::print(OPENAPI.trim_end());
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}
