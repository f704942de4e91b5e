//! `receiver erase ID`: what a person who names a run or a session is promised.

use super::error::ReceiverError;
use super::location;
use super::output::print;
use crate::cli::EraseArgs;
use crate::spool;
use crate::store::StoreUse;

pub(super) fn run(arguments: &EraseArgs) -> Result<(), ReceiverError> {
    let location = location::of(&arguments.store)?;
    let mut store = location.open_existing(StoreUse::Tending)?;
    let directory = &arguments.spool.spool_dir;
    // First the spool: what a service moves into the store meanwhile is then erased there.
    let erase_spool = || spool::erase(directory, &arguments.id);
    let spooled = location.is_server().then(erase_spool).transpose()?.unwrap_or_default();
    let erased = store.erase(&arguments.id)?;
    store.settle()?;
    // Without the id: the output may be kept.
    print(&format!(
        "erased: {} documents, {} runs, {} lines of the spool",
        erased.documents, erased.runs, spooled.lines
    ));
    if spooled.is_in_use { Err(ReceiverError::NotDrained(directory.clone())) } else { Ok(()) }
}
