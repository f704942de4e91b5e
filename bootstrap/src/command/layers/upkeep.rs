//! `clean` and `send-telemetry`, which the layers call in a form of their own.

use std::path::Path;

use super::conversation::Conversation;
use super::options::CleanupOptions;
use super::records;
use super::refusal::LayerError;
use crate::cli::{CleanArgs, TelemetryArgs, TelemetryCommands};
use crate::command::error::Error;
use crate::command::{clean as clean_command, telemetry};
use crate::terminal::{Printer, Signals};

pub(super) fn clean(options: &CleanupOptions, printer: &mut Printer) -> Result<(), LayerError> {
    let args = |apply, confirm: Option<&str>| CleanArgs {
        apply,
        confirm: confirm.map(str::to_owned),
        runs_dir: Some(records::runs_dir()),
        json: false,
    };
    if !options.apply {
        return Ok(clean_command::run(&args(false, None), printer)?);
    }
    if options.yes && options.confirmed {
        return Ok(clean_command::run(&args(true, Some(clean_command::WORD)), printer)?);
    }
    // The plan first: nobody types the word for what was not shown.
    clean_command::run(&args(false, None), printer)?;
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let mut conversation = Conversation::new(printer, &signals);
    let agreed = options.yes || conversation.yes_or_no("Proceed with cleanup?", false)?;
    let typed =
        agreed && (options.confirmed || conversation.word("Type CLEAN to continue")? == clean_command::WORD);
    if !typed {
        return Err(Error::Declined.into());
    }
    Ok(clean_command::run(&args(true, Some(clean_command::WORD)), printer)?)
}

/// A manifest is sent, and without one what is queued.
pub(super) fn send_telemetry(manifest: Option<&Path>, printer: &mut Printer) -> Result<(), LayerError> {
    let command = match manifest {
        Some(manifest) => TelemetryCommands::Send { manifest: manifest.to_owned() },
        None => TelemetryCommands::Flush { refused: false, detached: false },
    };
    let args = TelemetryArgs { runs_dir: Some(records::runs_dir()), json: false, command };
    Ok(telemetry::run(&args, printer)?)
}
