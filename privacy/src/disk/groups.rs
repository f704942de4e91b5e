//! Which groups have only one user.
//!
//! Some distributions give each user a group with the user's name, and a umask of 002. Others put every user into one
//! group such as `users`, and newgrp(1) makes the group of a team the group of a process. So the number of a group says
//! nothing; the lists of users and groups do.
//!
//! The name service was rejected: it may ask a server on the network. So a group that only a directory service knows is
//! taken for shared, and a member whom only a directory service adds to a local group is not seen.

use std::fs::File;
use std::io::Read;

/// Of a longer list nothing is concluded. A hundred thousand users fit.
const MAX_LIST_BYTES: u64 = 8 * 1024 * 1024;

/// Whether the group `gid` is that of the user `uid` alone, by the lists of this machine.
pub(super) fn is_of_user_alone(gid: u32, uid: u32) -> bool {
    let lists = whole_list("/etc/passwd").zip(whole_list("/etc/group"));
    lists.is_some_and(|(passwd, group)| is_of_user_alone_in(&passwd, &group, gid, uid))
}

/// The text of the file, or `None` if it cannot be read to its end.
fn whole_list(path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_LIST_BYTES + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= MAX_LIST_BYTES).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// A user of passwd(5).
struct Account<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
}

/// A group of group(5).
struct UserGroup<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

/// Each list may have several lines of one number, and all of them count.
fn is_of_user_alone_in(passwd: &str, group: &str, gid: u32, uid: u32) -> bool {
    let accounts: Vec<_> = passwd.lines().filter_map(account).collect();
    let groups: Vec<_> = group.lines().filter_map(self::group).filter(|group| group.gid == gid).collect();
    let is_the_user = |name: &str| accounts.iter().any(|account| account.uid == uid && account.name == name);
    let mut members = groups.iter().flat_map(|group| group.members.split(',')).map(str::trim);
    groups.iter().any(|group| is_the_user(group.name))
        && members.all(|member| member.is_empty() || is_the_user(member))
        && accounts.iter().all(|account| account.gid != gid || account.uid == uid)
}

fn account(line: &str) -> Option<Account<'_>> {
    let mut fields = line.split(':');
    let (name, _password) = (fields.next()?, fields.next()?);
    Some(Account { name, uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
}

fn group(line: &str) -> Option<UserGroup<'_>> {
    let mut fields = line.split(':');
    let (name, _password) = (fields.next()?, fields.next()?);
    Some(UserGroup { name, gid: fields.next()?.parse().ok()?, members: fields.next().unwrap_or_default() })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set scenes, nothing of ours")]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
                          alice:x:1000:1000:Alice,,,:/home/alice:/bin/sh\n\
                          bob:x:1001:100::/home/bob:/bin/sh\n\
                          mallory:x:1002:100::/home/mallory:/bin/sh\n\
                          users:x:1003:100::/home/users:/bin/sh\n\
                          +::::::\n\
                          broken line\n";

    /// Whether the group 1000 is alice's alone, where this is the list of groups.
    #[track_caller]
    fn check(expected: bool, group: &str) {
        assert_eq!(is_of_user_alone_in(PASSWD, group, 1000, 1000), expected, "{group}");
    }

    #[test]
    fn a_group_with_the_users_name_and_nobody_else_is_the_users_own() {
        check(true, "root:x:0:\nalice:x:1000:\nteam:x:1001:mallory\n");
        check(true, "alice:x:1000:alice\n");
        check(true, "alice:x:1000\n");
        check(true, "alice:x:1000:\nalias:x:1000:alice\n");
    }

    #[test]
    fn a_group_with_another_member_name_or_user_is_shared() {
        check(false, "");
        check(false, "alice:x:1001:\n");
        check(false, "alice:x:1000:mallory\n");
        check(false, "alice:x:1000:alice, mallory\n");
        check(false, "alice:x:1000:\nteam:x:1000:mallory\n");
        // A directory service may know more of its users.
        check(false, "domain users:x:1000:\n");
        check(false, "+:::\n");
        // Everybody's primary group has no list of members.
        for uid in [1001, 1002, 1003] {
            assert!(!is_of_user_alone_in(PASSWD, "users:x:100:\n", 100, uid), "{uid}");
        }
        assert!(!is_of_user_alone_in("", "alice:x:1000:\n", 1000, 1000));
        assert!(!is_of_user_alone_in(PASSWD, "alice:x:1000:\n", 1000, 1001));
    }

    #[test]
    fn nothing_is_concluded_from_a_list_that_is_not_whole() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().to_str().expect("UTF-8");
        let longest = usize::try_from(MAX_LIST_BYTES).expect("a size");
        for (length, is_whole) in [(0, true), (longest, true), (longest + 1, false)] {
            std::fs::write(path, vec![b'a'; length]).expect("written");
            assert_eq!(whole_list(path).map(|list| list.len()), is_whole.then_some(length));
        }
        assert_eq!(whole_list("/nonexistent"), None);
    }
}
