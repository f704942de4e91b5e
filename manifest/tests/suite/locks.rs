//! Which lock excludes which.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::common::{at, eventually, id, mode, run, scratch};
use manifest::{FileLock, LockHolder, ManifestError, RunsDir};

const SCRATCH: &str = "MANIFEST_TEST_SCRATCH";

fn holder(run_id: &str) -> LockHolder {
    LockHolder::this_process(id(run_id), at(2))
}

/// Takes the lock, which is free again.
fn acquire_once_free(runs: &RunsDir, run_id: &str) -> FileLock {
    eventually("the lock is released", || match runs.lock(&holder(run_id)) {
        Err(ManifestError::Held { .. }) => None,
        taken => Some(taken.expect("taken")),
    })
}

fn lock_file(runs: &RunsDir) -> PathBuf {
    runs.path().join("bootstrap.lock")
}

#[test]
fn a_second_run_is_told_who_holds_the_directory() {
    let (_temp, runs) = scratch();
    let first = runs.lock(&holder("one")).expect("free");
    let error = runs.lock(&holder("two")).expect_err("held");
    let ManifestError::Held { path, holder: Some(named) } = &error else { panic!("{error}") };
    assert_eq!((path, named), (&lock_file(&runs), &holder("one")));
    let told = format!(
        "run {} (process {}, since 2026-11-22T07:50:02Z) holds {}",
        id("one"),
        std::process::id(),
        path.display()
    );
    assert_eq!(error.to_string(), told);
    assert_eq!(mode(path), 0o600);
    drop(first);
    acquire_once_free(&runs, "two");
}

#[test]
fn a_lock_file_that_leads_elsewhere_is_refused() {
    type Link = fn(&Path, &Path) -> std::io::Result<()>;
    for link in [(|target, link| symlink(target, link)) as Link, |target, link| fs::hard_link(target, link)] {
        let (temp, runs) = scratch();
        let target = temp.path().join("target");
        fs::write(&target, "as it was").expect("written");
        link(&target, &lock_file(&runs)).expect("a link");
        let error = runs.lock(&holder("one")).expect_err("refused");
        assert!(matches!(error, ManifestError::Disk(_)), "{error}");
        assert_eq!(fs::read(&target).expect("read"), b"as it was");
    }
}

#[test]
fn a_holder_that_is_not_in_the_form_of_one_is_not_shown() {
    let (_temp, runs) = scratch();
    let _lock = runs.lock(&holder("one")).expect("free");
    let own = fs::read_to_string(lock_file(&runs)).expect("read");
    let too_long = own.replacen('{', &format!("{{{}", " ".repeat(2_000)), 1);
    for damaged in ["\u{1b}[2Jcanary", &too_long] {
        fs::write(lock_file(&runs), damaged).expect("written");
        let error = runs.lock(&holder("two")).expect_err("held");
        assert_eq!(error.to_string(), format!("another run holds {}", lock_file(&runs).display()));
    }
}

#[test]
#[ignore = "run as a child process by the test below"]
fn holds_until_killed() {
    let scratch = PathBuf::from(std::env::var_os(SCRATCH).expect("run by another test"));
    let runs = RunsDir::open_or_create(&scratch.join("runs")).expect("a runs directory");
    let _lock = runs.lock(&holder("child")).expect("free");
    let _files = runs.claim(&run("child")).expect("claimed");
    fs::write(scratch.join("ready"), "").expect("written");
    // Until killed, and no longer than the test that waits: its end closes the pipe.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn child_that_holds(temp: &Path) -> Child {
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "locks::holds_until_killed", "--ignored"])
        .env(SCRATCH, temp)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("started");
    eventually("the child holds its locks", || temp.join("ready").exists().then_some(()));
    child
}

#[test]
fn locks_die_with_their_process() {
    let (temp, runs) = scratch();
    let mut child = child_that_holds(temp.path());
    let error = runs.lock(&holder("two")).expect_err("held by the child");
    let ManifestError::Held { holder: Some(held), .. } = &error else { panic!("{error}") };
    assert_eq!((held.pid, &held.run_id), (child.id(), &id("child")));
    assert!(runs.is_running(&run("child")).expect("told"));
    child.kill().expect("killed");
    child.wait().expect("reaped");
    eventually("the run has ended", || (!runs.is_running(&run("child")).expect("told")).then_some(()));
    acquire_once_free(&runs, "two");
}

#[test]
fn a_released_lock_names_nobody() {
    let (_temp, runs) = scratch();
    let lock = runs.lock(&holder("one")).expect("free");
    assert!(!fs::read(lock_file(&runs)).expect("read").is_empty());
    drop(lock);
    assert_eq!(fs::read(lock_file(&runs)).expect("read"), b"");
}

#[test]
fn what_a_dead_holder_left_is_replaced() {
    let (_temp, runs) = scratch();
    fs::write(lock_file(&runs), "x".repeat(500)).expect("written");
    let _lock = runs.lock(&holder("one")).expect("free");
    let error = runs.lock(&holder("two")).expect_err("held");
    assert!(
        matches!(&error, ManifestError::Held { holder: Some(first), .. } if *first == holder("one")),
        "{error}"
    );
}
