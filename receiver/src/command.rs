//! What each command does; alone decides how the process ends.

mod error;
mod serve;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{ReceiverCli, ReceiverCommand, ServeArgs, StoreArgs};
use crate::disk_space;
use crate::log::say;
use crate::store::SqliteStore;
use crate::tokens::Tokens;
use error::ReceiverError;

/// Runs the program. Exit codes: 0 done, 1 failed, 2 usage.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match ReceiverCli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody reads it, then.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match &cli.command {
        ReceiverCommand::Serve(arguments) => serve::run(arguments),
        ReceiverCommand::Migrate(arguments) => migrate(arguments),
        ReceiverCommand::Check(arguments) => check(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn migrate(arguments: &StoreArgs) -> Result<(), ReceiverError> {
    SqliteStore::open(&arguments.store)?;
    print(&format!("store: {}, tables of version {}", arguments.store.display(), SqliteStore::version()));
    Ok(())
}

fn check(arguments: &ServeArgs) -> Result<(), ReceiverError> {
    if let Some(file) = &arguments.ingest_tokens_file {
        Tokens::read(file)?;
    }
    let StoreArgs { store: path, disk_reserve } = &arguments.store;
    let store = SqliteStore::open(path)?;
    let free = disk_space::free_bytes(store.directory());
    if free < *disk_reserve {
        return Err(ReceiverError::DiskReserve(path.clone(), free, *disk_reserve));
    }
    print(&format!("store: {}, {} documents", path.display(), store.count()?));
    Ok(())
}

/// What a command was asked for, on standard output. That nobody reads it is no fault.
fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
