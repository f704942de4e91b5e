//! What each command does.

pub mod inputs;
pub mod preflight;
mod rollback;
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
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let asks_for_json = arguments.iter().any(|argument| argument == "--json");
    let (cli, flags) = match cli::parse(arguments) {
        Ok(parsed) => parsed,
        Err(error) => return unparsed(&error, asks_for_json),
    };
    let mut printer = Printer::new(cli.global, wants_json(&cli.command));
    let exit = dispatch(&cli, &flags, &mut printer).unwrap_or_else(|failure| {
        printer.failure(&failure);
        if printer.is_json() && !failure.documented {
            printer.document(&failure);
        }
        failure.exit
    });
    if printer.has_lost_output() {
        printer.failure(&Failure::failed("a part of the result could not be written to standard output"));
        return if exit == Exit::Done { Exit::Failed } else { exit };
    }
    exit
}

/// Help, the version, or what is wrong with the arguments, as the parser lays it out. Who asks for JSON reads it also
/// where nothing could be parsed.
fn unparsed(error: &clap::Error, asks_for_json: bool) -> Exit {
    let _ = error.print();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Exit::Done;
    }
    if asks_for_json {
        let text = error.to_string();
        let message = text.split("\n\n").next().unwrap_or_default();
        Printer::silent().document(&Failure::usage(message.trim_start_matches("error: ").trim()));
    }
    Exit::Usage
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
        Command::Validate(options) => Ok(validate::run(options, printer)),
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
        Command::Rollback(options) => rollback::run(options, printer),
    }
}
