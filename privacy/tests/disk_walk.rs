//! Directories of ours that other users could replace, and the owner of a new directory.

#[path = "common/root.rs"]
mod root;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use privacy::disk::{self, DiskError, Owner, PrivateDir};
use root::{is_root, skips};
use tempfile::TempDir;

const MALLORY: u32 = 61_002;
const CALLER: Owner = Owner::Invoker { uid: 61_000, gid: 61_001 };

/// A directory `name` below `root` that belongs to `uid`.
fn dir(root: &Path, name: &str, uid: u32, mode: u32) -> PathBuf {
    let path = root.join(name);
    fs::create_dir(&path).expect("made");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    if is_root() {
        chown(&path, Some(uid), Some(uid)).expect("given away");
    }
    path
}

/// Passes if the directory is refused because of `ancestor`, before anything is made.
#[track_caller]
fn refused(path: &Path, ancestor: &Path) {
    for outcome in [PrivateDir::create_trusted(path), PrivateDir::open_trusted(path)] {
        match outcome {
            Err(DiskError::Replaceable { ancestor: named, .. }) => assert_eq!(named, ancestor),
            other => panic!("{}: {other:?}", path.display()),
        }
    }
}

#[test]
fn what_root_alone_can_replace_is_trusted() {
    let temp = TempDir::new().expect("a scratch directory");
    let path = temp.path().join("a/b");
    PrivateDir::create_trusted(&path).expect("made");
    PrivateDir::open_trusted(&path).expect("there");
    symlink("a", temp.path().join("link")).expect("a link");
    PrivateDir::open_trusted(&temp.path().join("link/b")).expect("a link of root's in a directory of root's");
}

#[test]
fn a_directory_that_others_can_write_to_is_named_and_nothing_is_made() {
    let temp = TempDir::new().expect("a scratch directory");
    let open = dir(temp.path(), "open", 0, 0o777);
    refused(&open.join("runs"), &open);
    assert_eq!(fs::read_dir(&open).expect("listed").count(), 0);
    fs::create_dir(open.join("runs")).expect("made");
    refused(&open.join("runs"), &open);
    refused(&open.join("runs/deep"), &open);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).expect("sticky");
    PrivateDir::open_trusted(&open.join("runs")).expect("its entry is ours, and the directory sticky");
}

#[test]
fn a_directory_of_another_user_is_named() {
    if skips("a_directory_of_another_user_is_named") {
        return;
    }
    let temp = TempDir::new().expect("a scratch directory");
    let foreign = dir(temp.path(), "mallory", MALLORY, 0o755);
    refused(&foreign.join("runs"), &foreign);
    assert_eq!(fs::read_dir(&foreign).expect("listed").count(), 0);
    fs::create_dir(foreign.join("runs")).expect("made");
    refused(&foreign.join("runs"), &foreign);
    refused(&foreign, &foreign);
    // A link of theirs, although its target is safe: they can change the target.
    fs::create_dir(temp.path().join("safe")).expect("made");
    symlink(temp.path().join("safe"), foreign.join("link")).expect("a link");
    refused(&foreign.join("link/runs"), &foreign);
    // In a sticky directory of root's, an entry of theirs is theirs to replace.
    let sticky = dir(temp.path(), "sticky", 0, 0o1777);
    dir(&sticky, "theirs", MALLORY, 0o755);
    refused(&sticky.join("theirs/runs"), &sticky);
}

#[test]
fn members_of_a_foreign_group_are_other_users() {
    if skips("members_of_a_foreign_group_are_other_users") {
        return;
    }
    let temp = TempDir::new().expect("a scratch directory");
    let shared = dir(temp.path(), "shared", 0, 0o775);
    PrivateDir::open_trusted(&shared).expect("root's own group");
    chown(&shared, Some(0), Some(MALLORY)).expect("given away");
    refused(&shared.join("runs"), &shared);
    // Groups of the system are trusted where the system's own directories are looked at.
    disk::check_not_replaceable(&shared.join("runs")).expect("as Debian's /usr/local");
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).expect("a mode");
    PrivateDir::open_trusted(&shared).expect("its group may not write");
}

#[test]
fn what_others_can_replace_is_not_relied_on() {
    let temp = TempDir::new().expect("a scratch directory");
    fs::create_dir(temp.path().join("safe")).expect("made");
    for path in ["safe", "safe/missing", "missing/deep"] {
        disk::check_not_replaceable(&temp.path().join(path)).expect(path);
    }
    let open = dir(temp.path(), "open", 0, 0o777);
    let outcome = disk::check_not_replaceable(&open.join("tool"));
    assert!(
        matches!(&outcome, Err(DiskError::Replaceable { ancestor, .. }) if *ancestor == open),
        "{outcome:?}"
    );
}

#[test]
fn links_are_followed_as_often_as_the_kernel_does() {
    let temp = TempDir::new().expect("a scratch directory");
    fs::create_dir_all(temp.path().join("0/runs")).expect("made");
    for number in 0..41 {
        let name = |number: usize| if number == 0 { "0".to_owned() } else { format!("link-{number}") };
        symlink(name(number), temp.path().join(name(number + 1))).expect("a link");
    }
    PrivateDir::open_trusted(&temp.path().join("link-40/runs")).expect("40 links");
    for path in ["link-41/runs", "round/runs"] {
        let _ = symlink("round", temp.path().join("round"));
        let outcome = PrivateDir::open_trusted(&temp.path().join(path));
        assert!(matches!(outcome, Err(DiskError::Symlink { .. })), "{path}: {outcome:?}");
    }
    symlink("0/runs", temp.path().join("end")).expect("a link");
    assert!(matches!(PrivateDir::open_trusted(&temp.path().join("end")), Err(DiskError::Symlink { .. })));
}

#[test]
fn no_directory_of_the_caller_comes_into_one_of_roots_by_a_way_that_the_caller_can_change() {
    if skips("no_directory_of_the_caller_comes_into_one_of_roots_by_a_way_that_the_caller_can_change") {
        return;
    }
    let temp = TempDir::new().expect("a scratch directory");
    let home = dir(temp.path(), "home", 61_000, 0o755);
    let roots = dir(temp.path(), "roots", 0, 0o755);
    symlink(&roots, home.join("link")).expect("a link");
    let owner_of = |path: &Path| fs::metadata(path).expect("made").uid();
    PrivateDir::create_for(&home.join("link/a/runs"), CALLER).expect("made");
    assert_eq!((owner_of(&roots.join("a")), owner_of(&roots.join("a/runs"))), (0, 0));
    PrivateDir::create_for(&home.join("b/runs"), CALLER).expect("made");
    assert_eq!((owner_of(&home.join("b")), owner_of(&home.join("b/runs"))), (61_000, 61_000));
    PrivateDir::create_for(&roots.join("c"), CALLER).expect("made");
    assert_eq!(owner_of(&roots.join("c")), 61_000, "the caller could not have led us elsewhere");
    // A group that may not write leads nobody elsewhere.
    chown(&roots, Some(0), Some(MALLORY)).expect("given away");
    PrivateDir::create_for(&roots.join("d"), CALLER).expect("made");
    assert_eq!(owner_of(&roots.join("d")), 61_000);
    // The caller's group may rename what is in the one, and in the other the caller may rename the link that is theirs.
    let shared = dir(temp.path(), "shared", 0, 0o775);
    chown(&shared, Some(0), Some(61_001)).expect("given away");
    symlink(&roots, shared.join("link")).expect("a link");
    let sticky = dir(temp.path(), "sticky", 0, 0o1777);
    symlink(&roots, sticky.join("link")).expect("a link");
    lchown(sticky.join("link"), Some(61_000), Some(61_001)).expect("given away");
    for (name, way) in [("e", shared), ("f", sticky)] {
        PrivateDir::create_for(&way.join("link").join(name), CALLER).expect("made");
        assert_eq!(owner_of(&roots.join(name)), 0, "{name}");
    }
}

/// An access list lets others write where owner, group and the rest name nobody.
#[test]
fn a_directory_with_an_access_list_is_no_directory_of_its_group_alone() {
    if skips("a_directory_with_an_access_list_is_no_directory_of_its_group_alone") {
        return;
    }
    let temp = TempDir::new().expect("a scratch directory");
    let listed = dir(temp.path(), "listed", 0, 0o775);
    PrivateDir::open_trusted(&listed).expect("root's own group");
    let file = file(temp.path(), "file", 0o664);
    disk::open_own(&file).expect("root's own group");
    for path in [&listed, &file] {
        let_mallory_write(path);
    }
    refused(&listed.join("runs"), &listed);
    assert!(matches!(disk::open_own(&file), Err(DiskError::Unsafe { .. })));
}

/// Gives what is at `path` an access list with Mallory in it.
fn let_mallory_write(path: &Path) {
    // Version 2, and (tag, permissions, id) of owner, Mallory, group, mask and others: `acl(5)`, `posix_acl_xattr.h`.
    let nobody = u32::MAX;
    let entries = [(1, 7, nobody), (2, 7, MALLORY), (4, 5, nobody), (16, 7, nobody), (32, 5, nobody)];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        list.extend(u16::to_le_bytes(tag).into_iter().chain(u16::to_le_bytes(permissions)));
        list.extend(u32::to_le_bytes(id));
    }
    rustix::fs::setxattr(path, "system.posix_acl_access", &list, rustix::fs::XattrFlags::empty())
        .expect("a file system with access lists");
}

/// A file of this process.
#[expect(clippy::disallowed_methods, reason = "it sets the scene, nothing of ours")]
fn file(root: &Path, name: &str, mode: u32) -> PathBuf {
    let path = root.join(name);
    fs::write(&path, "x").expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    path
}

#[test]
fn what_a_group_could_change_is_not_acted_on() {
    let temp = TempDir::new().expect("a scratch directory");
    let own = dir(temp.path(), "own", 0, 0o755);
    let inside = file(&own, "file", 0o644);
    disk::open_own(&inside).expect("ours");
    disk::open_own(&own.join("..").join("own/file/")).expect("the same file");
    assert!(matches!(disk::open_own(&own.join("other")), Err(DiskError::Missing { .. })));
    assert!(matches!(disk::open_own(&own.join("missing/file")), Err(DiskError::Missing { .. })));
    assert!(matches!(disk::open_own(&own), Err(DiskError::NotAFile { .. })));
    assert!(matches!(disk::open_own(Path::new("..")), Err(DiskError::NotAFile { .. })));
    symlink("file", own.join("link")).expect("a link");
    assert!(matches!(disk::open_own(&own.join("link")), Err(DiskError::Symlink { .. })));
    if skips("what_a_group_could_change_is_not_acted_on") {
        return;
    }
    for (path, mode) in [(&own, 0o775), (&inside, 0o664)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
    disk::open_own(&inside).expect("root's own group, and a umask of 002");
    chown(&inside, None, Some(MALLORY)).expect("given away");
    assert!(matches!(disk::open_own(&inside), Err(DiskError::Unsafe { .. })));
    fs::set_permissions(&inside, fs::Permissions::from_mode(0o644)).expect("a mode");
    disk::open_own(&inside).expect("its group may not write");
    // As `/srv/artifacts` for a team: what is in it belongs to root, and anybody of the team may put another file there.
    chown(&own, None, Some(MALLORY)).expect("given away");
    fs::set_permissions(&own, fs::Permissions::from_mode(0o2775)).expect("a mode");
    let outcome = disk::open_own(&inside);
    assert!(
        matches!(&outcome, Err(DiskError::Replaceable { ancestor, .. }) if *ancestor == own),
        "{outcome:?}"
    );
}

/// The account `daemon` has a group of the same name on every system, and nobody else has it.
#[test]
fn a_group_of_the_user_alone_may_change_what_is_acted_upon() {
    if skips("a_group_of_the_user_alone_may_change_what_is_acted_upon") {
        return;
    }
    let passwd = fs::read_to_string("/etc/passwd").expect("readable");
    let accounts = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let daemon = accounts.into_iter().find(|account| account[0] == "daemon").expect("every system has it");
    let id = |field: usize| daemon[field].parse::<u32>().expect("a number");
    let owner = Owner::Invoker { uid: id(2), gid: id(3) };
    let temp = TempDir::new().expect("a scratch directory");
    let own = temp.path().join("own");
    let dir = PrivateDir::create_for(&own, owner).expect("made");
    dir.write_atomic("file", b"x").expect("written");
    for (path, mode) in [(own.clone(), 0o770), (own.join("file"), 0o660)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
    assert_eq!(dir.read_own("file", 10).expect("daemon's own group"), b"x");
    dir.check_unshared().expect("daemon's own group");
    // Who has the same primary group shares it, whatever group it is for the process.
    let other = Owner::Invoker { uid: 61_000, gid: id(3) };
    let shared = PrivateDir::open_for(&own, other).expect("opened");
    chown(&own, Some(61_000), None).expect("given away");
    chown(own.join("file"), Some(61_000), None).expect("given away");
    assert!(matches!(shared.read_own("file", 10), Err(DiskError::Unsafe { .. })));
    assert!(matches!(shared.check_unshared(), Err(DiskError::Replaceable { .. })));
}

#[test]
fn what_a_dangling_link_leads_to_is_not_made() {
    let temp = TempDir::new().expect("a scratch directory");
    symlink("nowhere", temp.path().join("link")).expect("a link");
    assert!(PrivateDir::create(&temp.path().join("link/runs")).is_err());
    assert!(!temp.path().join("nowhere").exists());
    symlink("round", temp.path().join("round")).expect("a link");
    assert!(PrivateDir::create(&temp.path().join("round/runs")).is_err());
}

#[test]
fn directories_in_an_open_one_are_not_redirected() {
    let temp = TempDir::new().expect("a scratch directory");
    let runs = PrivateDir::create(&temp.path().join("runs")).expect("made");
    fs::create_dir_all(temp.path().join("elsewhere/outbox")).expect("made");
    fs::rename(temp.path().join("runs"), temp.path().join("moved")).expect("moved");
    symlink("elsewhere", temp.path().join("runs")).expect("a link");
    let outbox = runs.create_dir("outbox").expect("made");
    outbox.write_atomic("x", b"x").expect("written");
    runs.open_dir("outbox").expect("there").write_atomic("y", b"y").expect("written");
    assert_eq!(fs::read_dir(temp.path().join("moved/outbox")).expect("listed").count(), 2);
    assert_eq!(fs::read_dir(temp.path().join("elsewhere/outbox")).expect("listed").count(), 0);
    symlink(temp.path().join("elsewhere"), temp.path().join("moved/link")).expect("a link");
    assert!(matches!(runs.open_dir("link"), Err(DiskError::Symlink { .. })));
    assert!(matches!(runs.create_dir("link"), Err(DiskError::Symlink { .. })));
    assert!(matches!(runs.open_dir("../moved"), Err(DiskError::InvalidName { .. })));
}

#[test]
fn a_directory_belongs_to_whom_the_process_acts_for() {
    let temp = TempDir::new().expect("a scratch directory");
    PrivateDir::open(temp.path()).expect("open").check_own().expect("ours");
    if skips("a_directory_belongs_to_whom_the_process_acts_for") {
        return;
    }
    let callers = dir(temp.path(), "callers", 61_000, 0o700);
    let open = PrivateDir::open(temp.path()).expect("open");
    for (name, is_foreign) in [("callers", true), ("gone", false)] {
        assert_eq!(open.is_foreign(name), is_foreign, "{name}");
    }
    PrivateDir::open_for(&callers, CALLER).expect("open").check_own().expect("the caller's");
    for (path, owner) in [(callers.as_path(), Owner::Process), (temp.path(), CALLER)] {
        let foreign = PrivateDir::open_for(path, owner).expect("open").check_own();
        assert!(matches!(foreign, Err(DiskError::Foreign { .. })), "{foreign:?}");
    }
}

/// Whoever fills a directory asks first whether anything is in it, and whether somebody else can change that.
#[test]
fn what_is_in_a_directory_is_seen_and_who_can_change_it() {
    let temp = TempDir::new().expect("a scratch directory");
    let mode = if is_root() { 0o770 } else { 0o700 };
    let open = PrivateDir::open(&dir(temp.path(), "a", 0, mode)).expect("opened");
    assert!(open.is_empty().expect("read"));
    open.check_unshared().expect("no group but root's");
    symlink("nowhere", open.path().join("link")).expect("a link");
    assert!(!open.is_empty().expect("read"), "a link that leads nowhere is an entry too");
    if is_root() {
        chown(open.path(), None, Some(MALLORY)).expect("given to a group");
        assert!(matches!(open.check_unshared(), Err(DiskError::Replaceable { .. })));
    }
}
