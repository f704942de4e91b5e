//! What each command does, and how the process ends.
//!
//! A command returns nothing or a [`diagnostic::Diagnostic`]; [`main`] alone shows it and turns it into an exit code.

mod backup;
mod clean;
pub mod diagnostic;
pub mod error;
mod inputs;
mod interrupted;
mod layers;
mod next;
mod preflight;
mod rollback;
mod run;
mod telemetry;
mod unattended;
mod validate;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::cli::{self, Cli, Commands};
use crate::input;
use crate::layers::operation_event_schema;
use crate::run::run_schema;
use crate::secret::forbid_core_dumps;
use crate::terminal::Printer;
use diagnostic::Diagnostic;
use error::Error;

/// Parses the arguments, runs the command and tells the operator how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    forbid_core_dumps();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Looked for by hand, because what does not parse has no options yet.
    let asks_for_json = arguments.iter().any(|argument| argument == "--json");
    let is_detailed = arguments.iter().any(|argument| argument == "--detailed-exitcode");
    let codes = if is_detailed { ExitCodes::Detailed } else { ExitCodes::Plain };
    let exit_code = match cli::parse(arguments) {
        Ok((cli, flags)) => run_command(&cli, &flags, codes),
        Err(error) => show_usage(&error, asks_for_json, codes),
    };
    ExitCode::from(exit_code)
}

/// What exit codes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExitCodes {
    /// Each kind of failure has its own.
    Plain,
    /// As those of `terraform plan -detailed-exitcode`: 2 says that something would change, so that no failure may.
    Detailed,
}

impl ExitCodes {
    fn of(self, error: &Error) -> u8 {
        match (self, error.process_exit_code()) {
            // A shell knows a signal by its number in either case.
            (Self::Detailed, 1..128) if !matches!(error, Error::ChangesPlanned) => 1,
            (_, code) => code,
        }
    }
}

fn run_command(cli: &Cli, flags: &input::Flags, codes: ExitCodes) -> u8 {
    // It has output and exit codes of its own.
    if let Commands::AsBundle(args) = &cli.command {
        return layers::run(args);
    }
    let mut printer = Printer::new(cli.global.verbosity(), cli.global.color, cli.command.output_format());
    let mut exit_code = 0;
    if let Err(diagnostic) = dispatch(&cli.command, flags, &mut printer) {
        exit_code = codes.of(diagnostic.error());
        diagnostic.show(exit_code, &mut printer);
    }
    if printer.has_lost_output() {
        let lost = Error::LostOutput;
        printer.error(&lost.message(), &[]);
        // What the command itself failed at matters more to a caller than that its result is cut off.
        if exit_code == 0 {
            exit_code = lost.process_exit_code();
        }
    }
    exit_code
}

/// Shows help, the version, or what is wrong with the arguments, as the parser lays it out. Who asks for JSON reads it
/// also where nothing could be parsed.
fn show_usage(error: &clap::Error, asks_for_json: bool, codes: ExitCodes) -> u8 {
    // Nothing is left to do if even this cannot be written.
    let _ = error.print();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return 0;
    }
    let text = error.to_string();
    let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").trim();
    let diagnostic = Diagnostic::from(Error::CommandLine(message.to_owned()));
    let exit_code = codes.of(diagnostic.error());
    if asks_for_json {
        diagnostic.show_document(exit_code, &mut Printer::silent());
    }
    exit_code
}

fn dispatch(command: &Commands, flags: &input::Flags, printer: &mut Printer) -> Result<(), Diagnostic> {
    match command {
        Commands::Run(args) => run::run(args, flags, printer),
        Commands::Preflight(args) => preflight::run(args, flags, printer),
        Commands::Verify(args) => verify::run(args, flags, printer),
        Commands::Rollback(args) => rollback::run(args, printer),
        Commands::Telemetry(args) => telemetry::run(args, printer),
        Commands::Validate(args) => validate::run(args, printer),
        Commands::Backup(args) => backup::run(args, printer),
        Commands::Clean(args) => clean::run(args, printer),
        // Taken before there was a printer.
        Commands::AsBundle(_) => Ok(()),
        Commands::EventSchema => {
            printer.document(&operation_event_schema());
            Ok(())
        }
        Commands::ConfigSchema => {
            printer.document(&input::config_schema());
            Ok(())
        }
        Commands::RunSchema => {
            printer.document(&run_schema());
            Ok(())
        }
        Commands::Completions { shell } => {
            // Through a buffer: the generator panics when standard output is closed, and the printer does not.
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut cli::parser(), "bootstrap", &mut script);
            printer.raw(&String::from_utf8_lossy(&script));
            Ok(())
        }
    }
}
