//! `receiver check`: whether the service would start, and could keep what it is sent.
//!
//! Changes nothing: what is not there yet is said to be missing, and `serve` makes it, if it may.

use std::path::Path;

use super::error::ReceiverError;
use super::location;
use super::output::print;
use crate::cli::ServeArgs;
use crate::disk_access;
use crate::disk_space;
use crate::spool::{Spool, SpoolError};
use crate::store::{StoreError, StoreLocation};
use crate::tokens::Tokens;

pub(super) fn run(arguments: &ServeArgs) -> Result<(), ReceiverError> {
    for file in [&arguments.ingest_tokens_file, &arguments.operator_token_file].into_iter().flatten() {
        Tokens::read(file)?;
    }
    let location = location::of(&arguments.store)?;
    let state = store_state(&location)?;
    let spool = location.is_server().then(|| spool_state(&arguments.spool.spool_dir)).transpose()?;
    let directory =
        location.local_directory().or(spool.as_ref().map(|_| arguments.spool.spool_dir.as_path()));
    if let Some(directory) = directory {
        check_reserve(disk_access::existing(directory), arguments.store.disk_reserve)?;
    }
    print(&format!("store: {state}"));
    if let Some(state) = spool {
        print(&format!("spool: {}, {state}", arguments.spool.spool_dir.display()));
    }
    Ok(())
}

fn check_reserve(directory: &Path, reserve: u64) -> Result<(), ReceiverError> {
    let free = disk_space::free_bytes(directory);
    if free < reserve { Err(ReceiverError::DiskReserve(directory.to_owned(), free, reserve)) } else { Ok(()) }
}

/// What is in a store, or what the start of the service will make of it.
fn store_state(location: &StoreLocation) -> Result<String, StoreError> {
    match location.open_to_check() {
        Ok(mut store) => {
            let doubt = if store.is_clock_doubted()? {
                "; its clock is not believed, so nothing is rolled up or deleted: see the log of the service"
            } else {
                ""
            };
            Ok(format!("{location}, {} documents{doubt}", store.count()?))
        }
        Err(error @ (StoreError::Missing { .. } | StoreError::Older { .. })) => Ok(error.to_string()),
        Err(error) => Err(error),
    }
}

/// Who has the spool, or what waits in it. That a service has it is no fault: this is what a check beside a service that
/// runs finds.
fn spool_state(directory: &Path) -> Result<String, ReceiverError> {
    disk_access::check_directory(directory)?;
    if !Spool::is_there(directory) {
        return Ok("not there yet; the start of the service makes it".to_owned());
    }
    match Spool::open(directory) {
        Ok(spool) => Ok(format!("not in use, {} bytes wait", spool.bytes())),
        Err(SpoolError::InUse { holder, .. }) => {
            Ok(format!("in use by {holder}; another instance needs a --spool-dir of its own"))
        }
        Err(error) => Err(error.into()),
    }
}
