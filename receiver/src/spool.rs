//! Where documents are kept while PostgreSQL is unreachable: files on this machine, synced before a sender is answered.
//!
//! A segment is written by one process, from its first batch until it is drained or the process ends; no process writes
//! to a segment of another process. It is drained whole and then removed, so that a death in between stores nothing twice:
//! what is drained again is a duplicate. What cannot be read is renamed and reported, and does not delay the rest. What cannot be
//! read for now, such as on a disk that fails, stays, and does not delay the rest either.
//!
//! A message queue instead was rejected: it would be another server that can be unreachable.

mod drain;
mod erasure;
mod line;

use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use privacy::disk::{DiskError, PrivateDir};
use rustix::fs::{FlockOperation, flock};

use crate::arrival::Arrival;

pub(crate) use drain::Drain;
pub(crate) use erasure::erase;

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    /// The directory or a file in it cannot be used.
    #[error("spool: {0}")]
    Disk(#[from] DiskError),
    /// Another process has it.
    #[error("spool: {}: in use by {holder}; give each instance its own --spool-dir", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Who has it.
        holder: SpoolHolder,
    },
    /// No service has ever spooled there.
    #[error("{}: there is no spool; name that of the service with --spool-dir or RECEIVER_SPOOL_DIR", .0.display())]
    Missing(PathBuf),
    /// A file of it cannot be written or removed.
    #[error("spool: {0}: {1}")]
    Segment(PathBuf, std::io::Error),
}

impl SpoolError {
    /// Whether the file is none that a spool writes, which no second attempt changes.
    fn is_about_the_file(&self) -> bool {
        let Self::Disk(error) = self else { return false };
        matches!(error, DiskError::Symlink { .. } | DiskError::NotAFile { .. } | DiskError::TooLarge { .. })
    }
}

/// The process that has a spool, as it says itself in the file that it locks. Within a container its number is another one
/// than outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpoolHolder(Option<u32>);

impl SpoolHolder {
    /// Longest number of a process, with its line break.
    const MAX_BYTES: u64 = 16;

    /// Says who has the file that this process has just locked. On a full disk nobody is told, and the service starts.
    fn write(mut lock: &File) {
        let _ = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
    }

    /// Reads who has it. Who has not said so yet is just starting.
    fn read(directory: &PrivateDir) -> Self {
        let said = directory.read_bounded(LOCK, Self::MAX_BYTES).unwrap_or_default();
        Self(std::str::from_utf8(&said).ok().and_then(|said| said.trim().parse().ok()))
    }
}

impl fmt::Display for SpoolHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(process) => write!(f, "process {process}"),
            None => f.write_str("another process"),
        }
    }
}

/// How the name of a file begins that was set aside.
const DAMAGED: &str = "damaged-";
/// The file that who has the spool locks.
const LOCK: &str = "lock";

/// The spool of this process.
#[derive(Debug)]
pub(crate) struct Spool {
    directory: PrivateDir,
    /// Held for as long as this value lives.
    _lock: File,
    segments: Mutex<Segments>,
}

/// Which segments there are.
#[derive(Debug)]
struct Segments {
    /// The segment that is written to, and its length.
    open: Option<(File, u64)>,
    /// Number of the newest segment, and no less than any that was set aside.
    newest: u64,
}

impl Segments {
    /// A number that no segment gets. The newest segment is known by its number, so it is not written to any more.
    fn skip_number(&mut self) -> u64 {
        self.open = None;
        self.newest += 1;
        self.newest
    }
}

impl Spool {
    /// A segment of this size is followed by another one. It is read whole when it is drained.
    const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;
    /// Longest segment that is read: the last batch may go beyond the limit.
    const MAX_SEGMENT_BYTES: u64 = 1024 * 1024 * 1024;
    /// Most files that are listed.
    const MAX_FILES: usize = 1_000_000;

    /// Opens the directory or makes it, and locks it for this process.
    ///
    /// # Errors
    /// The directory cannot be used, or another process has it. What is wrong with its segments is no error.
    pub(crate) fn open(path: &Path) -> Result<Self, SpoolError> {
        let directory = PrivateDir::create(path)?;
        let lock = directory.open_or_create_file(LOCK)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| SpoolError::InUse {
            path: path.to_owned(),
            holder: SpoolHolder::read(&directory),
        })?;
        SpoolHolder::write(&lock);
        // An erasure that died has left the copy that it was writing.
        directory.sweep()?;
        // What was set aside counts: another segment of its number could only be set aside over it.
        let names = directory.names(Self::MAX_FILES)?;
        let numbers = names.iter().filter_map(|name| number(name).or_else(|| number_set_aside(name)));
        let segments = Segments { open: None, newest: numbers.max().unwrap_or(0) };
        Ok(Self { directory, _lock: lock, segments: Mutex::new(segments) })
    }

    /// Whether a service has ever spooled in this directory.
    pub(crate) fn is_there(directory: &Path) -> bool {
        directory.join(LOCK).exists()
    }

    /// The directory, whose disk may become full.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Keeps a batch. It is on the disk when this returns.
    ///
    /// # Errors
    /// The disk is full or fails. Part of the batch may still be kept, and is stored later; a sender that repeats it
    /// makes a duplicate.
    pub(crate) fn append(&self, batch: &[Arrival]) -> Result<(), SpoolError> {
        let mut text = Vec::new();
        for arrival in batch {
            line::write(&mut text, arrival);
        }
        let mut segments = self.lock();
        let (mut file, length) = match segments.open.take() {
            Some(open) => open,
            None => (self.create_segment(&mut segments)?, 0),
        };
        let length = length + text.len() as u64;
        let path = self.directory.path_of(&name_of(segments.newest));
        // After a failure the segment ends with half a line, and is never written to again.
        file.write_all(&text)
            .and_then(|()| file.sync_data())
            .map_err(|error| SpoolError::Segment(path, error))?;
        segments.open = (length < Self::SEGMENT_BYTES).then_some((file, length));
        Ok(())
    }

    fn create_segment(&self, segments: &mut Segments) -> Result<File, SpoolError> {
        let file = self.directory.create_file(&name_of(segments.skip_number()))?;
        // A file whose name is lost in a power cut is lost with all that was synced into it.
        self.directory.sync_names()?;
        Ok(file)
    }

    /// The oldest segment after this one, which is not written to from now on.
    fn next(&self, after: u64) -> Result<Option<u64>, SpoolError> {
        let names = self.directory.names(Self::MAX_FILES)?;
        let next = names.iter().filter_map(|name| number(name)).filter(|number| *number > after).min();
        let mut segments = self.lock();
        if next == Some(segments.newest) {
            segments.open = None;
        }
        Ok(next)
    }

    /// The lines of a segment.
    fn read(&self, segment: u64) -> Result<Vec<u8>, SpoolError> {
        Ok(self.directory.read_bounded(&name_of(segment), Self::MAX_SEGMENT_BYTES)?)
    }

    fn remove(&self, segment: u64) -> Result<(), SpoolError> {
        Ok(self.directory.remove(&name_of(segment))?)
    }

    /// Gives a segment a name under which it is left alone; the new path. It has its number, unless something has that name
    /// already, such as a copy of this segment: it may be the only place of a document.
    fn set_aside(&self, segment: u64) -> Result<PathBuf, SpoolError> {
        let from = self.directory.path_of(&name_of(segment));
        let mut name = name_set_aside(segment);
        // Nobody else sets anything aside meanwhile: this process has the lock.
        while self.directory.contains(&name)? {
            name = name_set_aside(self.lock().skip_number());
        }
        let to = self.directory.path_of(&name);
        fs::rename(&from, &to).map_err(|error| SpoolError::Segment(from, error))?;
        Ok(to)
    }

    /// Bytes that are not drained yet; a file that cannot be read counts as 0.
    pub(crate) fn bytes(&self) -> u64 {
        let names = self.directory.names(Self::MAX_FILES).unwrap_or_default();
        let segments = names.iter().filter(|name| number(name).is_some());
        let length = |name: &String| Some(self.directory.open_file(name).ok()?.metadata().ok()?.len());
        segments.filter_map(length).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Segments> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name_of(segment: u64) -> String {
    format!("segment-{segment:020}")
}

fn name_set_aside(number: u64) -> String {
    format!("{DAMAGED}{number:020}")
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix("segment-")?.parse().ok()
}

/// The number of a segment that was set aside.
fn number_set_aside(name: &str) -> Option<u64> {
    name.strip_prefix(DAMAGED)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::example;

    #[test]
    fn what_was_set_aside_is_never_replaced() {
        let scratch = tempfile::tempdir().expect("a directory");
        let mut aside = Vec::new();
        for event in 1..=3 {
            // Each process ends with an empty spool, so no segment says which numbers were used.
            let spool = Spool::open(scratch.path()).expect("a spool");
            spool.append(&[example(event)]).expect("kept");
            let segment = spool.next(0).expect("listed").expect("a segment");
            let bytes = spool.read(segment).expect("read");
            aside.push((spool.set_aside(segment).expect("set aside"), bytes));
        }
        for (path, bytes) in &aside {
            assert_eq!(&fs::read(path).expect("it is still there"), bytes);
        }
        let spool = Spool::open(scratch.path()).expect("a spool");
        // Somebody had the second one read again, and kept it.
        fs::copy(&aside[1].0, scratch.path().join(name_of(2))).expect("copied");
        let to = spool.set_aside(2).expect("under another name");
        aside.push((to.clone(), aside[1].1.clone()));
        assert!(to.ends_with(name_set_aside(4)), "{}", to.display());
        for (path, bytes) in &aside {
            assert_eq!(&fs::read(path).expect("it is still there"), bytes);
        }
        // What is written now has another number, and one that is being written to is closed for that.
        spool.append(&[example(5)]).expect("kept");
        fs::copy(&aside[1].0, scratch.path().join(name_of(2))).expect("copied");
        assert!(spool.set_aside(2).expect("under another name").ends_with(name_set_aside(6)));
        spool.append(&[example(6)]).expect("kept");
        assert_eq!([0, 5, 7].map(|after| spool.next(after).expect("listed")), [Some(5), Some(7), None]);
    }

    #[test]
    fn the_copy_of_an_erasure_that_died_goes_at_the_next_start() {
        let scratch = tempfile::tempdir().expect("a directory");
        let copy = scratch.path().join(".tmp-bootstrap-1-0");
        #[expect(clippy::disallowed_methods, reason = "a file of the test")]
        fs::write(&copy, "documents").expect("written");
        drop(Spool::open(scratch.path()).expect("a spool"));
        assert!(!copy.exists());
    }
}
