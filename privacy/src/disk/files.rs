//! The files in a folder of ours.

use std::fs::File;
use std::io::Write;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fchmod, fstat, statat, unlinkat};
use rustix::io::Errno;

use super::open::{self, FILE_MODE};
use super::{DiskError, Folder};

impl Folder {
    /// Reads a regular file of at most `limit` bytes. Symbolic links are refused and FIFOs do not block.
    pub fn read_bounded(&self, name: &str, limit: u64) -> Result<Vec<u8>, DiskError> {
        open::read_all(self.open_file(name)?, &self.path_of(name), limit)
    }

    /// Reads a file whose content is acted upon: it must belong to us, to root or to the invoking user, and others must
    /// not be able to write to it.
    ///
    /// # Errors
    /// [`DiskError::Unsafe`] if that is not so.
    pub fn read_own(&self, name: &str, limit: u64) -> Result<Vec<u8>, DiskError> {
        let (file, path) = (self.open_file(name)?, self.path_of(name));
        let stat = fstat(&file).map_err(|error| DiskError::new("look at", &path, error))?;
        if !self.owner.trusts(stat.st_uid) {
            return Err(DiskError::Unsafe { path, why: "belongs to another user" });
        }
        if Mode::from_raw_mode(stat.st_mode).contains(Mode::WOTH) {
            return Err(DiskError::Unsafe { path, why: "may be changed by every user" });
        }
        open::read_all(file, &path, limit)
    }

    /// Opens a regular file for reading.
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
        self.claim(&file).map_err(|error| DiskError::new("create", &path, error))?;
        Ok(file)
    }

    /// Opens the file `name` for reading and appending, and makes it if it is missing.
    pub fn open_or_create_file(&self, name: &str) -> Result<File, DiskError> {
        let path = self.checked_path(name)?;
        let existing = || open::for_writing(&self.fd, &path, Path::new(name), OFlags::RDWR | OFlags::APPEND);
        match existing() {
            Err(DiskError::Missing { .. }) => match self.create_file(name) {
                // Another process was faster.
                Err(DiskError::Exists { .. }) => existing(),
                created => created,
            },
            opened => opened,
        }
    }

    /// Appends `line` and a line break to the file `name` in one write, and makes the file if it is missing.
    ///
    /// # Errors
    /// [`DiskError::TooLarge`] if the file would become longer than `limit` bytes; nothing is written then.
    pub fn append_line(&self, name: &str, line: &str, limit: u64) -> Result<(), DiskError> {
        let (path, mut file) = (self.path_of(name), self.open_or_create_file(name)?);
        let failed = |error| DiskError::new("append to", &path, error);
        if file.metadata().map_err(failed)?.len() + line.len() as u64 >= limit {
            return Err(DiskError::TooLarge { path, limit });
        }
        file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_data()).map_err(failed)
    }

    /// Removes the file `name`; that it is missing already is no error.
    pub fn remove(&self, name: &str) -> Result<(), DiskError> {
        let path = self.checked_path(name)?;
        match unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(DiskError::new("remove", &path, error)),
        }
    }

    /// Whether anything has the name `name`, be it a file, a folder or a symbolic link.
    pub fn contains(&self, name: &str) -> Result<bool, DiskError> {
        let path = self.checked_path(name)?;
        match statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(DiskError::new("look at", &path, error)),
        }
    }

    /// When the file `name` was last written, or `None` if it is not a regular file or is not there.
    pub fn modified(&self, name: &str) -> Option<SystemTime> {
        let stat = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok().filter(open::is_file)?;
        let since_epoch = Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or(0));
        SystemTime::UNIX_EPOCH.checked_add(since_epoch)
    }

    /// Names of at most `limit` entries that are no folders, in no order. Names that are not UTF-8 are not ours.
    pub fn names(&self, limit: usize) -> Result<Vec<String>, DiskError> {
        let failed = |error| DiskError::new("list", self.path(), error);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(failed)?.take(limit) {
            let entry = entry.map_err(failed)?;
            match entry.file_name().to_str() {
                Ok(name) if entry.file_type() != FileType::Directory => names.push(name.to_owned()),
                _ => {}
            }
        }
        Ok(names)
    }

    /// Gives a file that this process has just made its mode, whatever the umask, and its owner.
    pub(super) fn claim(&self, file: &File) -> rustix::io::Result<()> {
        fchmod(file, FILE_MODE)?;
        self.owner.take(file)
    }

    pub(super) fn checked_path(&self, name: &str) -> Result<PathBuf, DiskError> {
        let path = self.path_of(name);
        let mut parts = Path::new(name).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(part)), None) if part == name => Ok(path),
            _ => Err(DiskError::Name { path }),
        }
    }
}
