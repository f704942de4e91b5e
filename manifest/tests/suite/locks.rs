//! Who keeps whom out.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::common::{at, eventually, id, mode, run, scratch};
use manifest::{LockHolder, ManifestError, RunLock, RunsDir};
use privacy::disk::DiskError;

const SCRATCH: &str = "MANIFEST_TEST_SCRATCH";

fn holder(run_id: &str) -> LockHolder {
    LockHolder::this_process(id(run_id), at(2))
}

/// Takes both locks, which nobody holds any more.
fn acquire_once_free(runs: &RunsDir, host: &Path, run_id: &str) -> RunLock {
    eventually("the locks are released", || match RunLock::acquire(runs, host, &holder(run_id)) {
        Err(ManifestError::Held { .. }) => None,
        taken => Some(taken.expect("taken")),
    })
}

#[test]
fn a_second_run_is_told_who_holds_the_folder() {
    let (temp, runs) = scratch();
    let _first = RunLock::acquire(&runs, &temp.path().join("host-1.lock"), &holder("one")).expect("free");
    let error = RunLock::acquire(&runs, &temp.path().join("host-2.lock"), &holder("two")).expect_err("held");
    let ManifestError::Held { path, holder: Some(first) } = &error else { panic!("{error}") };
    assert_eq!((path, first), (&runs.path().join("bootstrap.lock"), &holder("one")));
    let told = format!(
        "run {} (process {}, since 2026-11-22T07:50:02Z) holds {}",
        id("one"),
        std::process::id(),
        path.display()
    );
    assert_eq!(error.to_string(), told);
    assert_eq!(mode(path), 0o600);
}

#[test]
fn a_second_run_from_another_folder_is_told_who_holds_the_host() {
    let ((temp, first), (_other, second)) = (scratch(), scratch());
    let host = temp.path().join("host.lock");
    let lock = RunLock::acquire(&first, &host, &holder("one")).expect("free");
    let error = RunLock::acquire(&second, &host, &holder("two")).expect_err("held");
    assert!(matches!(&error, ManifestError::Held { path, holder: Some(_) } if *path == host), "{error}");
    drop(lock);
    acquire_once_free(&second, &host, "two");
    assert_eq!(mode(&host), 0o666, "users must be able to keep each other out");
}

#[test]
fn a_lock_file_that_leads_elsewhere_is_refused() {
    let (temp, runs) = scratch();
    fs::write(temp.path().join("target"), "as it was").expect("written");
    symlink("target", temp.path().join("link.lock")).expect("a link");
    fs::hard_link(temp.path().join("target"), temp.path().join("hard.lock")).expect("a link");
    for name in ["link.lock", "hard.lock"] {
        let error = RunLock::acquire(&runs, &temp.path().join(name), &holder("one")).expect_err(name);
        assert!(matches!(error, ManifestError::Disk(_)), "{error}");
    }
    assert_eq!(fs::read(temp.path().join("target")).expect("read"), b"as it was");
}

#[test]
fn a_holder_that_is_not_in_the_form_of_one_is_not_shown() {
    let (temp, runs) = scratch();
    let host = temp.path().join("host.lock");
    let _lock = RunLock::acquire(&runs, &host, &holder("one")).expect("free");
    fs::write(&host, "\u{1b}[2Jcanary").expect("written");
    let error = RunLock::acquire(&runs, &host, &holder("two")).expect_err("held");
    assert_eq!(error.to_string(), format!("another run holds {}", host.display()));
}

#[test]
#[ignore = "run as a child process by the test below"]
fn holds_until_killed() {
    let scratch = PathBuf::from(std::env::var_os(SCRATCH).expect("run by another test"));
    let runs = RunsDir::open_or_create(&scratch.join("runs")).expect("a runs folder");
    let _lock = RunLock::acquire(&runs, &scratch.join("host.lock"), &holder("child")).expect("free");
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
    let host = temp.path().join("host.lock");
    let mut child = child_that_holds(temp.path());
    let error = RunLock::acquire(&runs, &host, &holder("two")).expect_err("held by the child");
    let ManifestError::Held { holder: Some(held), .. } = &error else { panic!("{error}") };
    assert_eq!((held.pid, &held.run_id), (child.id(), &id("child")));
    assert!(runs.is_running(&run("child")).expect("told"));
    child.kill().expect("killed");
    child.wait().expect("reaped");
    eventually("the run has ended", || (!runs.is_running(&run("child")).expect("told")).then_some(()));
    acquire_once_free(&runs, &host, "two");
}

#[test]
fn a_released_lock_names_nobody() {
    let (temp, runs) = scratch();
    let host = temp.path().join("host.lock");
    let lock = RunLock::acquire(&runs, &host, &holder("one")).expect("free");
    assert!(!fs::read(&host).expect("read").is_empty());
    drop(lock);
    for path in [host, runs.path().join("bootstrap.lock")] {
        assert_eq!(fs::read(&path).expect("read"), b"", "{}", path.display());
    }
}

#[test]
fn what_a_dead_holder_left_is_replaced() {
    let (temp, runs) = scratch();
    let host = temp.path().join("host.lock");
    fs::write(&host, "x".repeat(500)).expect("written");
    let _lock = RunLock::acquire(&runs, &host, &holder("one")).expect("free");
    let error = RunLock::acquire(&runs, &host, &holder("two")).expect_err("held");
    assert!(
        matches!(&error, ManifestError::Held { holder: Some(first), .. } if *first == holder("one")),
        "{error}"
    );
}

#[test]
fn a_holder_that_is_too_long_is_not_shown() {
    let (temp, runs) = scratch();
    let host = temp.path().join("host.lock");
    let _lock = RunLock::acquire(&runs, &host, &holder("one")).expect("free");
    let text = fs::read_to_string(&host).expect("read");
    fs::write(&host, text.replacen('{', &format!("{{{}", " ".repeat(2_000)), 1)).expect("written");
    let error = RunLock::acquire(&runs, &host, &holder("two")).expect_err("held");
    assert!(matches!(error, ManifestError::Held { holder: None, .. }), "{error}");
}

#[test]
fn who_is_refused_keeps_neither_lock() {
    let ((temp, first), (_other, second)) = (scratch(), scratch());
    let (host_1, host_2) = (temp.path().join("host-1.lock"), temp.path().join("host-2.lock"));
    let _lock = RunLock::acquire(&first, &host_1, &holder("one")).expect("free");
    RunLock::acquire(&first, &host_2, &holder("two")).expect_err("the directory is held");
    acquire_once_free(&second, &host_2, "three");
}

#[test]
fn a_lock_needs_a_file_name() {
    let (_temp, runs) = scratch();
    let error = RunLock::acquire(&runs, Path::new("/"), &holder("one")).expect_err("no name");
    assert!(matches!(error, ManifestError::Disk(DiskError::InvalidName { .. })), "{error}");
}

#[test]
fn the_mode_of_another_users_lock_file_is_left_to_them() {
    let (temp, runs) = scratch();
    let host = temp.path().join("host.lock");
    fs::write(&host, "").expect("written");
    fs::set_permissions(&host, fs::Permissions::from_mode(0o640)).expect("a mode");
    if std::os::unix::fs::chown(&host, Some(61_000), None).is_err() {
        skip("only root may give files away");
        return;
    }
    RunLock::acquire(&runs, &host, &holder("one")).expect("free");
    assert_eq!(mode(&host), 0o640);
}

#[expect(clippy::print_stderr, reason = "a test that shows nothing must say so")]
fn skip(why: &str) {
    eprintln!("SKIP: {why}");
}
