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
    if let TelemetryCommands::Flush { detached: true, .. } = args.command {
        return deliver::detached();
    }
    let context = TelemetryContext::read(args, printer)?;
    match &args.command {
        TelemetryCommands::Status => status::run(&context, printer)?,
        TelemetryCommands::Show { id } => preview::show(&context, id.as_deref(), printer)?,
        TelemetryCommands::Preview { mode } => preview::preview(&context, *mode, printer)?,
        TelemetryCommands::Send { manifest } => deliver::send(&context, manifest, printer)?,
        TelemetryCommands::Flush { refused, .. } => deliver::flush(&context, *refused, printer)?,
        TelemetryCommands::Purge { yes } => deliver::purge(&context, *yes, printer)?,
    }
    Ok(())
}
