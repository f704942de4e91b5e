//! Opening files and directories: only the intended one is opened, and nothing blocks.
//!
//! Each open passes `O_NOFOLLOW` and checks the descriptor afterwards. `openat2` with `RESOLVE_NO_SYMLINKS` was
//! rejected: it refuses links in the prefix of a path too, and `/var/run` or a linked home directory are common there.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, fchmod, fgetxattr, fstat, mkdirat, openat, statat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::error::DiskError;
use super::owner::Owner;

/// Mode of every file of ours.
pub(super) const FILE_MODE: Mode = Mode::from_raw_mode(0o600);

/// Mode of every directory of ours.
const DIR_MODE: Mode = Mode::from_raw_mode(0o700);

/// Opens a regular file for reading. `path` names it in errors; `name` is relative to `dir`.
pub(super) fn read_only(dir: impl AsFd, path: &Path, name: &Path) -> Result<File, DiskError> {
    open(dir, path, name, OFlags::RDONLY)
}

/// Opens a regular file that only we could have put there, for writing: with a second hard link, a write would reach a
/// file elsewhere.
pub(super) fn for_writing(
    dir: impl AsFd,
    path: &Path,
    name: &Path,
    flags: OFlags,
) -> Result<File, DiskError> {
    let file = open(dir, path, name, flags)?;
    let stat = fstat(&file).map_err(|error| DiskError::new("inspect", path, error))?;
    if stat.st_nlink > 1 {
        return Err(DiskError::Unsafe { path: path.to_owned(), why: "has several hard links" });
    }
    Ok(file)
}

/// Never blocks on a FIFO or a device: it opens without waiting and then checks the type.
///
/// # Errors
/// [`DiskError::NotAFile`] for everything that is not a regular file.
fn open(dir: impl AsFd, path: &Path, name: &Path, flags: OFlags) -> Result<File, DiskError> {
    let safe = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match openat(&dir, name, flags | safe, FILE_MODE) {
        Ok(fd) => File::from(fd),
        // A FIFO without a reader and a socket cannot be opened; their type helps the operator more than the error.
        Err(Errno::NXIO) => return Err(DiskError::NotAFile { path: path.to_owned() }),
        Err(error) => return Err(DiskError::new("open", path, error)),
    };
    let stat = fstat(&file).map_err(|error| DiskError::new("inspect", path, error))?;
    if is_file(&stat) { Ok(file) } else { Err(DiskError::NotAFile { path: path.to_owned() }) }
}

/// Passes if the open file belongs to us, to root or to the caller of sudo, and nobody else may write to it. The open file is
/// checked, not its name: the name may now belong to another file.
pub(super) fn check_own(file: &File, path: &Path, owner: Owner) -> Result<(), DiskError> {
    let stat = fstat(file).map_err(|error| DiskError::new("inspect", path, error))?;
    if !owner.trusts(stat.st_uid) {
        return Err(DiskError::Foreign { path: path.to_owned() });
    }
    let mode = Mode::from_raw_mode(stat.st_mode);
    let unsafe_as = |why| Err(DiskError::Unsafe { path: path.to_owned(), why });
    if mode.contains(Mode::WOTH) {
        return unsafe_as("may be changed by every user");
    }
    if mode.contains(Mode::WGRP) && !is_own_group(file, stat.st_gid, owner) {
        return unsafe_as("may be changed by a group of users");
    }
    Ok(())
}

/// Whether the permissions of the group, which is `gid`, let nobody but `owner` and root at what is open. With an access list
/// they are those of everybody in the list.
pub(super) fn is_own_group(fd: impl AsFd, gid: u32, owner: Owner) -> bool {
    owner.trusts_group(gid) && !has_access_list(fd)
}

/// Whether it has an access list, or might have one.
fn has_access_list(fd: impl AsFd) -> bool {
    let found = fgetxattr(fd, "system.posix_acl_access", &mut [0_u8; 0][..]);
    !matches!(found, Err(Errno::NODATA | Errno::OPNOTSUPP))
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
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(DiskError::new("inspect", path, error)),
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

/// The directory that `path` is in.
pub(super) fn parent_or_here(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Without slashes and dots at the end: with them, the system would follow a symbolic link.
pub(super) fn without_trailing(path: &Path) -> PathBuf {
    let tidy: PathBuf = path.components().collect();
    if tidy.as_os_str().is_empty() { PathBuf::from(".") } else { tidy }
}

/// Makes the directory at `path`, the name of which is relative to `parent`, with mode 0700 and for `owner`, unless it
/// exists. Only the one call of mkdirat(2) makes it, whatever the umask.
pub(super) fn create_child(parent: &OwnedFd, path: &Path, owner: Owner) -> Result<OwnedFd, DiskError> {
    let failed = |error| DiskError::new("create", path, error);
    let name = Path::new(path.file_name().ok_or_else(|| DiskError::NotADirectory { path: path.to_owned() })?);
    let made = match mkdirat(parent, name, DIR_MODE) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(error) => return Err(failed(error)),
    };
    let fd = open_dir(parent, path, name, OFlags::NOFOLLOW)?;
    // Between the two calls above, another user of the parent could have moved another directory here, which must not
    // get another owner. Ours is still empty and belongs to us.
    if made && fstat(&fd).map_err(failed)?.st_uid == geteuid().as_raw() && is_empty(&fd).map_err(failed)? {
        fchmod(&fd, DIR_MODE).map_err(failed)?;
        owner.give(&fd).map_err(failed)?;
    }
    Ok(fd)
}

pub(super) fn open_dir(
    dir: impl AsFd,
    path: &Path,
    name: &Path,
    flags: OFlags,
) -> Result<OwnedFd, DiskError> {
    let flags = flags | OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(&dir, name, flags, Mode::empty()).map_err(|error| match error {
        // Linux says "not a directory" of a symbolic link that it was told not to follow.
        Errno::NOTDIR => match statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if is_link(&stat) => DiskError::Symlink { path: path.to_owned() },
            _ => DiskError::NotADirectory { path: path.to_owned() },
        },
        error => DiskError::new("open", path, error),
    })
}

pub(super) fn is_empty(fd: &OwnedFd) -> rustix::io::Result<bool> {
    for entry in Dir::read_from(fd)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Gives a file that this process has just made its mode, whatever the umask, and its owner.
pub(super) fn secure(file: &File, owner: Owner) -> rustix::io::Result<()> {
    fchmod(file, FILE_MODE)?;
    owner.give(file)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set scenes, nothing of ours")]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_empty_until_something_is_in_it() {
        let temp = tempfile::tempdir().expect("a scratch directory");
        let dir = open_dir(rustix::fs::CWD, temp.path(), temp.path(), OFlags::empty()).expect("open");
        assert_eq!(is_empty(&dir), Ok(true));
        std::fs::write(temp.path().join(".hidden"), "").expect("written");
        assert_eq!(is_empty(&dir), Ok(false));
    }
}
