//! Who keeps whom out.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{at, id, mode, run, scratch};
use manifest::{LockHolder, ManifestError, RunLock, RunsDir};

const SCRATCH: &str = "MANIFEST_TEST_SCRATCH";

fn holder(run_id: &str) -> LockHolder {
    LockHolder::this_process(id(run_id), at(2))
}

#[test]
fn a_second_run_is_told_who_holds_the_folder() {
    let (temp, runs) = scratch();
    let _first = RunLock::acquire(&runs, &temp.path().join("host-1.lock"), &holder("one")).expect("free");
    let error = RunLock::acquire(&runs, &temp.path().join("host-2.lock"), &holder("two")).expect_err("held");
    let ManifestError::Held { path, holder: Some(first) } = &error else { panic!("{error}") };
    assert_eq!((path, first), (&runs.path().join("bootstrap.lock"), &holder("one")));
    let told = format!(
        "run one (process {}, since 2026-11-22T07:50:02Z) holds {}",
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
    RunLock::acquire(&second, &host, &holder("two")).expect("free again");
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
    std::thread::sleep(Duration::from_mins(2));
}

fn child_that_holds(temp: &std::path::Path) -> Child {
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "locks::holds_until_killed", "--ignored"])
        .env(SCRATCH, temp)
        .stdout(Stdio::null())
        .spawn()
        .expect("started");
    let limit = Instant::now() + Duration::from_mins(1);
    while !temp.join("ready").exists() {
        assert!(Instant::now() < limit, "the child takes no lock");
        std::thread::sleep(Duration::from_millis(2));
    }
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
    assert!(!runs.is_running(&run("child")).expect("told"));
    RunLock::acquire(&runs, &host, &holder("two")).expect("free");
}
