//! What is at a path, seen with root's eyes where this process acts for root.
//!
//! A user of sudo must see the same host as root: a file below a directory that only root may enter would otherwise be an error for
//! the one and a fact for the other, and a second run would differ from the first. The process looks itself wherever
//! it may, because a command of sudo for each look would fill the log and take most of a run's time.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::FileType;

use super::{Command, FileError, Host, RootAccess};

/// What stat(2) says of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStatus {
    mode: u32,
    /// User id of its owner.
    pub uid: u32,
    /// Group id of its owner.
    pub gid: u32,
    /// Number of the device that it is on.
    pub device: u64,
}

/// Whether a link at the end of a path is looked through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    Follow,
    Show,
}

impl FileStatus {
    /// Permission bits.
    pub fn permissions(self) -> u32 {
        self.mode & 0o7777
    }

    /// Whether it is a regular file.
    pub fn is_file(self) -> bool {
        self.kind() == FileType::RegularFile
    }

    /// Whether it is a directory.
    pub fn is_dir(self) -> bool {
        self.kind() == FileType::Directory
    }

    /// Whether it is a symbolic link.
    pub fn is_symlink(self) -> bool {
        self.kind() == FileType::Symlink
    }

    fn kind(self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    /// From the output of `stat -c '%f %u %g %d'`.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let mode = u32::from_str_radix(words.next()?, 16).ok()?;
        let (uid, gid) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { mode, uid, gid, device: words.next()?.parse().ok()? })
    }
}

impl From<Metadata> for FileStatus {
    fn from(found: Metadata) -> Self {
        Self { mode: found.mode(), uid: found.uid(), gid: found.gid(), device: found.dev() }
    }
}

impl Host {
    /// What is at `path` itself, not at what it may link to; `None` if there is nothing.
    ///
    /// # Errors
    /// Nobody, or not this process, may look there.
    pub fn file_status(&self, path: &Path) -> Result<Option<FileStatus>, FileError> {
        self.stat(path, Links::Show)
    }

    /// As [`Self::file_status`], of what a link at `path` leads to.
    ///
    /// # Errors
    /// Nobody, or not this process, may look there.
    pub fn target_status(&self, path: &Path) -> Result<Option<FileStatus>, FileError> {
        self.stat(path, Links::Follow)
    }

    fn stat(&self, path: &Path, links: Links) -> Result<Option<FileStatus>, FileError> {
        let target = self.at(path);
        let found = match links {
            Links::Follow => fs::metadata(&target),
            Links::Show => fs::symlink_metadata(&target),
        };
        match found {
            Ok(found) => Ok(Some(found.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if self.may_ask_sudo(&error) => self.stat_by_sudo(&target, links),
            Err(error) => Err(failed("inspect", path)(error)),
        }
    }

    /// The content of the file at `path`, or `None` if there is nothing.
    ///
    /// # Errors
    /// Nobody, or not this process, may read it.
    pub fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        match fs::read(self.at(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if self.may_ask_sudo(&error) => {
                if self.target_status(path)?.is_none() {
                    return Ok(None);
                }
                let target = self.at(path);
                let cat = Command::new("cat").args(["--", &target.to_string_lossy()]);
                Ok(Some(self.run(&cat.as_root().withhold_output())?.stdout))
            }
            Err(error) => Err(failed("read", path)(error)),
        }
    }

    /// Names of what is in the directory at `path`.
    ///
    /// # Errors
    /// It is no directory, or nobody, or not this process, may list it.
    pub fn list(&self, path: &Path) -> Result<Vec<OsString>, FileError> {
        let listed = fs::read_dir(self.at(path))
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.file_name())).collect());
        match listed {
            Ok(names) => Ok(names),
            Err(error) if self.may_ask_sudo(&error) => {
                let target = self.at(path).to_string_lossy().into_owned();
                let find = Command::new("find").args([&target, "-mindepth", "1", "-maxdepth", "1"]);
                let output = self.run(&find.args(["-printf", r"%f\0"]).as_root().withhold_output())?;
                let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
                Ok(names.map(|name| OsString::from_vec(name.to_vec())).collect())
            }
            Err(error) => Err(failed("list", path)(error)),
        }
    }

    fn stat_by_sudo(&self, target: &Path, links: Links) -> Result<Option<FileStatus>, FileError> {
        let mut stat = Command::new("stat").args(["-c", "%f %u %g %d"]);
        if links == Links::Follow {
            stat = stat.args(["-L"]);
        }
        let stat = stat.args(["--", &target.to_string_lossy()]).as_root();
        let output = self.ask(&stat)?;
        // stat has one code for every failure. Its words are never translated: commands run with LC_ALL=C.
        if !output.succeeded() && output.stderr_text().contains("No such file or directory") {
            return Ok(None);
        }
        let found = FileStatus::parse(&self.passed(&stat, output)?.text());
        found
            .map(Some)
            .ok_or_else(|| FileError::Kind { path: target.to_owned(), wanted: "a path that stat describes" })
    }

    fn may_ask_sudo(&self, error: &io::Error) -> bool {
        self.root_access == RootAccess::Sudo && error.kind() == io::ErrorKind::PermissionDenied
    }
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError::Io { action, path: path.to_owned(), source }
}
