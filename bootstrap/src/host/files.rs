//! System files and directories: read by anybody, written by root or for root by sudo.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use privacy::disk::{self, DiskError};

use super::status::failed;
use super::{Command, FileError, FileStatus, Host, RootAccess, Stdin, native};
use crate::secret::Secret;

/// How a file came to its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was not there.
    Created,
    /// Another file took its place at once; a crash leaves either the old or the new one.
    Replaced,
    /// It was given the mode and written over, because something is mounted on it and it cannot be replaced.
    InPlace,
    /// It had this content and mode already.
    Unchanged,
}

/// Copying a program of a hundred megabytes on a slow disk takes less.
const COPY: Duration = Duration::from_mins(2);

impl Host {
    /// The text file at `path`, or `None` if there is nothing. Bytes that are not UTF-8 are refused: they could not be
    /// written back.
    pub fn read_text(&self, path: &Path) -> Result<Option<String>, FileError> {
        let text = |bytes| {
            String::from_utf8(bytes)
                .map_err(|_| FileError::Kind { path: path.to_owned(), wanted: "UTF-8 text" })
        };
        self.read(path)?.map(text).transpose()
    }

    /// The permission bits of what is at `path`, or `None` if there is nothing.
    pub fn mode(&self, path: &Path) -> Result<Option<u32>, FileError> {
        Ok(self.file_status(path)?.map(FileStatus::permissions))
    }

    /// Whether there is anything at `path`.
    pub fn exists(&self, path: &Path) -> Result<bool, FileError> {
        Ok(self.file_status(path)?.is_some())
    }

    /// Whether anything can be seen at `path`; what cannot be looked at is taken for absent.
    pub fn is_there(&self, path: impl AsRef<Path>) -> bool {
        matches!(self.exists(path.as_ref()), Ok(true))
    }

    /// Names of what is in the directory at `path`, in no order; none if there is no directory.
    ///
    /// # Errors
    /// It cannot be listed.
    pub fn entries(&self, path: &Path) -> Result<Vec<String>, FileError> {
        if self.target_status(path)?.is_none() {
            return Ok(Vec::new());
        }
        Ok(self.list(path)?.iter().map(|name| name.to_string_lossy().into_owned()).collect())
    }

    /// `path` with every link on it followed, as programs print it that resolve what they are given. A path that leads
    /// nowhere is returned as it is.
    pub fn resolved(&self, path: &Path) -> PathBuf {
        let resolved = fs::canonicalize(self.at(path)).ok();
        let root = fs::canonicalize(self.at(Path::new("/"))).ok();
        let inside = resolved.zip(root).and_then(|(resolved, root)| {
            resolved.strip_prefix(root).ok().map(|inside| Path::new("/").join(inside))
        });
        inside.unwrap_or_else(|| path.to_owned())
    }

    /// Whether this process may read the file at `path` without becoming root.
    pub fn readable(&self, path: &Path) -> bool {
        rustix::fs::access(self.at(path), rustix::fs::Access::READ_OK).is_ok()
    }

    /// Gives the file at `path` its content. A new file belongs to root and has mode `mode`; one that was there keeps
    /// its owner, and its mode if `mode` is `None`.
    ///
    /// # Errors
    /// The old file is as it was, unless it had to be written in place. Symbolic links are refused.
    pub fn write(&self, path: &Path, text: &str, mode: Option<u32>) -> Result<Written, FileError> {
        let found = self.replaceable(path)?;
        let same_mode = |found: FileStatus| mode.is_none_or(|mode| found.permissions() == mode);
        if found.is_some_and(same_mode)
            && self.read(path).is_ok_and(|old| old.is_some_and(|old| old == text.as_bytes()))
        {
            return Ok(Written::Unchanged);
        }
        self.put(path, &FileContent::Text(text), mode, found)
    }

    /// Puts a copy of the staged file `from` in the place of `path`, as [`Self::write`] does.
    ///
    /// # Errors
    /// The old file is as it was. Symbolic links are refused.
    pub fn install(&self, from: &Path, path: &Path, mode: u32) -> Result<Written, FileError> {
        let found = self.replaceable(path)?;
        self.put(path, &FileContent::CopyOf(from), Some(mode), found)
    }

    fn replaceable(&self, path: &Path) -> Result<Option<FileStatus>, FileError> {
        match self.file_status(path)? {
            Some(found) if found.is_symlink() => Err(FileError::Symlink { path: path.to_owned() }),
            Some(found) if !found.is_file() => {
                Err(FileError::Kind { path: path.to_owned(), wanted: "a regular file" })
            }
            found => Ok(found),
        }
    }

    fn put(
        &self,
        path: &Path,
        content: &FileContent<'_>,
        mode: Option<u32>,
        found: Option<FileStatus>,
    ) -> Result<Written, FileError> {
        self.refuse_replaceable(path)?;
        let mode = mode.or_else(|| Some(found?.permissions())).unwrap_or(0o644);
        let owner = found.map(|found| (found.uid, found.gid));
        let replaced = match (self.root_access, content) {
            (RootAccess::Sudo, _) => self.replace_by_sudo(&self.at(path), content, mode, found)?,
            (_, FileContent::Text(text)) => native::replace(&self.at(path), text.as_bytes(), mode, owner)
                .map_err(failed("write", path))?,
            (_, FileContent::CopyOf(from)) => {
                let bytes = fs::read(from).map_err(failed("read", from))?;
                native::replace(&self.at(path), &bytes, mode, owner).map_err(failed("write", path))?
            }
        };
        Ok(match (replaced, found) {
            (false, _) => Written::InPlace,
            (true, None) => Written::Created,
            (true, Some(_)) => Written::Replaced,
        })
    }

    /// Makes the directory at `path` with mode `mode`, and each missing one above it with mode 0755. Returns those that
    /// it made, the topmost first. A directory that is there is left as it is.
    ///
    /// # Errors
    /// Something else than a directory is on the way, another user could replace a part of it, or it cannot be made.
    /// Directories that were made until then stay.
    pub fn ensure_dir(&self, path: &Path, mode: u32) -> Result<Vec<PathBuf>, FileError> {
        self.refuse_replaceable(path)?;
        let missing = self.missing_dirs(path)?;
        for folder in &missing {
            let mode = if folder == path { mode } else { 0o755 };
            match self.root_access {
                RootAccess::Sudo => {
                    let (mode, target) = (format!("{mode:04o}"), self.at(folder));
                    // Not `install -d`: it is content with what somebody has put there meanwhile, and follows links.
                    let mkdir = Command::new("mkdir").args(["-m", &mode, "--"]);
                    self.run(&mkdir.args([target.to_string_lossy()]).as_root())?;
                }
                _ => native::make_dir(&self.at(folder), mode).map_err(failed("create", folder))?,
            }
        }
        Ok(missing)
    }

    /// The directory at `path` and those above it that are not there, the topmost first.
    pub fn missing_dirs(&self, path: &Path) -> Result<Vec<PathBuf>, FileError> {
        let mut missing: Vec<PathBuf> = Vec::new();
        for folder in path.ancestors() {
            match self.target_status(folder)? {
                Some(found) if found.is_dir() => break,
                Some(_) => return Err(FileError::Kind { path: folder.to_owned(), wanted: "a directory" }),
                None => missing.push(folder.to_owned()),
            }
        }
        missing.reverse();
        Ok(missing)
    }

    /// Removes the file at `path`; that it is missing already is no error.
    ///
    /// # Errors
    /// Another user could replace a part of the path, or the file cannot be removed. It is still there then.
    pub fn remove_file(&self, path: &Path) -> Result<(), FileError> {
        if !self.exists(path)? {
            return Ok(());
        }
        self.refuse_replaceable(path)?;
        match self.root_access {
            RootAccess::Sudo => {
                let target = self.at(path).to_string_lossy().into_owned();
                self.run(&Command::new("rm").args(["-f", "--", &target]).as_root())?;
                Ok(())
            }
            _ => fs::remove_file(self.at(path)).map_err(failed("remove", path)),
        }
    }

    /// Removes the directory at `path` if it is empty, and says whether it is gone.
    ///
    /// # Errors
    /// Another user could replace a part of the path, or it cannot be listed or removed. It is still there then.
    pub fn remove_empty_dir(&self, path: &Path) -> Result<bool, FileError> {
        if self.target_status(path)?.is_none() {
            return Ok(true);
        }
        self.refuse_replaceable(path)?;
        let empty = self.list(path)?.is_empty();
        if empty && self.root_access == RootAccess::Sudo {
            let target = self.at(path).to_string_lossy().into_owned();
            self.run(&Command::new("rmdir").args(["--", &target]).as_root())?;
        } else if empty {
            fs::remove_dir(self.at(path)).map_err(failed("remove", path))?;
        }
        Ok(empty)
    }

    /// Another user who can rename a directory on the way, or put a link there, would decide where root writes and what
    /// root removes.
    fn refuse_replaceable(&self, path: &Path) -> Result<(), FileError> {
        match disk::check_not_replaceable(&self.at(path)) {
            Err(error @ DiskError::Replaceable { .. }) => Err(FileError::Replaceable(error)),
            // Any other fault is met, and told, by what is about to be done there.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// As [`native::replace`], by commands that sudo runs. Text goes in by standard input.
    fn replace_by_sudo(
        &self,
        target: &Path,
        content: &FileContent<'_>,
        mode: u32,
        found: Option<FileStatus>,
    ) -> Result<bool, FileError> {
        let (from, stdin) = match content {
            FileContent::Text(text) => ("/dev/stdin".into(), Stdin::Secret(Secret::new(*text))),
            FileContent::CopyOf(from) => (from.to_string_lossy(), Stdin::Empty),
        };
        let (target, new) =
            (target.to_string_lossy(), native::temporary(target).to_string_lossy().into_owned());
        let (uid, gid) = found.map_or((0, 0), |found| (found.uid, found.gid));
        let (bits, uid, gid) = (octal(mode), uid.to_string(), gid.to_string());
        let install = Command::new("install").args(["-m", &bits, "-o", &uid, "-g", &gid, "--", &from, &new]);
        self.run(&install.as_root().timeout(COPY).stdin(stdin.clone()))?;
        self.run(&Command::new("sync").args(["--", &new]).as_root().timeout(COPY))?;
        let mv = Command::new("mv").args(["-f", "-T", "--", &new, &target]).as_root();
        if self.ask(&mv)?.succeeded() {
            return Ok(true);
        }
        // Nothing can be moved over a mount point, such as the hosts file of a container. Any other reason is a failure:
        // writing in place would follow a link that somebody put there meanwhile.
        let is_mount_point = Command::new("mountpoint").args(["-q", "--", &target]).as_root();
        let in_place = self.ask(&is_mount_point)?.succeeded();
        let written = if in_place {
            let found = found.map_or(mode, FileStatus::permissions);
            self.write_over_by_sudo(&new, &target, found, mode)
        } else {
            self.run(&mv).map(drop).map_err(FileError::from)
        };
        self.run(&Command::new("rm").args(["-f", "--", &new]).as_root())?;
        written.map(|()| !in_place)
    }

    /// As [`native::write_over`], by commands that sudo runs. Nothing can take the place of a mount point meanwhile.
    fn write_over_by_sudo(&self, new: &str, target: &str, found: u32, mode: u32) -> Result<(), FileError> {
        let chmod = |mode: u32| self.run(&Command::new("chmod").args([&octal(mode), "--", target]).as_root());
        let between = native::mode_between(found, mode);
        if between != found {
            chmod(between)?;
        }
        let over = Command::new("dd").args([format!("if={new}"), format!("of={target}")]);
        self.run(&over.args(["oflag=nofollow", "conv=fsync", "status=none"]).as_root().timeout(COPY))?;
        if mode != between {
            chmod(mode)?;
        }
        Ok(())
    }
}

/// Permission bits as chmod reads them.
fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

/// What a file is given.
enum FileContent<'a> {
    Text(&'a str),
    CopyOf(&'a Path),
}
