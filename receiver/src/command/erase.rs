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
    let spooled = location.is_server().then(erase_spool).transpose()?;
    let erased = store.erase(&arguments.id)?;
    // Without the id: the output may be kept.
    let of_store = format!("{} documents, {} runs", erased.documents, erased.runs);
    match spooled {
        None => print(&format!("erased: {of_store}")),
        Some(spooled) => print(&format!(
            "erased: {of_store}, {} lines of the spool {}",
            spooled.lines,
            directory.display()
        )),
    }
    match spooled {
        Some(spooled) if spooled.is_in_use => Err(ReceiverError::NotDrained(directory.clone())),
        _ => Ok(()),
    }
}
