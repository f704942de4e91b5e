//! What each command does.

pub(crate) mod inputs;
pub(crate) mod preflight;
mod run;
mod telemetry;
mod validate;

use std::ffi::OsString;

use clap::error::ErrorKind;

use crate::cli::{self, Cli, Command};
use crate::exit::{Exit, Failure};
use crate::input;
use crate::terminal::Printer;

/// Parses the arguments, runs the command and tells the operator how it ended.
pub(crate) fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let (cli, flags) = match cli::parse(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
                _ => Exit::Usage,
            };
        }
    };
    let mut printer = Printer::new(cli.global, wants_json(&cli.command));
    dispatch(&cli, &flags, &mut printer).unwrap_or_else(|failure| {
        printer.failure(&failure);
        if printer.is_json() && !failure.documented {
            printer.document(&failure);
        }
        failure.exit
    })
}

fn wants_json(command: &Command) -> bool {
    match command {
        Command::Run(options) => options.json,
        Command::Preflight(options) => options.json,
        Command::Rollback(options) => options.json,
        Command::Telemetry(options) => options.json,
        Command::Validate(options) => options.json,
        Command::ConfigSchema | Command::Completions { .. } => false,
    }
}

fn dispatch(cli: &Cli, flags: &input::Flags, printer: &mut Printer) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Preflight(options) => preflight::run(options, flags, printer),
        Command::Run(options) => run::run(options, flags, printer),
        Command::Telemetry(options) => telemetry::run(options, printer),
        Command::Validate(options) => validate::run(options, printer),
        Command::ConfigSchema => {
            printer.document(&input::json_schema());
            Ok(Exit::Done)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut cli::parser(), "bootstrap", &mut script);
            printer.raw(&String::from_utf8_lossy(&script));
            Ok(Exit::Done)
        }
        Command::Rollback(_) => Err(Failure::usage("rolling back is not there yet")),
    }
}
