#![expect(clippy::disallowed_methods, reason = "mounting takes a program, and is no business of the seam")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;
use crate::support::{skip, skips_without_root};

const PATH: &str = "/etc/thing";

fn postures(stub: &StubHost) -> [Host; 2] {
    if !stub.path("stub/bin/sudo").exists() {
        symlink("../optional/sudo", stub.path("stub/bin/sudo")).expect("link");
    }
    [stub.host_as(RootAccess::Root), stub.host_as(RootAccess::Sudo)]
}

/// Those that this process can take: what sudo writes is given to root, which takes root.
fn possible_postures(stub: &StubHost) -> Vec<Host> {
    let mut hosts: Vec<Host> = postures(stub).into();
    if skips_without_root("files by sudo") {
        hosts.retain(|host| host.root_access() == RootAccess::Root);
    }
    hosts
}

#[test]
fn files_are_written_the_same_way_with_and_without_sudo() {
    let stub = StubHost::fresh();
    for host in possible_postures(&stub) {
        let path = Path::new(PATH);
        assert_eq!(host.read(path).expect("readable"), None);
        assert_eq!(host.write(path, "one\n", Some(0o640)).expect("written"), Written::Created);
        assert_eq!(host.write(path, "one\n", Some(0o640)).expect("written"), Written::Unchanged);
        assert_eq!(host.write(path, "two\n", None).expect("written"), Written::Replaced);
        assert_eq!(host.read_text(path).expect("readable").as_deref(), Some("two\n"));
        assert_eq!(host.mode(path).expect("there"), Some(0o640), "the mode of the file replaced is kept");
        assert_eq!(host.write(path, "two\n", Some(0o600)).expect("written"), Written::Replaced);
        assert_eq!(host.mode(path).expect("there"), Some(0o600));
        host.remove_file(path).expect("removed");
        host.remove_file(path).expect("is gone already");
        assert!(!host.exists(path).expect("looked"));

        let folder = Path::new("/srv/deep/er");
        let made = host.ensure_dir(folder, 0o750).expect("made");
        assert_eq!(made, ["/srv", "/srv/deep", "/srv/deep/er"].map(PathBuf::from));
        assert!(host.ensure_dir(folder, 0o700).expect("there").is_empty());
        assert_eq!(host.mode(folder).expect("there"), Some(0o750));
        assert!(!host.remove_empty_dir(Path::new("/srv")).expect("is not empty"));
        for folder in ["/srv/deep/er", "/srv/deep", "/srv"] {
            assert!(host.remove_empty_dir(Path::new(folder)).expect("is empty"));
        }
        let leftovers = fs::read_dir(stub.path("etc")).expect("etc").count();
        assert_eq!(leftovers, 3, "hosts, machine-id and systemd, and nothing of ours");
    }
    assert!(!stub.text("stub/calls").contains("two"), "content is not an argument");
}

#[test]
fn the_owner_of_a_replaced_file_is_kept() {
    if skips_without_root("the owner of a replaced file") {
        return;
    }
    let stub = StubHost::fresh();
    for host in postures(&stub) {
        stub.put(PATH, "old");
        std::os::unix::fs::chown(stub.path(PATH), Some(1234), Some(4321)).expect("owner");
        host.write(Path::new(PATH), "new", None).expect("written");
        let found = stub.path(PATH).metadata().expect("there");
        assert_eq!((found.uid(), found.gid()), (1234, 4321));
    }
}

#[test]
fn programs_are_installed_whole() {
    let stub = StubHost::fresh();
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    stub.put("staging/program", &bytes);
    for host in possible_postures(&stub) {
        host.install(&stub.path("staging/program"), Path::new(PATH), 0o755).expect("installed");
        assert_eq!(host.read(Path::new(PATH)).expect("readable"), Some(bytes.clone()));
        assert_eq!(stub.path(PATH).metadata().expect("there").permissions().mode() & 0o7777, 0o755);
    }
}

#[test]
fn links_and_folders_in_the_way_are_refused_and_left_alone() {
    let stub = StubHost::fresh();
    stub.put("etc/real", "real");
    symlink("real", stub.path(PATH)).expect("link");
    for host in postures(&stub) {
        let error = host.write(Path::new(PATH), "x", None).expect_err("is a link");
        assert!(matches!(error, FileError::Symlink { .. }));
        let error = host.write(Path::new("/etc/systemd"), "x", None).expect_err("is a folder");
        assert!(matches!(error, FileError::Kind { .. }));
    }
    assert_eq!(stub.text("etc/real"), "real");
}

#[test]
fn text_that_could_not_be_written_back_is_not_read() {
    let stub = StubHost::fresh();
    stub.put(PATH, b"caf\xe9\n");
    assert!(stub.host().read_text(Path::new(PATH)).is_err());
}

/// A real bind mount needs root and its own mount namespace.
#[test]
fn a_file_that_something_is_mounted_on_is_written_in_place() {
    let stub = StubHost::fresh();
    stub.put(PATH, "old and longer\n");
    stub.put("etc/source", "old and longer\n");
    let (source, target) = (stub.path("etc/source"), stub.path(PATH));
    let mount = std::process::Command::new("mount").arg("--bind").args([&source, &target]).output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        return skip("a file that something is mounted on", "nothing can be mounted here");
    }
    let written: Vec<_> = postures(&stub)
        .iter()
        .zip([("by root\n", 0o600), ("sudo\n", 0o640)])
        .map(|(host, (text, mode))| {
            let how = host.write(Path::new(PATH), text, Some(mode));
            (
                how,
                fs::read_to_string(&source),
                fs::metadata(&source).expect("there").permissions().mode(),
                mode,
            )
        })
        .collect();
    let unmounted = std::process::Command::new("umount").arg(&target).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    for ((how, found, found_mode, mode), text) in written.into_iter().zip(["by root\n", "sudo\n"]) {
        assert_eq!(how.expect("written"), Written::InPlace);
        assert_eq!(found_mode & 0o777, mode);
        assert_eq!(found.expect("readable"), text);
    }
    assert_eq!(fs::read_dir(stub.path("etc")).expect("etc").count(), 5, "nothing of ours stays behind");
}

/// A mv that fails for another reason than a mount is a failure: writing in place would follow a link that came meanwhile.
#[test]
fn a_failure_to_move_a_file_into_its_place_is_no_reason_to_write_in_place() {
    let stub = StubHost::fresh();
    stub.put(PATH, "old");
    stub.put("stub/bin/mv", "#!/bin/sh\necho 'mv: no' >&2\nexit 1\n");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(stub.path("stub/bin/mv"), mode).expect("mode");
    let hosts = postures(&stub);
    let host = hosts.iter().find(|host| host.root_access() == RootAccess::Sudo).expect("one of sudo");
    let error = host.write(Path::new(PATH), "new", None).expect_err("not moved");
    assert!(error.to_string().contains("mv "), "{error}");
    assert_eq!(stub.text(PATH), "old");
    let left = stub.path(PATH).with_file_name(".thing.productive-k3s-new");
    assert!(!left.exists(), "nothing of ours stays behind");
}

/// A host of a sudo user on which something is mounted on the file, and a chmod that first keeps what is in it.
fn in_place(chmod: &str) -> (StubHost, Host) {
    let stub = StubHost::fresh();
    let chmod = format!("#!/bin/sh\ncat \"$3\" >>{}\n{chmod}\n", stub.path("stub/seen").display());
    for (program, script) in [
        ("mv", "#!/bin/sh\necho 'mv: Device or resource busy' >&2\nexit 1\n"),
        ("mountpoint", "#!/bin/sh\nexit 0\n"),
        ("chmod", chmod.as_str()),
    ] {
        stub.put(&format!("stub/bin/{program}"), script);
        stub.set_mode(&format!("stub/bin/{program}"), 0o755);
    }
    let [_, host] = postures(&stub);
    (stub, host)
}

#[test]
fn what_is_written_in_place_needs_no_chmod_for_the_mode_that_it_has_and_leaves_nothing_without_one() {
    if skips_without_root("files by sudo") {
        return;
    }
    let (stub, host) = in_place("echo 'chmod: Operation not permitted' >&2\nexit 1");
    stub.put(PATH, "old");
    stub.set_mode(PATH, 0o640);
    assert_eq!(host.write(Path::new(PATH), "new", Some(0o640)).expect("written"), Written::InPlace);
    let error = host.write(Path::new(PATH), "other", Some(0o600)).expect_err("no chmod");
    assert!(error.to_string().contains("chmod"), "{error}");
    assert_eq!(stub.text(PATH), "new");
    assert!(!stub.path("etc/.thing.productive-k3s-new").exists(), "nothing of ours stays behind");
}

/// A password comes into a file that only root can read, and is gone from it before others can.
#[test]
fn a_file_that_is_written_in_place_is_as_closed_as_the_more_secret_of_its_contents() {
    if skips_without_root("files by sudo") {
        return;
    }
    let (stub, host) = in_place("exec /bin/chmod \"$@\"");
    for (before, after, seen) in [(0o644, 0o600, "old"), (0o600, 0o644, "new"), (0o640, 0o604, "oldnew")] {
        stub.put(PATH, "old");
        stub.put("stub/seen", "");
        stub.set_mode(PATH, before);
        assert_eq!(host.write(Path::new(PATH), "new", Some(after)).expect("written"), Written::InPlace);
        assert_eq!((stub.text(PATH).as_str(), stub.mode(PATH)), ("new", after));
        assert_eq!(stub.text("stub/seen"), seen, "{before:o} to {after:o}");
    }
}
