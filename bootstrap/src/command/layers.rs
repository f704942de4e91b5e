//! What the entry points of the bundle do: the program as the layers above know it.
//!
//! An entry point says so by an explicit argument, so that nothing is guessed from terminals or names. Behind it the same
//! commands work as for an operator; what differs is the form: the words and the order of the questions, which go where
//! the results go and are answered from standard input, the JSON, and the exit codes.

mod bootstrap;
mod call;
mod conversation;
mod help;
mod inspect;
mod installation;
mod options;
mod packages;
mod questions;
mod records;
mod refusal;
mod upkeep;

use super::error::Error;
use crate::cli::AsBundleArgs;
use crate::layers::{EventStatus, RunOrigin, bill_of_materials, bundle_info, check_runtime};
use crate::terminal::{ColorChoice, OutputFormat, Printer, Verbosity};
use call::parse;
use options::{HelpTopic, LayerCommand};
use refusal::LayerError;

/// Carries out what an entry point was called with, and returns the exit code that the layers expect.
pub(super) fn run(args: &AsBundleArgs) -> u8 {
    let call = parse(args.entry, &args.args);
    let prints_json = call.command.as_ref().is_ok_and(LayerCommand::prints_json);
    let format = match (call.events, prints_json) {
        (true, _) => OutputFormat::Events,
        (false, true) => OutputFormat::Json,
        (false, false) => OutputFormat::Text,
    };
    // Without colour: whoever reads this may be a program.
    let mut printer = Printer::new(Verbosity::Normal, ColorChoice::Never, format);
    let origin = RunOrigin::layer(call.operation);
    origin.operation_started(&mut printer);
    let ended = match call.command {
        // The script of the run itself is not the command: whoever calls it has told of that already.
        Ok(command) if call.is_script => dispatch(args, &command, origin.without_command(), &mut printer),
        Ok(command) => dispatch(args, &command, origin, &mut printer),
        Err(error) => Err(error),
    };
    let (mut exit_code, status) = match &ended {
        Ok(()) => (0, EventStatus::Success),
        Err(error) => (error.exit_code(), error.status()),
    };
    if let Err(error) = &ended {
        error.show(&mut printer);
    }
    origin.operation_completed(status, &mut printer);
    if printer.has_lost_output() && exit_code == 0 {
        printer.error(&Error::LostOutput.message(), &[]);
        exit_code = 1;
    }
    exit_code
}

fn dispatch(
    args: &AsBundleArgs,
    command: &LayerCommand,
    origin: RunOrigin,
    printer: &mut Printer,
) -> Result<(), LayerError> {
    match command {
        LayerCommand::Help(of) => {
            // As in the shell core, whose scripts look at these variables before anything else.
            if *of == HelpTopic::Bootstrap {
                check_runtime(|name| std::env::var_os(name))?;
            }
            printer.raw(help::text(*of));
        }
        LayerCommand::BundleInfo => printer.document(&bundle_info(&args.root)?),
        LayerCommand::Bom => printer.document(&bill_of_materials(&args.root)?),
        LayerCommand::Preflight(options) => inspect::preflight(options, origin, printer)?,
        LayerCommand::Validate(options) => inspect::validate(options, origin, printer)?,
        LayerCommand::Bootstrap(options) => bootstrap::run(options, origin, printer)?,
        LayerCommand::Install(options) => packages::install(args, options, origin, printer)?,
        LayerCommand::ValidateAddon(tgz) => packages::validate(args, tgz, origin, printer)?,
        LayerCommand::Backup(backup) => upkeep::backup(backup, &args.root, printer)?,
        LayerCommand::Rollback(rollback) => upkeep::rollback(rollback, printer)?,
        LayerCommand::Cleanup(options) => upkeep::clean(options, printer)?,
        LayerCommand::SendTelemetry(manifest) => upkeep::send_telemetry(manifest.as_deref(), printer)?,
    }
    Ok(())
}
