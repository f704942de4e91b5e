//! Files in the home of the user who called, whom root acts for under sudo.

#![expect(clippy::disallowed_methods, reason = "it sets a scene, and is two processes")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::skips_without_root;
use bootstrap::host::{FileError, Host, RootAccess, RunLog};
use privacy::disk::DiskError;

const CALLER: u32 = 61_003;
const PATIENCE: Duration = Duration::from_mins(2);
const ROOT: &str = "BOOTSTRAP_TEST_CALLER_ROOT";
const COPY: &str = "/home/.kube/k3s.yaml";

fn stand_in(root: &Path) -> Host {
    Host::stand_in(root, Vec::new(), RootAccess::Root, RunLog::discard())
}

#[test]
fn a_file_of_the_caller_is_private_and_not_reached_through_a_link() {
    let temp = tempfile::tempdir().expect("a directory");
    let (host, copy) = (stand_in(temp.path()), Path::new(COPY));
    assert_eq!(host.read_of_caller(copy).expect("no directory is no file"), None);
    fs::create_dir(temp.path().join("home")).expect("made");
    host.make_directory_of_caller(Path::new("/home/.kube")).expect("made");
    host.write_of_caller(copy, b"credentials").expect("written");
    let mode = |path: &str| host.at(Path::new(path)).metadata().expect(path).permissions().mode() & 0o777;
    assert_eq!((mode("/home/.kube"), mode(COPY)), (0o700, 0o600));
    assert!(host.is_private(copy).expect("there"));
    // What is another file by now is not what the run wrote.
    let other = host.remove_of_caller(copy, &manifest::sha256_hex(b"other"));
    assert!(matches!(other, Err(FileError::Kind { .. })), "{other:?}");
    assert_eq!(host.read_of_caller(copy).expect("read").as_deref(), Some(&b"credentials"[..]));
    host.remove_of_caller(copy, &manifest::sha256_hex(b"credentials")).expect("removed");
    host.remove_of_caller(copy, "").expect("gone already");

    fs::write(temp.path().join("elsewhere"), "theirs").expect("written");
    symlink("../../elsewhere", host.at(copy)).expect("a link");
    let is_link = |outcome: &FileError| matches!(outcome, FileError::OfCaller(DiskError::Symlink { .. }));
    assert!(is_link(&host.write_of_caller(copy, b"credentials").expect_err("a link")));
    assert!(is_link(&host.read_of_caller(copy).expect_err("a link")));
    fs::remove_dir_all(temp.path().join("home/.kube")).expect("removed");
    fs::create_dir(temp.path().join("roots")).expect("made");
    symlink("../roots", temp.path().join("home/.kube")).expect("a link");
    assert!(is_link(&host.write_of_caller(copy, b"credentials").expect_err("a link")));
    assert_eq!(fs::read_dir(temp.path().join("roots")).expect("listed").count(), 0);
    assert_eq!(fs::read_to_string(temp.path().join("elsewhere")).expect("read"), "theirs");
}

/// Root writes and removes the copy for a caller who swaps its directory for one of root's all the time.
#[test]
fn whatever_the_caller_swaps_root_touches_nothing_but_what_is_the_callers() {
    if skips_without_root("caller") {
        return;
    }
    let temp = tempfile::tempdir().expect("a directory");
    let root = temp.path();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a mode");
    for directory in ["home", "roots"] {
        fs::create_dir(root.join(directory)).expect("made");
    }
    chown(root.join("home"), Some(CALLER), Some(CALLER)).expect("given away");
    fs::write(root.join("roots/k3s.yaml"), "credentials").expect("written");
    let (kube, aside) = (root.join("home/.kube"), root.join("home/aside"));
    symlink("../roots", root.join("home/link")).expect("a link");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "host::caller::acts_for_the_caller", "--ignored"])
        .env(ROOT, root)
        .env("SUDO_UID", CALLER.to_string())
        .env("SUDO_GID", CALLER.to_string())
        .stdout(Stdio::null())
        .spawn()
        .expect("started");
    // Swapped between its creation and its change of owner, a new directory stays root's, and root writes nothing into
    // it. The caller removes it, as the owner of the directory above may.
    let is_roots =
        |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir() && found.uid() == 0);
    while child.try_wait().expect("a child").is_none() {
        for directory in [&kube, &aside] {
            if is_roots(directory) {
                let _ = fs::remove_dir(directory);
            }
        }
        let _ = fs::rename(&kube, &aside);
        let _ = fs::rename(root.join("home/link"), &kube);
        let _ = fs::rename(&kube, root.join("home/link"));
        let _ = fs::rename(&aside, &kube);
    }
    assert!(child.wait().expect("a child").success());
    let left: Vec<_> = fs::read_dir(root.join("roots")).expect("listed").collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let kept = root.join("roots/k3s.yaml");
    assert_eq!(
        (fs::read_to_string(&kept).expect("kept"), kept.metadata().expect("kept").uid()),
        ("credentials".into(), 0)
    );
}

#[test]
#[ignore = "the other process of the test above"]
fn acts_for_the_caller() {
    let root = std::env::var_os(ROOT).expect("set by the test above");
    let (host, copy) = (stand_in(Path::new(&root)), Path::new(COPY));
    // Not a number of attempts: while the link is in place all fail at once, and a busy machine may leave it there for long.
    let (mut written, ends) = (0, Instant::now() + PATIENCE);
    while written < 100 {
        assert!(Instant::now() < ends, "written {written} times, so this shows nothing");
        let _ = host.make_directory_of_caller(Path::new("/home/.kube"));
        let Ok(()) = host.write_of_caller(copy, b"credentials") else { continue };
        written += 1;
        let _ = host.remove_of_caller(copy, &manifest::sha256_hex(b"credentials"));
    }
}

/// Without anybody who swaps: what root makes for the caller is the caller's.
#[test]
fn what_root_makes_for_the_caller_of_sudo_is_the_callers() {
    if skips_without_root("caller") {
        return;
    }
    let temp = tempfile::tempdir().expect("a directory");
    fs::create_dir(temp.path().join("home")).expect("made");
    chown(temp.path().join("home"), Some(CALLER), Some(CALLER)).expect("given away");
    let status = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "host::caller::writes_once", "--ignored"])
        .env(ROOT, temp.path())
        .env("SUDO_UID", CALLER.to_string())
        .env("SUDO_GID", CALLER.to_string())
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("started").success());
    for path in ["home/.kube", "home/.kube/k3s.yaml"] {
        let found = temp.path().join(path).metadata().expect(path);
        assert_eq!((found.uid(), found.gid()), (CALLER, CALLER), "{path}");
    }
    // Another user's directory is not the caller's to write to, root or not.
    let refused = stand_in(temp.path()).write_of_caller(Path::new(COPY), b"x").expect_err("not root's");
    assert!(matches!(refused, FileError::OfCaller(DiskError::Foreign { .. })), "{refused:?}");
}

#[test]
#[ignore = "the other process of the test above"]
fn writes_once() {
    let root = std::env::var_os(ROOT).expect("set by the test above");
    let host = stand_in(Path::new(&root));
    host.make_directory_of_caller(Path::new("/home/.kube")).expect("made");
    host.write_of_caller(Path::new(COPY), b"credentials").expect("written");
}
