//! A folder of ours, held open.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, fchmod, fstat, mkdirat, openat, statat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::{DiskError, Owner, open};

const FOLDER_MODE: Mode = Mode::from_raw_mode(0o700);

/// A folder held open. All names are relative to it, whatever happens to its path meanwhile.
///
/// A name is one plain file name; a path, `.`, `..` and the empty name are refused as [`DiskError::Name`].
#[derive(Debug)]
pub struct Folder {
    pub(super) fd: OwnedFd,
    pub(super) owner: Owner,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder at `path`; new files in it belong to [`Owner::from_env`].
    ///
    /// # Errors
    /// [`DiskError::Symlink`] if the last part is a symbolic link, and [`DiskError::Unsafe`] if everybody may rename
    /// the files in it: it is writable by all and not sticky.
    pub fn open(path: &Path) -> Result<Self, DiskError> {
        Self::open_for(path, Owner::from_env())
    }

    /// As [`Self::open`], with new files belonging to `owner`.
    pub fn open_for(path: &Path, owner: Owner) -> Result<Self, DiskError> {
        let path = tidy(path);
        let fd = open_folder(CWD, &path, &path, OFlags::NOFOLLOW)?;
        Self::checked(fd, owner, path)
    }

    /// Opens the folder at `path`, or makes it with mode 0700, and each missing folder above it likewise.
    ///
    /// The modes of folders that are there are left alone.
    pub fn create(path: &Path) -> Result<Self, DiskError> {
        Self::create_for(path, Owner::from_env())
    }

    /// As [`Self::create`], with new folders and files belonging to `owner`.
    pub fn create_for(path: &Path, owner: Owner) -> Result<Self, DiskError> {
        let path = tidy(path);
        let fd = match open_folder(CWD, &path, &path, OFlags::NOFOLLOW) {
            Err(DiskError::Missing { .. }) => {
                make_below(&ensure(parent_or_here(&path), owner)?, &path, owner)?
            }
            other => other?,
        };
        Self::checked(fd, owner, path)
    }

    fn checked(fd: OwnedFd, owner: Owner, path: PathBuf) -> Result<Self, DiskError> {
        let mode =
            Mode::from_raw_mode(fstat(&fd).map_err(|error| DiskError::new("look at", &path, error))?.st_mode);
        if mode.contains(Mode::WOTH) && !mode.contains(Mode::SVTX) {
            return Err(DiskError::Unsafe { path, why: "may be changed by every user" });
        }
        Ok(Self { fd, owner, path })
    }

    /// Where the folder was when it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file `name` is, for messages.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// The folder that `path` stands in.
pub(super) fn parent_or_here(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Without slashes and dots at the end: with them, the system would follow a symbolic link.
pub(super) fn tidy(path: &Path) -> PathBuf {
    let tidy: PathBuf = path.components().collect();
    if tidy.as_os_str().is_empty() { PathBuf::from(".") } else { tidy }
}

/// Opens the folder at `path`, following symbolic links, or makes it below its parent.
fn ensure(path: &Path, owner: Owner) -> Result<OwnedFd, DiskError> {
    match open_folder(CWD, path, path, OFlags::empty()) {
        Err(DiskError::Missing { .. }) if parent_or_here(path) != path => {
            make_below(&ensure(parent_or_here(path), owner)?, path, owner)
        }
        other => other,
    }
}

fn make_below(parent: &OwnedFd, path: &Path, owner: Owner) -> Result<OwnedFd, DiskError> {
    let failed = |error| DiskError::new("create", path, error);
    let name = Path::new(path.file_name().ok_or_else(|| DiskError::NotAFolder { path: path.to_owned() })?);
    let made = match mkdirat(parent, name, FOLDER_MODE) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(error) => return Err(failed(error)),
    };
    let fd = open_folder(parent, path, name, OFlags::NOFOLLOW)?;
    // Between the two calls above another user of the parent could have moved another folder here, which must not
    // change hands. Ours is still empty and belongs to us.
    if made && fstat(&fd).map_err(failed)?.st_uid == geteuid().as_raw() && is_empty(&fd).map_err(failed)? {
        fchmod(&fd, FOLDER_MODE).map_err(failed)?;
        owner.take(&fd).map_err(failed)?;
    }
    Ok(fd)
}

fn open_folder(dir: impl AsFd, path: &Path, name: &Path, flags: OFlags) -> Result<OwnedFd, DiskError> {
    let flags = flags | OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(&dir, name, flags, Mode::empty()).map_err(|error| match error {
        // Linux says "not a directory" of a symbolic link that it was told not to follow.
        Errno::NOTDIR => match statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if open::is_link(&stat) => DiskError::Symlink { path: path.to_owned() },
            _ => DiskError::NotAFolder { path: path.to_owned() },
        },
        error => DiskError::new("open", path, error),
    })
}

fn is_empty(fd: &OwnedFd) -> rustix::io::Result<bool> {
    for entry in Dir::read_from(fd)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}
