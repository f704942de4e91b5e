//! The atomic writer under crashes, with readers, and in a directory that cannot be written.

#![expect(clippy::disallowed_methods, reason = "tests set scenes, nothing of ours")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use privacy::disk::{DiskError, Owner, PrivateDir};
use proptest::prelude::*;
use tempfile::TempDir;

/// Names the scratch directory to the test below when it is run as a child process.
const SCRATCH: &str = "DISK_TEST_SCRATCH";
const SIZE: usize = 300_000;

/// Runs one ignored test of this file as a process of its own.
fn child(test: &str, scratch: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(SCRATCH, scratch);
    command.stdout(Stdio::null());
    command
}

fn scratch_of_child() -> PathBuf {
    std::env::var_os(SCRATCH).expect("run by another test").into()
}

#[test]
#[ignore = "run as a child process by the tests below"]
fn writes_for_ever() {
    let dir = PrivateDir::open(&scratch_of_child()).expect("open");
    for letter in (b'a'..=b'z').cycle() {
        dir.write_atomic("file", &vec![letter; SIZE]).expect("written");
    }
}

#[test]
fn a_killed_writer_leaves_whole_content_and_the_next_start_sweeps() {
    let temp = TempDir::new().expect("a scratch directory");
    let dir = PrivateDir::open(temp.path()).expect("open");
    let (mut leftovers, mut rounds) = (0, 0);
    // As many more as it takes until one was killed between creation and rename: without it this shows nothing.
    while rounds < 20 || leftovers == 0 {
        assert!(rounds < 500, "no round was killed between creation and rename");
        let mut writer = child("writes_for_ever", temp.path()).spawn().expect("started");
        let limit = Instant::now() + Duration::from_mins(1);
        while !temp.path().join("file").exists() {
            assert!(Instant::now() < limit, "the writer writes nothing");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(5 + rounds % 20));
        rounds += 1;
        writer.kill().expect("killed");
        writer.wait().expect("reaped");
        let content = dir.read_bounded("file", SIZE as u64).expect("read");
        assert_eq!(content.len(), SIZE);
        assert!(content.iter().all(|byte| *byte == content[0]), "content is mixed");
        leftovers += dir.sweep().expect("swept");
        assert_eq!(dir.names(10).expect("listed"), ["file"]);
    }
}

#[test]
fn readers_and_sweepers_meet_no_half_written_file() {
    let temp = TempDir::new().expect("a scratch directory");
    let dir = PrivateDir::open(temp.path()).expect("open");
    dir.write_atomic("file", &[b'a'; 10_000]).expect("written");
    std::thread::scope(|scope| {
        for letter in [b'b', b'c'] {
            let dir = &dir;
            scope.spawn(move || {
                (0..50).for_each(|_| dir.write_atomic("file", &[letter; 10_000]).expect("written"));
            });
        }
        for _ in 0..100 {
            let content = dir.read_bounded("file", 10_000).expect("read");
            assert!(content.len() == 10_000 && content.iter().all(|byte| *byte == content[0]));
            dir.sweep().expect("swept");
        }
    });
    assert_eq!(dir.names(10).expect("listed"), ["file"]);
}

#[test]
#[ignore = "run as a child process by the test below"]
fn is_denied() {
    let dir = PrivateDir::open_for(&scratch_of_child().join("runs"), Owner::Process).expect("open");
    for outcome in [dir.write_atomic("file", b"new"), dir.append_line_unsynced("ledger", "new", 100)] {
        assert!(matches!(outcome, Err(DiskError::Denied { .. })), "{outcome:?}");
    }
    assert_eq!(dir.read_bounded("file", 100).expect("read"), b"old");
}

#[test]
fn a_read_only_directory_is_named_as_such() {
    let temp = TempDir::new().expect("a scratch directory");
    let runs = temp.path().join("runs");
    fs::create_dir(&runs).expect("a directory");
    fs::write(runs.join("file"), "old").expect("written");
    for path in [temp.path(), &runs] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o555)).expect("a mode");
    }
    // By this name another user can start this program, whatever directory it is in.
    let mut command = Command::new("/proc/self/exe");
    command.args(["--exact", "is_denied", "--ignored"]).env(SCRATCH, temp.path()).stdout(Stdio::null());
    if rustix::process::geteuid().is_root() {
        // Permissions do not restrict root.
        command.uid(65_534).gid(65_534);
    }
    let status = command.status().expect("started");
    fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::set_permissions(&runs, fs::Permissions::from_mode(0o755)).expect("a mode");
    assert!(status.success());
}

#[test]
fn a_full_disk_is_named_as_such_and_the_old_content_stays() {
    let temp = TempDir::new().expect("a scratch directory");
    fs::write(temp.path().join("file"), "old").expect("written");
    // The file size limit of the child replaces a full disk: the write fails half-way in the same manner.
    let status = Command::new("/bin/sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" --exact is_full --ignored"])
        .arg(std::env::current_exe().expect("this program"))
        .env(SCRATCH, temp.path())
        .stdout(Stdio::null())
        .status()
        .expect("started");
    assert!(status.success());
}

#[test]
#[ignore = "run as a child process by the test above"]
fn is_full() {
    let dir = PrivateDir::open(&scratch_of_child()).expect("open");
    let outcome = dir.write_atomic("file", &vec![b'x'; SIZE]);
    assert!(matches!(outcome, Err(DiskError::NoSpace { .. })), "{outcome:?}");
    assert_eq!(dir.read_bounded("file", 100).expect("read"), b"old");
    assert_eq!(dir.names(10).expect("listed"), ["file"], "no temporary file is left");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_last_write_is_what_is_read(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2_000), 1..6)) {
        let temp = TempDir::new().expect("a scratch directory");
        let dir = PrivateDir::open(temp.path()).expect("open");
        for content in &contents {
            dir.write_atomic("file", content).expect("written");
            prop_assert_eq!(&dir.read_bounded("file", 2_000).expect("read"), content);
        }
        prop_assert_eq!(dir.names(10).expect("listed"), ["file"]);
    }
}
