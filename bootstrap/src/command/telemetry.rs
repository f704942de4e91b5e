//! `bootstrap telemetry`: what is sent, what waits, and how to stop it.

mod caller;
mod context;
mod deliver;
mod preview;
mod status;

use super::diagnostic::Diagnostic;
use crate::cli::{TelemetryArgs, TelemetryCommands};
use crate::terminal::Printer;
use context::TelemetryContext;

/// Dispatches the telemetry commands.
pub(super) fn run(args: &TelemetryArgs, printer: &mut Printer) -> Result<(), Diagnostic> {
    let context = |printer: &mut Printer| TelemetryContext::read(args, [], printer);
    match &args.command {
        TelemetryCommands::Status => status::run(&context(printer)?, printer)?,
        TelemetryCommands::Show { id } => preview::show(&context(printer)?, id.as_deref(), printer)?,
        TelemetryCommands::Preview { mode } => preview::preview(&context(printer)?, *mode, printer)?,
        TelemetryCommands::Send { manifest } => deliver::send(args, manifest, printer)?,
        TelemetryCommands::Flush { detached: true, .. } => deliver::detached()?,
        TelemetryCommands::Flush { refused, .. } => deliver::flush(&context(printer)?, *refused, printer)?,
        TelemetryCommands::Purge { yes } => deliver::purge(&context(printer)?, *yes, printer)?,
    }
    Ok(())
}
