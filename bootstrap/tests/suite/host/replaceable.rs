//! Places that another user could replace: root neither writes nor removes anything there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use crate::support::skips_without_root;
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
