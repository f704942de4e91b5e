//! Places that another user could replace: root neither writes nor removes anything there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use crate::support::skips_without_root;
use crate::support::stub_host::StubHost;
use bootstrap::host::{FileError, Host, RootAccess, RunLog};

const MALLORY: u32 = 61_002;

/// Passes if every change below `path` is refused, and nothing has changed.
#[track_caller]
fn refused(host: &Host, path: &str) {
    let inner = Path::new(path).join("inner");
    let outcomes = [
        host.ensure_dir(&inner.join("a"), 0o755).map(drop),
        host.write(&inner.join("file"), "x", None).map(drop),
        host.remove_empty_dir(&inner).map(drop),
    ];
    for (index, outcome) in outcomes.into_iter().enumerate() {
        assert!(matches!(outcome, Err(FileError::Replaceable(_))), "{path} {index}: {outcome:?}");
    }
    assert!(host.at(&inner).is_dir() && fs::read_dir(host.at(&inner)).expect("listed").next().is_none());
}

/// Where the test that is repeated as another user finds its scene.
const SCENE: &str = "REPLACEABLE_SCENE";

/// A user of sudo sees less than root: what another user has closed cannot be looked into, and is changed by that user at any
/// time.
#[expect(clippy::disallowed_methods, reason = "it starts this test, nothing of ours")]
#[test]
fn a_user_of_sudo_changes_nothing_in_what_another_user_has_closed() {
    const NAME: &str = "host::replaceable::a_user_of_sudo_changes_nothing_in_what_another_user_has_closed";
    if let Some(scene) = std::env::var_os(SCENE) {
        let host = Host::stand_in(Path::new(&scene), Vec::new(), RootAccess::Sudo, RunLog::discard());
        for path in ["/theirs/share/k8s", "/of-a-group/share/k8s", "/theirs/k8s"] {
            let outcome = host.ensure_dir(Path::new(path), 0o755);
            assert!(matches!(outcome, Err(FileError::Replaceable(_))), "{path}: {outcome:?}");
        }
        // What root has closed to everybody is nobody's to change: sudo is what fails here, for there is none.
        let outcome = host.ensure_dir(Path::new("/roots/share/k8s"), 0o755);
        assert!(matches!(outcome, Err(FileError::Command(_))), "{outcome:?}");
        return;
    }
    if skips_without_root("replaceable") {
        return;
    }
    let temp = tempfile::tempdir().expect("a directory");
    fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    for (name, owner, mode) in
        [("theirs", (MALLORY, MALLORY), 0o700), ("of-a-group", (0, MALLORY), 0o750), ("roots", (0, 0), 0o700)]
    {
        let path = temp.path().join(name);
        fs::create_dir_all(path.join("share")).expect("made");
        chown(&path, Some(owner.0), Some(owner.1)).expect("given away");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
    let this = std::env::current_exe().expect("this program");
    let mut again = std::process::Command::new("setpriv");
    again.args(["--reuid=61000", "--regid=61000", "--clear-groups", "--"]).arg(this);
    let output = again.args(["--exact", NAME]).env(SCENE, temp.path()).output().expect("util-linux is here");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

/// Between the look at a place and the change another user may be quicker, where everybody may make something: sudo must not
/// be content with what it finds then, and above all follow no link.
#[test]
fn a_directory_that_sudo_makes_is_new() {
    let stub = StubHost::fresh();
    stub.put("etc/closed/file", "");
    fs::set_permissions(stub.path("etc/closed"), fs::Permissions::from_mode(0o700)).expect("a mode");
    super::program(
        &stub,
        "sudo",
        r#"stub=${0%/bin/*}; ln -s "$stub/../etc/closed" "$stub/../var/tmp/k8s"; shift; shift; exec "$@""#,
    );
    let host = stub.host_as(RootAccess::Sudo);
    let outcome = host.ensure_dir(Path::new("/var/tmp/k8s"), 0o755);
    assert!(matches!(outcome, Err(FileError::Command(_))), "{outcome:?}");
    let mode = fs::metadata(stub.path("etc/closed")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "what the link leads to is as it was");
}

#[test]
fn root_changes_nothing_where_another_user_could_replace_it() {
    if skips_without_root("replaceable") {
        return;
    }
    let temp = tempfile::tempdir().expect("a directory");
    let host = Host::stand_in(temp.path(), Vec::new(), RootAccess::Root, RunLog::discard());
    for name in ["theirs/inner", "roots/inner", "open/inner"] {
        fs::create_dir_all(temp.path().join(name)).expect("made");
    }
    chown(temp.path().join("theirs"), Some(MALLORY), Some(MALLORY)).expect("given away");
    fs::set_permissions(temp.path().join("open"), fs::Permissions::from_mode(0o777)).expect("a mode");
    refused(&host, "/theirs");
    refused(&host, "/open");
    // What their link leads to is root's, until they let it lead elsewhere.
    symlink("../roots", temp.path().join("theirs/link")).expect("a link");
    refused(&host, "/theirs/link");
    host.ensure_dir(Path::new("/roots/inner/a"), 0o755).expect("nobody else can replace it");
    assert!(host.remove_empty_dir(Path::new("/roots/inner/a")).expect("removed"));
}
