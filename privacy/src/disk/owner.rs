//! Who new files and directories belong to.
//!
//! A run under sudo leaves its records to the user who called sudo, who could otherwise neither read nor delete them.

use rustix::fs::{Gid, Uid, fchown};
use rustix::process::geteuid;

use super::groups;

/// Who new files and directories belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The user of this process.
    Process,
    /// The user for whom root works, by numeric user and group id: who called sudo, or whose directory it is.
    Invoker {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

impl Owner {
    /// The user who called sudo if this process is root and `SUDO_UID` and `SUDO_GID` name one, else the process's.
    ///
    /// Without root the variables are ignored: the user can set them to anything.
    pub fn from_env() -> Self {
        let variable = |name| std::env::var(name).ok();
        Self::choose(geteuid().is_root(), variable("SUDO_UID").as_deref(), variable("SUDO_GID").as_deref())
    }

    fn choose(is_root: bool, uid: Option<&str>, gid: Option<&str>) -> Self {
        // `u32::MAX` is -1 to chown(2), which means "do not change".
        let id =
            |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok()).filter(|id| *id != u32::MAX);
        // One variable without the other is not what sudo sets, so nothing is concluded from it.
        match (is_root, id(uid), id(gid)) {
            (true, Some(uid), Some(gid)) if uid != 0 => Self::Invoker { uid, gid },
            _ => Self::Process,
        }
    }

    /// Changes the owner of the open file or directory to this one.
    pub(super) fn give(self, fd: impl std::os::fd::AsFd) -> rustix::io::Result<()> {
        match self {
            Self::Process => Ok(()),
            Self::Invoker { uid, gid } => fchown(fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))),
        }
    }

    /// The user that this process acts as on the disk.
    pub fn uid(self) -> u32 {
        match self {
            Self::Process => geteuid().as_raw(),
            Self::Invoker { uid, .. } => uid,
        }
    }

    /// Whether `gid` is root's group, or that of our user alone.
    pub(super) fn trusts_group(self, gid: u32) -> bool {
        gid == 0 || groups::is_of_user_alone(gid, self.uid())
    }

    /// Whether `uid` is our user, root or the invoking user, so that the content of a file of this user is ours.
    pub(super) fn trusts(self, uid: u32) -> bool {
        uid == 0
            || uid == geteuid().as_raw()
            || matches!(self, Self::Invoker { uid: invoker, .. } if invoker == uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sudo_variables_count_only_for_root_and_only_when_whole() {
        let invoker = Owner::Invoker { uid: 1000, gid: 1001 };
        assert_eq!(Owner::choose(true, Some("1000"), Some("1001")), invoker);
        assert_eq!(Owner::choose(false, Some("1000"), Some("1001")), Owner::Process);
        for (uid, gid) in [
            (None, Some("1001")),
            (Some("1000"), None),
            (Some("0"), Some("0")),
            (Some("alice"), Some("1001")),
            (Some("-1"), Some("1001")),
            (Some("4294967295"), Some("1001")),
            (Some("1000"), Some("4294967296")),
        ] {
            assert_eq!(Owner::choose(true, uid, gid), Owner::Process, "{uid:?} {gid:?}");
        }
    }

    #[test]
    fn files_of_third_users_are_not_trusted() {
        let invoker = Owner::Invoker { uid: 61_000, gid: 61_000 };
        assert!(invoker.trusts(0) && invoker.trusts(61_000) && invoker.trusts(geteuid().as_raw()));
        assert!(!invoker.trusts(61_001));
        assert_eq!((invoker.uid(), Owner::Process.uid()), (61_000, geteuid().as_raw()));
        assert!(!Owner::Process.trusts(61_000));
    }
}
