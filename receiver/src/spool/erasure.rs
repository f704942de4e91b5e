//! The erasure of a session or a run from the spool, beside a service that may use it.
//!
//! It is often root that erases, for a service that is another user: what is written again stays that user's.

use std::path::Path;
use std::time::{Duration, Instant};

use privacy::disk::{DiskError, PrivateDir};

use super::{DAMAGED, LOCK, Spool, SpoolError, line, number};
use crate::arrival::PackedId;

/// What was erased from a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ErasedLines {
    /// Lines that are gone.
    pub(crate) lines: usize,
    /// Whether a service still has segments in it, which only it may change.
    pub(crate) is_in_use: bool,
}

/// How long a service may take to move its segments into the store.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);

/// Erases the lines of a session or a run from the spool at this path.
///
/// What was set aside is changed in any case: no service touches it again. Segments are changed only where no service
/// has them. A service moves them into the store, and only then is there nothing left of them here.
///
/// # Errors
/// There is no spool: that of the service is elsewhere, and its lines would be stored later. The directory or a file in
/// it cannot be used, or belongs to another user and this process is not root.
pub(crate) fn erase(path: &Path, id: &PackedId) -> Result<ErasedLines, SpoolError> {
    let missing = || SpoolError::Missing(path.to_owned());
    let directory = PrivateDir::open_for_its_owner(path).map_err(|error| match error {
        DiskError::Missing { .. } => missing(),
        error => error.into(),
    })?;
    // A service makes it at its first start.
    if !directory.contains(LOCK)? {
        return Err(missing());
    }
    let held = match Spool::open(path) {
        Err(SpoolError::InUse { .. }) => None,
        opened => Some(opened?),
    };
    let is_in_use = held.is_none() && !is_drained(&directory)?;
    let mut lines = 0;
    for name in directory.names(Spool::MAX_FILES)? {
        if name.starts_with(DAMAGED) || (held.is_some() && number(&name).is_some()) {
            lines += erase_in(&directory, &name, id)?;
        }
    }
    Ok(ErasedLines { lines, is_in_use })
}

fn is_drained(directory: &PrivateDir) -> Result<bool, SpoolError> {
    let started = Instant::now();
    loop {
        if !directory.names(Spool::MAX_FILES)?.iter().any(|name| number(name).is_some()) {
            return Ok(true);
        }
        if started.elapsed() > PATIENCE {
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
}

fn erase_in(directory: &PrivateDir, name: &str, id: &PackedId) -> Result<usize, SpoolError> {
    let text = match directory.read_bounded(name, Spool::MAX_SEGMENT_BYTES).map_err(SpoolError::from) {
        // A link, a directory: it was set aside because it is no segment.
        Err(error) if error.is_about_the_file() => return Ok(0),
        read => read?,
    };
    let (kept, erased) = line::without(&text, id);
    if erased > 0 && kept.is_empty() {
        directory.remove(name)?;
    } else if kept != text {
        directory.write_atomic(name, &kept)?;
    }
    Ok(erased)
}
