//! `backup`, `rollback`, `clean` and `send-telemetry`, which the layers call in a form of their own.

use std::path::Path;

use super::conversation::Conversation;
use super::options::CleanupOptions;
use super::records;
use super::refusal::LayerError;
use crate::cli::{BackupArgs, CleanArgs, RollbackArgs, TelemetryArgs, TelemetryCommands};
use crate::command::clean::{Asked, Clean};
use crate::command::error::Error;
use crate::command::rollback::Agreement;
use crate::command::{
    backup as backup_command, clean as clean_command, rollback as rollback_command, telemetry,
};
use crate::run::now;
use crate::terminal::{Printer, Signals};

/// Without a name, a backup goes into the working directory. The CLI makes that the bundle itself, which it replaces
/// without asking; then it goes beside the records.
pub(super) fn backup(args: &BackupArgs, bundle: &Path, printer: &mut Printer) -> Result<(), LayerError> {
    let mut args = args.clone();
    if args.directory.is_none() && is_in(bundle) {
        args.directory =
            records::state_dir().map(|state| state.join("backups").join(backup_command::default_name(now())));
    }
    Ok(backup_command::run(&args, printer)?)
}

/// Whether the working directory is the bundle, or in it.
fn is_in(bundle: &Path) -> bool {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    here.is_ok_and(|here| bundle.canonicalize().is_ok_and(|bundle| here.starts_with(bundle)))
}

/// A rollback that changes the host is asked for over a pipe too; the plan comes first, and no more than it has is done.
pub(super) fn rollback(args: &RollbackArgs, printer: &mut Printer) -> Result<(), LayerError> {
    if !args.apply || args.yes {
        return Ok(rollback_command::run(args, printer)?);
    }
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let shown = rollback_command::show_plan(args, printer, &signals)?;
    let mut conversation = Conversation::new(printer, &signals);
    if !conversation.yes_or_no("Apply the safe rollback actions from this manifest?", false, None)? {
        return Err(Error::Declined.into());
    }
    let agreement = Agreement::To(shown.ready.clone());
    let args = RollbackArgs { yes: true, ..args.clone() };
    Ok(rollback_command::apply_agreed(&args, &agreement, printer, &signals)?)
}

pub(super) fn clean(options: &CleanupOptions, printer: &mut Printer) -> Result<(), LayerError> {
    // Agreement to a plan that is only to be shown agrees to nothing.
    let is_agreed = options.apply && options.yes && options.confirmed;
    let args = CleanArgs {
        apply: options.apply,
        confirm: is_agreed.then(|| clean_command::WORD.to_owned()),
        runs_dir: Some(records::runs_dir()),
        json: false,
    };
    if !options.apply || is_agreed {
        return Ok(clean_command::run(&args, printer)?);
    }
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let clean = Clean::planned(&args, printer, &signals)?;
    // The plan first: nobody types the word for what was not shown.
    clean.show(printer);
    let mut conversation = Conversation::new(printer, &signals);
    let agreed = options.yes || conversation.yes_or_no("Apply the full destructive cleanup?", false, None)?;
    let typed =
        agreed && (options.confirmed || conversation.word("Type CLEAN to continue")? == clean_command::WORD);
    if !typed {
        return Err(Error::Declined.into());
    }
    Ok(clean.apply(Asked::AfterPlan, printer, &signals)?)
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
