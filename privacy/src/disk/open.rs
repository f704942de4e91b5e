//! Opening files so that nothing but the regular file that was meant is opened, and nothing blocks.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat};

use super::DiskError;

/// Mode of every file of ours.
pub(super) const FILE_MODE: Mode = Mode::from_raw_mode(0o600);

/// Opens a regular file for reading. `path` names it in errors; `name` is relative to `dir`.
pub(super) fn read_only(dir: impl AsFd, path: &Path, name: &Path) -> Result<File, DiskError> {
    open(dir, path, name, OFlags::RDONLY)
}

/// Opens a regular file that only we could have put there, for writing: a second name of it would let a write reach a
/// file elsewhere.
pub(super) fn for_writing(
    dir: impl AsFd,
    path: &Path,
    name: &Path,
    flags: OFlags,
) -> Result<File, DiskError> {
    let file = open(dir, path, name, flags)?;
    let stat = fstat(&file).map_err(|error| DiskError::new("look at", path, error))?;
    if stat.st_nlink > 1 {
        return Err(DiskError::Unsafe { path: path.to_owned(), why: "has a second name" });
    }
    Ok(file)
}

/// Never blocks on a FIFO or a device: it opens without waiting and looks at what it got.
fn open(dir: impl AsFd, path: &Path, name: &Path, flags: OFlags) -> Result<File, DiskError> {
    let safe = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match openat(&dir, name, flags | safe, FILE_MODE) {
        Ok(fd) => File::from(fd),
        // A FIFO without a reader and a socket cannot be opened; what they are tells the operator more.
        Err(rustix::io::Errno::NXIO) => return Err(DiskError::NotAFile { path: path.to_owned() }),
        Err(error) => return Err(DiskError::new("open", path, error)),
    };
    let stat = fstat(&file).map_err(|error| DiskError::new("look at", path, error))?;
    if is_file(&stat) { Ok(file) } else { Err(DiskError::NotAFile { path: path.to_owned() }) }
}

/// Reads at most `limit` bytes, and refuses a longer file without reading it.
pub(super) fn read_all(file: File, path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    let failed = |error| DiskError::new("read", path, error);
    let size = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    if size <= limit {
        // The file may grow meanwhile, and files of /proc say that they are empty.
        file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 <= limit {
            return Ok(bytes);
        }
    }
    Err(DiskError::TooLarge { path: path.to_owned(), limit })
}

/// Passes if there is a regular file or nothing at `name`: what a rename may replace.
pub(super) fn replaceable(dir: impl AsFd, path: &Path, name: &str) -> Result<(), DiskError> {
    match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(error) => Err(DiskError::new("look at", path, error)),
        Ok(stat) if is_file(&stat) => Ok(()),
        Ok(stat) if is_link(&stat) => Err(DiskError::Symlink { path: path.to_owned() }),
        Ok(_) => Err(DiskError::NotAFile { path: path.to_owned() }),
    }
}

pub(super) fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

pub(super) fn is_link(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Symlink
}
