//! Root by sudo: got, kept, given up; and the lock that only root can take.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use bootstrap::host::{Command, HostLockError, RootAccess, STAGING};
use manifest::{LockHolder, ManifestError};
use schema::{Id, UtcSeconds};

use super::{check_repeated, program, tools};
use crate::support::RUN;
use crate::support::stub_host::StubHost;

const LOCK: &str = "run/productive-k3s/host.lock";

/// A host with sudo, on which a password is wanted where `files` say so, see the stand-in.
fn with_sudo(files: &[&str]) -> StubHost {
    let stub = StubHost::fresh();
    symlink("../optional/sudo", stub.path("stub/bin/sudo")).expect("link");
    fs::create_dir(stub.path("stub/sudo")).expect("a directory");
    fs::create_dir(stub.path("run")).expect("a directory");
    for file in files {
        stub.put(&format!("stub/sudo/{file}"), "");
    }
    stub
}

fn holder(id: &str) -> LockHolder {
    LockHolder::this_process(
        Id::parse(id).expect("an id"),
        UtcSeconds::parse("2026-11-25T10:00:00Z").expect("a time"),
    )
}

/// Repeats the test `name` as a user who is not root, and says true, where this process is root: to root nothing is closed.
#[expect(clippy::disallowed_methods, reason = "it starts this test, nothing of ours")]
fn repeated_as_an_ordinary_user(name: &str) -> bool {
    let this = std::env::current_exe().expect("this program");
    if !rustix::process::geteuid().is_root() {
        return false;
    }
    let options = ["--reuid=61000", "--regid=61000", "--clear-groups", "--"];
    let mut again = std::process::Command::new("setpriv");
    again.args(options).arg(this).args(["--exact", name]);
    check_repeated(again);
    true
}

fn sudo_calls(stub: &StubHost) -> Vec<String> {
    stub.calls().into_iter().filter(|call| call.starts_with("sudo")).collect()
}

#[test]
fn sudo_asks_only_where_it_does_not_agree_without() {
    // As the first user of many cloud images: no password, and `sudo -v` asks for one all the same.
    let stub = with_sudo(&["verify-asks", "operator"]);
    let mut host = stub.host_as(RootAccess::Plain);
    host.acquire_root(true).expect("sudo agrees");
    assert!(!sudo_calls(&stub).iter().any(|call| call.contains("[-v]")), "{:?}", sudo_calls(&stub));
    drop(host);
    assert!(
        !sudo_calls(&stub).iter().any(|call| call.contains("[-k]")),
        "nothing was asked, nothing is forgotten"
    );
}

#[test]
fn a_password_that_was_asked_for_is_forgotten_at_the_end() {
    let stub = with_sudo(&["password", "operator"]);
    let mut host = stub.host_as(RootAccess::Plain);
    host.acquire_root(true).expect("the operator types it");
    assert!(stub.path("stub/sudo/stamp").exists());
    drop(host);
    assert!(!stub.path("stub/sudo/stamp").exists(), "{:?}", sudo_calls(&stub));
}

#[test]
fn a_password_that_sudo_knew_before_stays_known() {
    let stub = with_sudo(&["password", "stamp"]);
    let mut host = stub.host_as(RootAccess::Plain);
    host.acquire_root(false).expect("sudo remembers");
    drop(host);
    assert!(stub.path("stub/sudo/stamp").exists());
}

#[test]
fn without_an_answer_there_is_no_root() {
    for (files, may_prompt) in [(&["password", "operator"][..], false), (&["password"], true)] {
        let stub = with_sudo(files);
        let mut host = stub.host_as(RootAccess::Plain);
        let error = host.acquire_root(may_prompt).expect_err("refused");
        assert!(error.tail().iter().any(|line| line.contains("a password is required")), "{error:?}");
        assert_eq!(host.root_access(), RootAccess::Plain);
    }
}

#[test]
fn sudo_is_asked_again_before_a_command_and_during_a_long_one() {
    let stub = with_sudo(&["password", "stamp"]);
    let mut host = stub.host_as(RootAccess::Plain).with_sudo_refresh(Duration::from_millis(100));
    host.acquire_root(false).expect("sudo remembers");
    // It ends once sudo was asked while it ran, so that no clock decides.
    program(
        &stub,
        "long",
        r#"stub=${0%/bin/*}; : > "$stub/begun"
        before=$(grep -c '^sudo \[-n\] \[true\]' "$stub/calls")
        while [ "$(grep -c '^sudo \[-n\] \[true\]' "$stub/calls")" -lt $((before + 2)) ]; do sleep 0.05; done"#,
    );
    host.run(&Command::new("long")).expect("root is kept though the command is not for root");
    std::thread::sleep(Duration::from_millis(150));
    stub.forget_calls();
    host.run(&Command::new("true").as_root()).expect("runs");
    assert!(sudo_calls(&stub)[0].ends_with("[-n] [true]"), "{:?}", sudo_calls(&stub));
}

#[test]
fn a_password_that_ran_out_is_asked_for_where_somebody_is_there() {
    let stub = with_sudo(&["password", "operator"]);
    let mut host = stub.host_as(RootAccess::Plain).with_sudo_refresh(Duration::ZERO);
    host.acquire_root(true).expect("the operator types it");
    fs::remove_file(stub.path("stub/sudo/stamp")).expect("it runs out");
    host.run(&Command::new("true").as_root()).expect("asked again");
    fs::remove_file(stub.path("stub/sudo/stamp")).expect("it runs out");
    fs::remove_file(stub.path("stub/sudo/operator")).expect("nobody is there");
    let error = host.run(&Command::new("true").as_root()).expect_err("refused");
    assert!(error.tail()[0].contains("a password is required"), "{error:?}");
}

#[test]
fn what_only_root_can_see_is_seen_by_a_user_of_sudo() {
    if repeated_as_an_ordinary_user("host::root::what_only_root_can_see_is_seen_by_a_user_of_sudo") {
        return;
    }
    let stub = StubHost::fresh();
    tools(&stub, ["stat", "find"]);
    stub.put("etc/closed/file", "text\n");
    // A stand-in for sudo cannot become another user: it opens what is closed to this one, and closes it again.
    program(
        &stub,
        "sudo",
        r#"stub=${0%/bin/*}; chmod 0700 "$stub/../etc/closed"; shift
        [ "$1" = -- ] && shift; "$@"; code=$?; chmod 0000 "$stub/../etc/closed"; exit $code"#,
    );
    fs::set_permissions(stub.path("etc/closed"), fs::Permissions::from_mode(0o000)).expect("closed");
    let mut host = stub.host_as(RootAccess::Plain);
    let (dir, file) = (Path::new("/etc/closed"), Path::new("/etc/closed/file"));
    host.read(file).expect_err("closed");
    host.acquire_root(false).expect("sudo agrees");
    assert_eq!(host.read_text(file).expect("seen").as_deref(), Some("text\n"));
    assert!(host.file_status(file).expect("seen").expect("there").is_file());
    assert_eq!(host.read(&dir.join("other")).expect("seen"), None);
    assert_eq!(host.list(dir).expect("seen"), ["file"]);
}

#[test]
fn a_user_of_sudo_stages_as_root_does() {
    for access in [RootAccess::Root, RootAccess::Sudo] {
        let stub = with_sudo(&[]);
        tools(&stub, ["stat", "find"]);
        stub.put(&format!("{STAGING}/older/install.sh"), "planted");
        let host = stub.host_as(access);
        let dir = host.staging(RUN);
        let file = dir.join("k3s");
        host.create_staging(&dir).expect("made");
        assert!(!stub.path(STAGING).join("older").exists(), "{access:?}");
        assert_eq!(host.sha256_of_staged(&file).expect("told"), None);
        let mut scratch = host.scratch().expect("there is room");
        scratch.fill(&mut "checked".as_bytes()).expect("there is room");
        host.stage(&mut scratch, &file).expect("staged");
        assert_eq!(host.read_staged(&file).expect("text"), "checked");
        assert_eq!(host.sha256_of_staged(&file).expect("told"), Some(manifest::sha256_hex(b"checked")));
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o7777;
        assert_eq!([&dir, &file].map(|path| mode(path)), [0o700, 0o600], "{access:?}");
        host.clear_staging().expect("removed");
        assert!(!stub.path(STAGING).exists(), "{access:?}");
        assert_eq!(sudo_calls(&stub).is_empty(), access == RootAccess::Root);
    }
}

#[test]
fn one_process_changes_the_host_whoever_it_is() {
    for (first_as, second_as) in [
        (RootAccess::Root, RootAccess::Root),
        (RootAccess::Root, RootAccess::Sudo),
        (RootAccess::Sudo, RootAccess::Root),
        (RootAccess::Sudo, RootAccess::Sudo),
    ] {
        let stub = with_sudo(&[]);
        tools(&stub, ["flock", "tee"]);
        let (first, second) = (stub.host_as(first_as), stub.host_as(second_as));
        let lock = first.lock(&holder("aaaaaaaaaaaaaaaa")).expect("free");
        let error = second.lock(&holder("bbbbbbbbbbbbbbbb")).expect_err("held");
        let HostLockError::Lock(ManifestError::Held { path, holder: Some(named) }) = &error else {
            panic!("{first_as:?}, {second_as:?}: {error:?}")
        };
        assert_eq!((path, named), (&stub.path(LOCK), &holder("aaaaaaaaaaaaaaaa")));
        let mode = |path: &str| fs::metadata(stub.path(path)).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode("run/productive-k3s"), 0o700, "nobody else can open the lock");
        drop(lock);
        // A child of another test that was started meanwhile may hold a copy of the descriptor for a moment.
        let limit = Instant::now() + Duration::from_mins(2);
        loop {
            match second.lock(&holder("bbbbbbbbbbbbbbbb")) {
                Err(HostLockError::Lock(ManifestError::Held { .. })) if Instant::now() < limit => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                free => break drop(free.expect("the lock was given up")),
            }
        }
    }
}

#[test]
fn a_lock_directory_that_others_may_use_is_refused() {
    for (mode, problem) in [(0o755, "others can enter it"), (0o777, "others can write to it")] {
        let stub = with_sudo(&[]);
        fs::create_dir(stub.path("run/productive-k3s")).expect("made");
        fs::set_permissions(stub.path("run/productive-k3s"), fs::Permissions::from_mode(mode))
            .expect("a mode");
        let error = stub.host().lock(&holder("aaaaaaaaaaaaaaaa")).expect_err("refused");
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(cause.contains(problem), "{cause}");
    }
    let stub = with_sudo(&[]);
    symlink(stub.path("etc"), stub.path("run/productive-k3s")).expect("a link");
    stub.host().lock(&holder("aaaaaaaaaaaaaaaa")).expect_err("a link");
}
