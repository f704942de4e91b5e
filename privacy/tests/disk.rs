//! What reaches the disk, and what is refused there.

#![expect(clippy::disallowed_methods, reason = "tests set scenes, nothing of ours")]

#[path = "common/root.rs"]
mod root;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use privacy::disk::{self, DiskError, Owner, PrivateDir};
use root::{is_root, skips};
use tempfile::TempDir;

fn scratch() -> (TempDir, PathBuf) {
    let temp = TempDir::new().expect("a scratch directory");
    let path = temp.path().to_owned();
    (temp, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("metadata").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

#[test]
fn files_are_private_and_hold_what_was_written() {
    let (_temp, root) = scratch();
    let file = root.join("a.json");
    disk::write_atomic(&file, b"one").expect("written");
    assert_eq!((fs::read(&file).expect("read"), mode(&file)), (b"one".to_vec(), 0o600));
    set_mode(&file, 0o644);
    disk::write_atomic(&file, b"two").expect("replaced");
    assert_eq!((fs::read(&file).expect("read"), mode(&file)), (b"two".to_vec(), 0o600));
    assert_eq!(names(&root), ["a.json"], "no temporary file is left");
}

#[test]
fn only_directories_that_are_made_get_their_mode() {
    let (_temp, root) = scratch();
    let old = root.join("old");
    fs::create_dir(&old).expect("a directory");
    set_mode(&old, 0o755);
    PrivateDir::create(&old).expect("there already, and empty");
    assert_eq!(mode(&old), 0o755);
    PrivateDir::open(&root).expect("open").create_dir("old").expect("there already, and empty");
    assert_eq!(mode(&old), 0o755);
    let new = old.join("a/b//c/.");
    PrivateDir::create(&new).expect("made");
    PrivateDir::create(&new).expect("there already");
    assert_eq!(mode(&old), 0o755);
    for made in ["a", "a/b", "a/b/c"] {
        assert_eq!(mode(&old.join(made)), 0o700, "{made}");
    }
}

#[test]
fn a_linked_directory_is_refused_however_it_is_written() {
    let (_temp, root) = scratch();
    fs::create_dir(root.join("real")).expect("a directory");
    symlink("real", root.join("link")).expect("a link");
    symlink("nowhere", root.join("dangling")).expect("a link");
    for path in ["link", "link/", "link/.", "dangling"] {
        let error = PrivateDir::create(&root.join(path)).expect_err(path);
        assert!(matches!(error, DiskError::Symlink { .. }), "{path}: {error}");
    }
    assert!(matches!(disk::write_atomic(&root.join("link/x"), b"x"), Err(DiskError::Symlink { .. })));
    assert_eq!(
        (names(&root.join("real")).len(), names(&root)),
        (0, vec!["dangling".into(), "link".into(), "real".into()])
    );
}

#[test]
fn a_link_in_the_prefix_is_followed() {
    let (_temp, root) = scratch();
    fs::create_dir(root.join("real")).expect("a directory");
    symlink("real", root.join("link")).expect("a link");
    PrivateDir::create(&root.join("link/a/b")).expect("made");
    assert_eq!(mode(&root.join("real/a/b")), 0o700);
}

#[test]
fn a_directory_that_everybody_may_change_is_refused_unless_sticky() {
    let (_temp, root) = scratch();
    set_mode(&root, 0o777);
    let error = PrivateDir::open(&root).expect_err("writable by all");
    assert!(matches!(error, DiskError::Unsafe { .. }), "{error}");
    set_mode(&root, 0o1777);
    PrivateDir::open(&root).expect("sticky");
}

#[test]
fn a_link_in_place_of_a_file_is_refused_and_its_target_untouched() {
    let (_temp, root) = scratch();
    let (target, link) = (root.join("target"), root.join("link"));
    fs::write(&target, "as it was").expect("written");
    symlink(&target, &link).expect("a link");
    let outcomes = [
        disk::write_atomic(&link, b"new"),
        PrivateDir::open(&root).expect("open").append_line_unsynced("link", "new", 100),
        disk::read_bounded(&link, 100).map(drop),
    ];
    for outcome in outcomes {
        assert!(matches!(outcome, Err(DiskError::Symlink { .. })), "{outcome:?}");
    }
    assert_eq!(fs::read(&target).expect("read"), b"as it was");
    assert!(link.is_symlink());
}

#[test]
fn a_second_name_of_a_file_is_never_appended_to() {
    let (_temp, root) = scratch();
    fs::write(root.join("target"), "as it was").expect("written");
    fs::hard_link(root.join("target"), root.join("ledger")).expect("a link");
    let dir = PrivateDir::open(&root).expect("open");
    let error = dir.append_line_unsynced("ledger", "new", 100).expect_err("refused");
    assert!(matches!(error, DiskError::Unsafe { .. }), "{error}");
    assert_eq!(fs::read(root.join("target")).expect("read"), b"as it was");
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let (_temp, root) = scratch();
    let fifo = root.join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .expect("a FIFO");
    fs::create_dir(root.join("directory")).expect("a directory");
    let _socket = UnixListener::bind(root.join("socket")).expect("a socket");
    for name in ["fifo", "directory", "socket"] {
        let path = root.join(name);
        let read = disk::read_bounded(&path, 100).expect_err(name);
        assert!(matches!(read, DiskError::NotAFile { .. }), "{name}: {read}");
        let written = disk::write_atomic(&path, b"x").expect_err(name);
        assert!(matches!(written, DiskError::NotAFile { .. }), "{name}: {written}");
    }
    assert!(matches!(PrivateDir::open(&fifo), Err(DiskError::NotADirectory { .. })));
}

#[test]
fn reading_stops_at_the_limit() {
    let (_temp, root) = scratch();
    let file = root.join("file");
    fs::write(&file, [b'x'; 100]).expect("written");
    assert_eq!(disk::read_bounded(&file, 100).expect("read").len(), 100);
    assert!(matches!(disk::read_bounded(&file, 99), Err(DiskError::TooLarge { limit: 99, .. })));
    assert!(matches!(disk::read_bounded(Path::new("/dev/zero"), 99), Err(DiskError::NotAFile { .. })));
    // It says that it is empty.
    let grows = disk::read_bounded(Path::new("/proc/self/status"), 99);
    assert!(matches!(grows, Err(DiskError::TooLarge { limit: 99, .. })), "{grows:?}");
    assert!(matches!(disk::read_bounded(&root.join("none"), 99), Err(DiskError::Missing { .. })));
}

#[test]
fn a_ledger_grows_by_whole_lines_up_to_its_limit() {
    let (_temp, root) = scratch();
    let (dir, file) = (PrivateDir::open(&root).expect("open"), root.join("ledger"));
    dir.append_line_unsynced("ledger", "one", 8).expect("appended");
    dir.append_line_unsynced("ledger", "two", 8).expect("appended");
    assert!(matches!(dir.append_line_unsynced("ledger", "", 8), Err(DiskError::TooLarge { .. })));
    assert_eq!((fs::read(&file).expect("read"), mode(&file)), (b"one\ntwo\n".to_vec(), 0o600));
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let (_temp, root) = scratch();
    let dir = PrivateDir::create(&root.join("runs")).expect("made");
    for name in ["", ".", "..", "../x", "a/b", "/etc/x", "a/", "./a"] {
        let outcome = dir.write_atomic(name, b"x");
        assert!(matches!(outcome, Err(DiskError::InvalidName { .. })), "{name:?}: {outcome:?}");
    }
    assert_eq!(names(&root), ["runs"]);
}

#[test]
fn an_open_directory_is_not_redirected() {
    let (_temp, root) = scratch();
    let dir = PrivateDir::create(&root.join("runs")).expect("made");
    fs::create_dir(root.join("elsewhere")).expect("a directory");
    fs::rename(root.join("runs"), root.join("moved")).expect("moved");
    symlink("elsewhere", root.join("runs")).expect("a link");
    dir.write_atomic("x", b"x").expect("written");
    assert_eq!((names(&root.join("moved")), names(&root.join("elsewhere")).len()), (vec!["x".into()], 0));
}

#[test]
fn a_file_is_made_once() {
    let (_temp, root) = scratch();
    let dir = PrivateDir::open(&root).expect("open");
    dir.create_file("log").expect("made").write_all(b"x").expect("written");
    assert!(matches!(dir.create_file("log"), Err(DiskError::Exists { .. })));
    assert_eq!((fs::read(root.join("log")).expect("read"), mode(&root.join("log"))), (b"x".to_vec(), 0o600));
}

#[test]
fn new_files_and_directories_belong_to_the_invoking_user() {
    if skips("new_files_and_directories_belong_to_the_invoking_user") {
        return;
    }
    let (_temp, root) = scratch();
    let owner = Owner::Invoker { uid: 61_000, gid: 61_001 };
    let dir = PrivateDir::create_for(&root.join("a/b"), owner).expect("made");
    dir.write_atomic("file", b"x").expect("written");
    dir.append_line_unsynced("ledger", "x", 100).expect("appended");
    let its_owners = PrivateDir::open_for_its_owner(&root.join("a/b")).expect("open");
    its_owners.write_atomic("other", b"x").expect("written");
    for path in ["a", "a/b", "a/b/file", "a/b/ledger", "a/b/other"] {
        let data = fs::metadata(root.join(path)).expect("metadata");
        assert_eq!((data.uid(), data.gid()), (61_000, 61_001), "{path}");
    }
    assert_ne!(
        fs::metadata(&root).expect("metadata").uid(),
        61_000,
        "directories that existed keep their owner"
    );
}

#[test]
fn content_to_act_upon_must_be_ours() {
    let (_temp, root) = scratch();
    let dir = PrivateDir::open_for(&root, Owner::Process).expect("open");
    dir.write_atomic("own", b"x").expect("written");
    assert_eq!(dir.read_own("own", 10).expect("ours"), b"x");
    set_mode(&root.join("own"), 0o666);
    assert!(matches!(dir.read_own("own", 10), Err(DiskError::Unsafe { .. })));
    if is_root() {
        set_mode(&root.join("own"), 0o600);
        std::os::unix::fs::chown(root.join("own"), Some(61_000), None).expect("given away");
        assert!(matches!(dir.read_own("own", 10), Err(DiskError::Foreign { .. })));
        let invoked = PrivateDir::open_for(&root, Owner::Invoker { uid: 61_000, gid: 61_000 }).expect("open");
        assert_eq!(invoked.read_own("own", 10).expect("the invoking user's"), b"x");
        set_mode(&root.join("own"), 0o660);
        std::os::unix::fs::chown(root.join("own"), None, Some(61_000)).expect("given away");
        // The caller's own number, but no list says that the group has nobody else.
        assert!(matches!(invoked.read_own("own", 10), Err(DiskError::Unsafe { .. })));
    }
}

#[test]
fn only_own_leftovers_are_swept() {
    let (_temp, root) = scratch();
    let kept = [
        ".tmp-bootstrap-",
        ".tmp-bootstrap-1-x",
        ".tmp-other-1-2",
        ".tmpABC",
        "bootstrap-1-2",
        ".tmp-bootstrap-1-3",
    ];
    for name in kept {
        fs::write(root.join(name), "x").expect("written");
    }
    let busy = fs::File::open(root.join(".tmp-bootstrap-1-3")).expect("open");
    busy.try_lock().expect("locked, as a living writer's is");
    fs::write(root.join("outside"), "x").expect("written");
    symlink("outside", root.join(".tmp-bootstrap-1-4")).expect("a link");
    fs::write(root.join(".tmp-bootstrap-4000000-17"), "x").expect("written");
    assert_eq!(PrivateDir::open(&root).expect("open").sweep().expect("swept"), 1);
    let left = names(&root);
    assert!(kept.iter().all(|name| left.iter().any(|left| left == name)), "{left:?}");
    assert!(left.contains(&".tmp-bootstrap-1-4".into()) && left.contains(&"outside".into()), "{left:?}");
    assert!(!left.contains(&".tmp-bootstrap-4000000-17".into()), "{left:?}");
}

#[test]
fn what_does_not_wait_for_the_disk_is_written_all_the_same() {
    let (_temp, root) = scratch();
    let dir = PrivateDir::open(&root).expect("ours");
    dir.write_atomic_unsynced("a", b"one").expect("written");
    dir.write_atomic_own_unsynced("b", b"two").expect("written");
    dir.append_line_unsynced("c", "three", 100).expect("appended");
    dir.append_line_unsynced("c", "four", 100).expect("appended");
    dir.write_atomic_own("e", b"five").expect("written");
    for (name, content) in [("a", "one"), ("b", "two"), ("c", "three\nfour\n"), ("e", "five")] {
        let path = root.join(name);
        assert_eq!((fs::read_to_string(&path).expect("read").as_str(), mode(&path)), (content, 0o600));
    }
    assert!(dir.contains("a").expect("told") && !dir.contains("d").expect("told"));
    assert!(dir.append_line_unsynced("c", "five", 12).is_err(), "beyond the limit");
}

#[test]
fn a_dated_file_never_seems_to_be_newer() {
    let (_temp, root) = scratch();
    let dir = PrivateDir::open(&root).expect("ours");
    let stored = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let write = || dir.write_atomic_dated("a", b"one", stored).expect("written");
    write();
    let is_over = AtomicBool::new(false);
    // The reader has begun before the first write.
    let looking = Barrier::new(2);
    std::thread::scope(|scope| {
        let seen = scope.spawn(|| {
            looking.wait();
            // At any moment the writer could be killed.
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(
                    fs::metadata(root.join("a")).and_then(|data| data.modified()).expect("a time"),
                    stored
                );
            }
        });
        looking.wait();
        (0..200).for_each(|_| write());
        is_over.store(true, Ordering::Relaxed);
        seen.join().expect("never another time");
    });
}

#[test]
fn a_file_is_removed_whether_it_is_there_or_not_and_a_directory_never() {
    let (_temp, root) = scratch();
    let dir = PrivateDir::open(&root).expect("ours");
    fs::create_dir(root.join("directory")).expect("a directory");
    dir.write_atomic("file", b"x").expect("written");
    dir.remove("file").expect("removed");
    dir.remove("file").expect("it is missing already");
    assert!(dir.remove("directory").is_err());
    assert_eq!(names(&root), ["directory"]);
}

#[test]
fn of_a_name_it_is_told_whose_it_is_and_when_it_was_written() {
    let (_temp, root) = scratch();
    let dir = PrivateDir::open_for(&root, Owner::Process).expect("ours");
    let before = std::time::SystemTime::now();
    dir.write_atomic("file", b"x").expect("written");
    symlink("none", root.join("link")).expect("a link");
    let written = dir.modified("file").expect("a file");
    // Whole seconds are told, and a clock of the disk may lag a little.
    assert!(written <= std::time::SystemTime::now());
    assert!(before.duration_since(written).unwrap_or_default() < std::time::Duration::from_secs(10));
    assert!(dir.modified("link").is_some_and(|linked| linked >= written));
    assert_eq!(dir.modified("none"), None);
    assert!(dir.is_ours("file") && dir.is_ours("link") && !dir.is_ours("none"));
    if is_root() {
        std::os::unix::fs::chown(root.join("file"), Some(61_000), None).expect("given away");
        assert!(!dir.is_ours("file"));
    }
}

#[test]
fn what_is_obeyed_is_ours_alone() {
    let (_temp, root) = scratch();
    let dir = PrivateDir::open(&root).expect("ours");
    dir.write_atomic("a", b"one").expect("written");
    assert_eq!(dir.read_obeyed("a", 100).expect("read"), b"one");
    for open_mode in [0o620, 0o602] {
        set_mode(&root.join("a"), open_mode);
        assert!(matches!(dir.read_obeyed("a", 100), Err(DiskError::Unsafe { .. })), "{open_mode:o}");
    }
    set_mode(&root.join("a"), 0o600);
    fs::hard_link(root.join("a"), root.join("b")).expect("a link");
    assert!(matches!(dir.read_obeyed("a", 100), Err(DiskError::Unsafe { .. })));
    fs::remove_file(root.join("b")).expect("removed");
    if is_root() {
        std::os::unix::fs::chown(root.join("a"), Some(61_000), None).expect("root gives away what it likes");
        assert!(matches!(dir.read_obeyed("a", 100), Err(DiskError::Foreign { .. })));
    }
}

#[test]
fn a_sweep_beside_a_write_takes_nothing_away_from_it() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let temp = tempfile::tempdir().expect("a scratch directory");
    let dir = PrivateDir::open_for(temp.path(), Owner::Process).expect("open");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    dir.sweep().expect("listed");
                }
            });
        }
        // Without its fix one write in 1,500 or so failed on a busy machine.
        let written: Result<(), _> = (0..3_000).try_for_each(|_| dir.write_atomic_unsynced("file", b"text"));
        done.store(true, Ordering::Relaxed);
        written.expect("every write has its file");
    });
}
