//! Walking to a directory part by part, so that each part is checked before anything below it is used.
//!
//! Opening a whole path does not show which user could redirect it the next time: a user who can rename a
//! directory in it, or replace it with a link, decides what the path means. Each part is opened relative to the
//! one before it and never by a longer path, and links are followed by hand, because the directory that holds a link
//! counts as much as those that it leads through.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, fstat, readlinkat, statat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::error::DiskError;
use super::open;
use super::owner::Owner;

/// As many links as the kernel follows, `path_resolution(7)`.
const MAX_LINKS: usize = 40;

/// The directories that a walk may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ancestors {
    /// Any.
    Any,
    /// Only those where root, the user of this process and the caller of sudo alone decide what the path leads to.
    Trusted,
    /// As [`Self::Trusted`], but users who may write by a system group are trusted as well: Debian's `/usr/local` is for
    /// the group `staff` to change.
    System,
}

/// What is at the end of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// A directory, which is entered.
    Directory,
    /// An entry of any kind, which is checked from outside.
    Entry,
}

/// Which user can replace an entry with another directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Master {
    /// Root.
    Root,
    /// The user of this process or the caller of sudo.
    Ours,
    /// Another user; the text says what makes it possible.
    Other(&'static str),
}

/// Passes if only users whom [`Ancestors::System`] trusts can put something else at `path`. A missing part of the path is
/// no fault, and neither is one in a directory of root's that is closed to everybody else.
pub(super) fn check_entry(path: &Path, owner: Owner) -> Result<(), DiskError> {
    let missing = |walk: &PathWalk<'_>, _: &OsStr| Err(DiskError::Missing { path: walk.path.to_owned() });
    match PathWalk::new(path, owner, Ancestors::System)?.descend(End::Entry, missing) {
        Err(DiskError::Missing { .. } | DiskError::Denied { .. }) => Ok(()),
        looked => looked,
    }
}

/// Opens the regular file at `path` for reading, if only users whom [`Ancestors::Trusted`] trusts can put another one there.
pub(super) fn open_file(path: &Path, owner: Owner) -> Result<File, DiskError> {
    let missing = |walk: &PathWalk<'_>, _: &OsStr| Err(DiskError::Missing { path: walk.path.to_owned() });
    let mut walk = PathWalk::new(path, owner, Ancestors::Trusted)?;
    walk.descend(End::Entry, missing)?;
    let name = path.file_name().ok_or_else(|| DiskError::NotAFile { path: path.to_owned() })?;
    open::read_only(&walk.dir, path, Path::new(name))
}

/// Passes if only users whom [`Ancestors::Trusted`] trusts can change what is in the open directory; `path` names it.
pub(super) fn check_content(dir: OwnedFd, path: &Path, owner: Owner) -> Result<(), DiskError> {
    let (ancestors, place) = (Ancestors::Trusted, path.to_owned());
    PathWalk { path, owner, ancestors, dir, place, only_root_leads: true }.look(None)
}

/// Opens the directory at `path`; its last part may not be a link.
pub(super) fn open_dir(path: &Path, owner: Owner, ancestors: Ancestors) -> Result<OwnedFd, DiskError> {
    PathWalk::new(path, owner, ancestors)?
        .follow(|walk, _| Err(DiskError::Missing { path: walk.path.to_owned() }))
}

/// As [`open_dir`], and makes what is missing with mode 0700.
///
/// A new directory belongs to the caller of sudo only where the caller could have made it as well, or where root alone
/// decides what the path leads to: a caller who swaps a link at the right moment must not get a directory inside one of
/// root's.
pub(super) fn create_dir(path: &Path, owner: Owner, ancestors: Ancestors) -> Result<OwnedFd, DiskError> {
    PathWalk::new(path, owner, ancestors)?.follow(PathWalk::create)
}

/// Whose an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntryOwner {
    /// This user's, by number.
    Known(u32),
    /// There is no such entry.
    Nobody,
    /// This process may not look.
    Unseen,
}

struct PathWalk<'a> {
    /// What is asked for.
    path: &'a Path,
    owner: Owner,
    ancestors: Ancestors,
    /// Where the walk is, and how to name that.
    dir: OwnedFd,
    place: PathBuf,
    /// Whether only root could have redirected it.
    only_root_leads: bool,
}

impl<'a> PathWalk<'a> {
    fn new(path: &'a Path, owner: Owner, ancestors: Ancestors) -> Result<Self, DiskError> {
        let (place, dir) = start(path)?;
        Ok(Self { path, owner, ancestors, dir, place, only_root_leads: true })
    }

    /// Walks to the requested directory and opens it.
    fn follow(
        mut self,
        missing: impl Fn(&Self, &OsStr) -> Result<OwnedFd, DiskError>,
    ) -> Result<OwnedFd, DiskError> {
        self.descend(End::Directory, missing)?;
        // A user who can change the directory itself can replace our files.
        self.look(None)?;
        open::open_dir(&self.dir, self.path, Path::new("."), OFlags::empty())
    }

    fn descend(
        &mut self,
        end: End,
        missing: impl Fn(&Self, &OsStr) -> Result<OwnedFd, DiskError>,
    ) -> Result<(), DiskError> {
        let mut rest = parts(&whole(self.path)?);
        let (mut links, mut of_links) = (0, 0_usize);
        while let Some(part) = rest.pop_front() {
            // What a link leads to is never made: the link is not ours.
            let is_of_link = of_links > 0;
            of_links = of_links.saturating_sub(1);
            self.look(Some(&part))?;
            if end == End::Entry && rest.is_empty() {
                break;
            }
            let place = self.place.join(&part);
            match open::open_dir(&self.dir, &place, Path::new(&part), OFlags::PATH | OFlags::NOFOLLOW) {
                Ok(dir) => self.enter(dir, &part),
                Err(DiskError::Missing { .. }) if !is_of_link => {
                    let dir = missing(self, &part)?;
                    self.enter(dir, &part);
                }
                Err(DiskError::Symlink { .. }) if !rest.is_empty() && links < MAX_LINKS => {
                    links += 1;
                    let target = self.target(&part)?;
                    if target.is_absolute() {
                        (self.place, self.dir) = start(&target)?;
                    }
                    let target = parts(&target);
                    of_links += target.len();
                    target.into_iter().rev().for_each(|part| rest.push_front(part));
                }
                Err(DiskError::Symlink { .. }) => {
                    return Err(DiskError::Symlink { path: self.path.to_owned() });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn enter(&mut self, dir: OwnedFd, part: &OsStr) {
        self.dir = dir;
        if part == ".." {
            self.place.pop();
        } else {
            self.place.push(part);
        }
    }

    fn target(&self, link: &OsStr) -> Result<PathBuf, DiskError> {
        let target = readlinkat(&self.dir, link, Vec::new())
            .map_err(|error| DiskError::new("inspect", &self.place.join(link), error))?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    fn create(&self, part: &OsStr) -> Result<OwnedFd, DiskError> {
        let place = self.place.join(part);
        let above = fstat(&self.dir).map_err(|error| DiskError::new("inspect", &self.place, error))?;
        let may_give = self.only_root_leads || above.st_uid == self.owner.uid();
        open::create_child(&self.dir, &place, if may_give { self.owner } else { Owner::Process })
    }

    /// Determines which user could replace `entry`, or any of our entries if none is given.
    fn look(&mut self, entry: Option<&OsStr>) -> Result<(), DiskError> {
        let failed = |error| DiskError::new("inspect", &self.place, error);
        let dir = fstat(&self.dir).map_err(failed)?;
        let looked = entry.map(|entry| statat(&self.dir, entry, AtFlags::SYMLINK_NOFOLLOW));
        let entry = match &looked {
            Some(Ok(stat)) => EntryOwner::Known(stat.st_uid),
            Some(Err(Errno::ACCESS | Errno::PERM)) => EntryOwner::Unseen,
            None | Some(Err(_)) => EntryOwner::Nobody,
        };
        // Before a failed look is told: whoever owns a directory can close it to this process and go on changing it.
        let master = self.master(&dir, entry);
        self.only_root_leads &= master == Master::Root;
        match (master, self.ancestors, looked) {
            (Master::Other(why), Ancestors::Trusted | Ancestors::System, _) => {
                // The working directory, where a relative path starts, has a name as well.
                Err(DiskError::Replaceable { ancestor: open::without_trailing(&self.place), why })
            }
            (.., Some(Err(error))) if error != Errno::NOENT => Err(failed(error)),
            _ => Ok(()),
        }
    }

    fn master(&self, dir: &Stat, entry: EntryOwner) -> Master {
        let mode = Mode::from_raw_mode(dir.st_mode);
        if !self.owner.trusts(dir.st_uid) {
            return Master::Other("belongs to another user");
        }
        let for_a_group = mode.contains(Mode::XGRP) && dir.st_gid != 0;
        if entry == EntryOwner::Unseen && (mode.contains(Mode::XOTH) || for_a_group) {
            return Master::Other("is closed to this user and open to others");
        }
        let by_group = mode.contains(Mode::WGRP) && self.ancestors != Ancestors::System;
        if mode.contains(Mode::WOTH) || by_group && !self.is_own_group(dir.st_gid) {
            // In a sticky directory only the owner of an entry and the owner of the directory can rename the entry.
            let entry_owner = match entry {
                EntryOwner::Known(uid) => Some(uid),
                EntryOwner::Nobody => Some(0),
                EntryOwner::Unseen => None,
            };
            if !mode.contains(Mode::SVTX) || !entry_owner.is_some_and(|uid| self.owner.trusts(uid)) {
                let by_everybody = mode.contains(Mode::WOTH);
                return Master::Other(if by_everybody {
                    "may be changed by every user"
                } else {
                    "may be changed by a group of users"
                });
            }
            return if dir.st_uid == 0 && entry_owner == Some(0) { Master::Root } else { Master::Ours };
        }
        if dir.st_uid == 0 && (!by_group || dir.st_gid == 0) { Master::Root } else { Master::Ours }
    }

    /// See [`open::is_own_group`]. Of a directory that is only passed through, nothing can be asked: it is opened once more.
    fn is_own_group(&self, gid: u32) -> bool {
        let opened = open::open_dir(&self.dir, &self.place, Path::new("."), OFlags::empty());
        opened.is_ok_and(|dir| open::is_own_group(dir, gid, self.owner))
    }
}

/// Root begins at `/`, so that every directory in the path is checked. Other users may not be able to enter those above
/// their own working directory.
fn whole(path: &Path) -> Result<PathBuf, DiskError> {
    let absolute = if geteuid().is_root() { std::path::absolute(path) } else { Ok(path.to_owned()) };
    absolute.map_err(|error| DiskError::new("inspect", path, error))
}

fn start(path: &Path) -> Result<(PathBuf, OwnedFd), DiskError> {
    // A path that begins here is shown as it was given.
    let (place, name) = if whole(path)?.is_absolute() { ("/", "/") } else { ("", ".") };
    Ok((PathBuf::from(place), open::open_dir(CWD, Path::new(name), Path::new(name), OFlags::PATH)?))
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let part = |component| match component {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(part).collect()
}
