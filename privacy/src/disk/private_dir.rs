//! A directory of ours, held open, and the files in it.
//!
//! What replaces a file atomically is in `atomic.rs`.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::error::DiskError;
use super::open;
use super::owner::Owner;
use super::walk::{self, Ancestors};

/// A directory held open, in which new files are private. All names are relative to it, even if its path changes
/// meanwhile.
///
/// A name is one plain file name; a path, `.`, `..` and the empty name are refused as [`DiskError::InvalidName`].
#[derive(Debug)]
pub struct PrivateDir {
    pub(super) fd: OwnedFd,
    pub(super) owner: Owner,
    path: PathBuf,
}

impl PrivateDir {
    /// Opens the directory at `path`; new files in it belong to [`Owner::from_env`].
    ///
    /// # Errors
    /// [`DiskError::Symlink`] if the last part is a symbolic link, and [`DiskError::Unsafe`] if every user may rename
    /// the files in it: it is writable by all and not sticky.
    pub fn open(path: &Path) -> Result<Self, DiskError> {
        Self::open_for(path, Owner::from_env())
    }

    /// As [`Self::open`], with new files belonging to `owner`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_for(path: &Path, owner: Owner) -> Result<Self, DiskError> {
        let path = open::without_trailing(path);
        let fd = open::open_dir(CWD, &path, &path, OFlags::NOFOLLOW)?;
        Self::checked(fd, owner, path)
    }

    /// As [`Self::open`], with new files belonging to the user and the group of the directory: for what root changes beside
    /// a service that is another user.
    ///
    /// # Errors
    /// [`DiskError::Foreign`] if it belongs to another user and this process is not root, which alone can give files to
    /// that user; and as [`Self::open`].
    pub fn open_for_its_owner(path: &Path) -> Result<Self, DiskError> {
        let opened = Self::open_for(path, Owner::Process)?;
        if !geteuid().is_root() {
            return opened.check_own().map(|()| opened);
        }
        let stat = fstat(&opened.fd).map_err(|error| DiskError::new("inspect", path, error))?;
        Ok(Self { owner: Owner::Invoker { uid: stat.st_uid, gid: stat.st_gid }, ..opened })
    }

    /// Opens the directory at `path`, or makes it with mode 0700, and each missing directory above it likewise.
    ///
    /// The modes of directories that exist are not changed: they may be another program's, such as `/var/lib`.
    ///
    /// # Errors
    /// As [`Self::open`], and what making a directory can give: [`DiskError::Denied`], [`DiskError::NoSpace`].
    pub fn create(path: &Path) -> Result<Self, DiskError> {
        Self::create_for(path, Owner::from_env())
    }

    /// As [`Self::create`], with new directories and files belonging to `owner`.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_for(path: &Path, owner: Owner) -> Result<Self, DiskError> {
        let path = open::without_trailing(path);
        let fd = match open::open_dir(CWD, &path, &path, OFlags::NOFOLLOW) {
            Err(DiskError::Missing { .. }) => walk::create_dir(&path, owner, Ancestors::Any)?,
            other => other?,
        };
        Self::checked(fd, owner, path)
    }

    /// As [`Self::open`], for what root will act on: only root, the user of this process and the caller of sudo may
    /// be able to replace it with another directory.
    ///
    /// # Errors
    /// [`DiskError::Replaceable`], which names the directory in the path that another user could rename or replace; and
    /// as [`Self::open`].
    pub fn open_trusted(path: &Path) -> Result<Self, DiskError> {
        let (path, owner) = (open::without_trailing(path), Owner::from_env());
        Self::checked(walk::open_dir(&path, owner, Ancestors::Trusted)?, owner, path)
    }

    /// As [`Self::create`], with the requirements of [`Self::open_trusted`]. Nothing is made where they are not met.
    ///
    /// # Errors
    /// As [`Self::open_trusted`] and [`Self::create`].
    pub fn create_trusted(path: &Path) -> Result<Self, DiskError> {
        let (path, owner) = (open::without_trailing(path), Owner::from_env());
        Self::checked(walk::create_dir(&path, owner, Ancestors::Trusted)?, owner, path)
    }

    /// Uses a directory that is already open, such as one inherited from another process; `path` names it in
    /// messages.
    ///
    /// # Errors
    /// [`DiskError::NotADirectory`], and [`DiskError::Unsafe`] as [`Self::open`].
    pub fn from_open(fd: impl AsFd, path: PathBuf) -> Result<Self, DiskError> {
        // Opened again, so that the permissions of the present user of this process are checked.
        let fd = open::open_dir(fd, &path, Path::new("."), OFlags::empty())?;
        Self::checked(fd, Owner::from_env(), path)
    }

    /// Opens the directory `name` in this one.
    ///
    /// # Errors
    /// As [`Self::open`]; [`DiskError::InvalidName`] if `name` is not one plain name.
    pub fn open_dir(&self, name: &str) -> Result<Self, DiskError> {
        let path = self.checked_path(name)?;
        let fd = open::open_dir(&self.fd, &path, Path::new(name), OFlags::NOFOLLOW)?;
        Self::checked(fd, self.owner, path)
    }

    /// As [`Self::open_dir`], and makes it with mode 0700 if it is missing.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_dir(&self, name: &str) -> Result<Self, DiskError> {
        let path = self.checked_path(name)?;
        let fd = match open::open_dir(&self.fd, &path, Path::new(name), OFlags::NOFOLLOW) {
            Err(DiskError::Missing { .. }) => open::create_child(&self.fd, &path, self.owner)?,
            other => other?,
        };
        Self::checked(fd, self.owner, path)
    }

    /// Whether there is nothing in it, whatever its kind.
    ///
    /// # Errors
    /// [`DiskError::Io`] if the directory cannot be read.
    pub fn is_empty(&self) -> Result<bool, DiskError> {
        open::is_empty(&self.fd).map_err(|error| DiskError::new("list", &self.path, error))
    }

    /// The open directory, to pass it to another process.
    ///
    /// # Errors
    /// [`DiskError::Io`] if there is no descriptor left.
    pub fn to_fd(&self) -> Result<OwnedFd, DiskError> {
        self.fd.try_clone().map_err(|error| DiskError::new("open", &self.path, error))
    }

    /// Passes if the directory belongs to the user that this process acts as: under sudo to the caller, else to the user
    /// of this process.
    ///
    /// # Errors
    /// [`DiskError::Foreign`].
    pub fn check_own(&self) -> Result<(), DiskError> {
        let stat = fstat(&self.fd).map_err(|error| DiskError::new("inspect", &self.path, error))?;
        if stat.st_uid == self.owner.uid() {
            Ok(())
        } else {
            Err(DiskError::Foreign { path: self.path.clone() })
        }
    }

    /// Passes if only root, the user of this process and the caller of sudo can change what is in it.
    ///
    /// # Errors
    /// [`DiskError::Replaceable`], which says what lets other users do so.
    pub fn check_unshared(&self) -> Result<(), DiskError> {
        walk::check_content(self.to_fd()?, &self.path, self.owner)
    }

    fn checked(fd: OwnedFd, owner: Owner, path: PathBuf) -> Result<Self, DiskError> {
        // Group write is accepted: some distributions give each user a group of their own and a umask of 002. What is acted on
        // is checked further, see `check_own` and `Ancestors::Trusted`.
        let mode =
            Mode::from_raw_mode(fstat(&fd).map_err(|error| DiskError::new("inspect", &path, error))?.st_mode);
        if mode.contains(Mode::WOTH) && !mode.contains(Mode::SVTX) {
            return Err(DiskError::Unsafe { path, why: "may be changed by every user" });
        }
        Ok(Self { fd, owner, path })
    }

    /// Where the directory was when it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file `name` is, for messages.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// The files in the directory.
impl PrivateDir {
    /// Reads a regular file of at most `limit` bytes. Symbolic links are refused and FIFOs do not block.
    ///
    /// # Errors
    /// [`DiskError::Missing`], [`DiskError::Symlink`], [`DiskError::NotAFile`], and [`DiskError::TooLarge`] if it is
    /// longer than `limit`.
    pub fn read_bounded(&self, name: &str, limit: u64) -> Result<Vec<u8>, DiskError> {
        open::read_all(self.open_file(name)?, &self.path_of(name), limit)
    }

    /// Reads a file whose content is acted on: it must belong to us, to root or to the invoking user, and others must
    /// not be able to write to it.
    ///
    /// # Errors
    /// [`DiskError::Foreign`] or [`DiskError::Unsafe`] otherwise, and as [`Self::read_bounded`].
    pub fn read_own(&self, name: &str, limit: u64) -> Result<Vec<u8>, DiskError> {
        let (file, path) = (self.open_file(name)?, self.path_of(name));
        open::check_own(&file, &path, self.owner)?;
        open::read_all(file, &path, limit)
    }

    /// Reads a file that this process acts on: it must belong to the user of this process, also under sudo, have no
    /// second hard link, and be writable for no other user.
    ///
    /// # Errors
    /// [`DiskError::Foreign`] or [`DiskError::Unsafe`] otherwise, and as [`Self::read_bounded`].
    pub fn read_obeyed(&self, name: &str, limit: u64) -> Result<Vec<u8>, DiskError> {
        let (file, path) = (self.open_file(name)?, self.path_of(name));
        let stat = fstat(&file).map_err(|error| DiskError::new("inspect", &path, error))?;
        let mode = Mode::from_raw_mode(stat.st_mode);
        if stat.st_uid != geteuid().as_raw() {
            return Err(DiskError::Foreign { path });
        }
        let why = if mode.intersects(Mode::WGRP | Mode::WOTH) {
            "may be changed by other users"
        } else if stat.st_nlink > 1 {
            "has several hard links"
        } else {
            return open::read_all(file, &path, limit);
        };
        Err(DiskError::Unsafe { path, why })
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// [`DiskError::Missing`], [`DiskError::Symlink`], [`DiskError::NotAFile`].
    pub fn open_file(&self, name: &str) -> Result<File, DiskError> {
        let path = self.checked_path(name)?;
        open::read_only(&self.fd, &path, Path::new(name))
    }

    /// Makes the file `name`, empty and with mode 0600, and opens it for reading and appending.
    ///
    /// # Errors
    /// [`DiskError::Exists`] if anything has that name.
    pub fn create_file(&self, name: &str) -> Result<File, DiskError> {
        let path = self.checked_path(name)?;
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        let file = open::for_writing(&self.fd, &path, Path::new(name), flags)?;
        open::secure(&file, self.owner).map_err(|error| DiskError::new("create", &path, error))?;
        Ok(file)
    }

    /// Opens the file `name` for reading and appending, and makes it if it is missing.
    ///
    /// # Errors
    /// [`DiskError::Symlink`], [`DiskError::NotAFile`], and [`DiskError::Unsafe`] if the file has several hard links.
    pub fn open_or_create_file(&self, name: &str) -> Result<File, DiskError> {
        let path = self.checked_path(name)?;
        // `O_CREAT` without `O_EXCL` would not tell whether the file is new, and only a new one may get our mode and
        // owner: to change those of a file that another user put here would give them to that user's file.
        let existing = || open::for_writing(&self.fd, &path, Path::new(name), OFlags::RDWR | OFlags::APPEND);
        match existing() {
            Err(DiskError::Missing { .. }) => match self.create_file(name) {
                // Another process has created it first.
                Err(DiskError::Exists { .. }) => existing(),
                created => created,
            },
            opened => opened,
        }
    }

    /// Appends `line` and a line break to the file `name` in one write, and makes the file if it is missing. It does not
    /// wait for the disk: a power failure may lose the line.
    ///
    /// # Errors
    /// [`DiskError::TooLarge`] if the file would become longer than `limit` bytes; nothing is written then. As
    /// [`Self::open_or_create_file`] besides.
    pub fn append_line_unsynced(&self, name: &str, line: &str, limit: u64) -> Result<(), DiskError> {
        let (path, mut file) = (self.path_of(name), self.open_or_create_file(name)?);
        let failed = |error| DiskError::new("append to", &path, error);
        // Two processes that append at the same time may exceed the limit by a line. A lock would cost more than that line.
        if file.metadata().map_err(failed)?.len() + line.len() as u64 >= limit {
            return Err(DiskError::TooLarge { path, limit });
        }
        // One write with `O_APPEND` is what keeps lines of several processes whole, open(2).
        file.write_all(format!("{line}\n").as_bytes()).map_err(failed)
    }

    /// Removes the file `name`; it is no error if the file is missing.
    ///
    /// # Errors
    /// [`DiskError::Denied`], or [`DiskError::Io`] if `name` is a directory.
    pub fn remove(&self, name: &str) -> Result<(), DiskError> {
        let path = self.checked_path(name)?;
        match unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(DiskError::new("remove", &path, error)),
        }
    }

    /// Whether anything has the name `name`, be it a file, a directory or a symbolic link.
    ///
    /// # Errors
    /// [`DiskError::InvalidName`], or [`DiskError::Io`] if the system cannot tell.
    pub fn contains(&self, name: &str) -> Result<bool, DiskError> {
        let path = self.checked_path(name)?;
        match statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(DiskError::new("inspect", &path, error)),
        }
    }

    /// Whether what has the name `name`, be it a link, belongs to us, to root or to the caller of sudo.
    pub fn is_ours(&self, name: &str) -> bool {
        statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| self.owner.trusts(stat.st_uid))
    }

    /// Whether anything has the name `name`, be it a link, that belongs to another user.
    pub fn is_foreign(&self, name: &str) -> bool {
        // Asked at once: where its absence and its owner are asked one after the other, what is removed in between is foreign.
        statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| !self.owner.trusts(stat.st_uid))
    }

    /// When what has the name `name`, be it a link, was last written, or `None` if nothing has.
    pub fn modified(&self, name: &str) -> Option<SystemTime> {
        let stat = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let since_epoch = Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or(0));
        SystemTime::UNIX_EPOCH.checked_add(since_epoch)
    }

    /// Names of at most `limit` entries that are not directories, unsorted. Names that are not UTF-8 are not ours.
    ///
    /// # Errors
    /// [`DiskError::Io`] if the directory cannot be read.
    pub fn names(&self, limit: usize) -> Result<Vec<String>, DiskError> {
        let failed = |error| DiskError::new("list", self.path(), error);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(failed)?.take(limit) {
            let entry = entry.map_err(failed)?;
            match entry.file_name().to_str() {
                // Not `== RegularFile`: some file systems leave the type unknown, and opening decides it anyway.
                Ok(name) if entry.file_type() != FileType::Directory => names.push(name.to_owned()),
                _ => {}
            }
        }
        Ok(names)
    }

    pub(super) fn checked_path(&self, name: &str) -> Result<PathBuf, DiskError> {
        let path = self.path_of(name);
        let mut parts = Path::new(name).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(part)), None) if part == name => Ok(path),
            _ => Err(DiskError::InvalidName { path }),
        }
    }
}
