//! Files, folders and lines: taken back where they are the run's, left where they are not.

use manifest::{FormerMode, PreviousFile};

use super::*;
use crate::support::make_fifo;

const CERTIFICATE: &str = "/etc/docker/certs.d/registry.example.local/ca.crt";
const REGISTRIES: &str = "/etc/rancher/k3s/registries.yaml";
const LINE: &str = "/srv/nfs/k8s-share 192.168.0.0/24(rw,sync)";

fn file(path: &str, content: &str, previous: PreviousFile) -> Undo {
    Undo::file(Path::new(path), content.as_bytes(), previous)
}

fn trust() -> PrivateContext {
    record_of([
        (
            Component::DockerRegistryTrust,
            Undo::Directory { path: "/etc/docker/certs.d/registry.example.local".into() },
        ),
        (Component::DockerRegistryTrust, file(CERTIFICATE, "ours\n", PreviousFile::Absent)),
    ])
}

fn block(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    bootstrap::step::lines::block("productive-k3s", &lines)
}

fn hosts(previous: Option<String>) -> PrivateContext {
    let sha256 = manifest::sha256_hex(block(&["127.0.0.1 ours"]).as_bytes());
    let (path, marker) = ("/etc/hosts".into(), "productive-k3s".to_owned());
    let undo = Undo::LineBlock { path, marker, sha256, previous, former_mode: None };
    record_of([(Component::LocalHosts, undo)])
}

fn export() -> PrivateContext {
    record_of([(Component::Nfs, Undo::Line { path: "/etc/exports".into(), line: LINE.to_owned() })])
}

fn with_exportfs() -> StubHost {
    let stub = StubHost::fresh();
    std::os::unix::fs::symlink("../optional/exportfs", stub.path("stub/bin/exportfs")).expect("link");
    stub
}

#[test]
fn a_certificate_goes_and_its_folder_with_it() {
    let stub = StubHost::fresh();
    stub.put("etc/docker/certs.d/other.example.local/ca.crt", "foreign\n");
    let before = tree(&stub);
    stub.put(CERTIFICATE, "ours\n");
    let (plan, results) = roll_back(&stub, &trust());
    assert!(plan.items.iter().all(|item| item.state == ItemState::Ready), "{:#?}", plan.items);
    assert!(results.values().all(|result| *result == UndoResult::Undone), "{results:?}");
    unchanged(&stub, &before);
}

#[test]
fn a_foreign_certificate_beside_ours_keeps_the_folder() {
    let stub = StubHost::fresh();
    let foreign = "etc/docker/certs.d/registry.example.local/client.crt";
    stub.put(foreign, "foreign\n");
    let before = tree(&stub);
    stub.put(CERTIFICATE, "ours\n");
    let (plan, results) = roll_back(&stub, &trust());
    assert_eq!(results.len(), 1);
    let folder = plan.in_state(ItemState::Manual).next().expect("the folder");
    assert!(folder.reason.to_string().contains("client.crt"), "{}", folder.reason);
    unchanged(&stub, &before);
}

#[test]
fn a_file_that_was_changed_is_left() {
    let stub = StubHost::fresh();
    for other in ["foreign\n", ""] {
        stub.put(CERTIFICATE, other);
        let before = tree(&stub);
        let (plan, results) = roll_back(&stub, &trust());
        assert!(results.is_empty(), "{:#?}", plan.items);
        unchanged(&stub, &before);
    }
}

#[test]
fn a_link_in_the_place_of_a_file_is_left() {
    let stub = StubHost::fresh();
    stub.put("etc/docker/certs.d/registry.example.local/target", "ours\n");
    std::os::unix::fs::symlink("target", stub.path(CERTIFICATE)).expect("link");
    let (_, results) = roll_back(&stub, &trust());
    assert!(results.is_empty());
    assert!(stub.path(CERTIFICATE).is_symlink());
}

#[test]
fn a_former_file_comes_back_with_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let stub = StubHost::fresh();
    stub.put(CERTIFICATE, "ours\n");
    let former = PreviousFile::of(b"former\n", 0o640);
    let context = record_of([(Component::DockerRegistryTrust, file(CERTIFICATE, "ours\n", former))]);
    roll_back(&stub, &context);
    assert_eq!(stub.text(CERTIFICATE), "former\n");
    let mode = stub.path(CERTIFICATE).metadata().expect("file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(only(&planned(&stub, &context, Include::Safe)).state, ItemState::Gone);
}

#[test]
fn a_former_file_that_was_not_kept_is_left_to_the_operator() {
    let stub = StubHost::fresh();
    stub.put(CERTIFICATE, "ours\n");
    let former = PreviousFile::NotKept { sha256: manifest::sha256_hex(b"former\n") };
    let context = record_of([(Component::DockerRegistryTrust, file(CERTIFICATE, "ours\n", former))]);
    assert_eq!(only(&planned(&stub, &context, Include::Safe)).state, ItemState::Manual);
    roll_back(&stub, &context);
    assert_eq!(stub.text(CERTIFICATE), "ours\n");
}

#[test]
fn the_hosts_block_goes_and_other_entries_stay_to_the_byte() {
    let stub = StubHost::fresh();
    let (above, below) = ("127.0.0.1\tlocalhost # mine\n\n", "10.0.0.9 printer");
    stub.put("etc/hosts", format!("{above}{}{below}", block(&["127.0.0.1 ours"])));
    roll_back(&stub, &hosts(None));
    assert_eq!(stub.text("etc/hosts"), format!("{above}{below}"));
}

#[test]
fn a_former_hosts_block_comes_back() {
    let stub = StubHost::fresh();
    let former = block(&["127.0.0.1 former"]);
    stub.put("etc/hosts", format!("a\n{}b\n", block(&["127.0.0.1 ours"])));
    roll_back(&stub, &hosts(Some(former.clone())));
    assert_eq!(stub.text("etc/hosts"), format!("a\n{former}b\n"));
}

/// Somebody else may have put back what was there before, and so may a later run, whose rollback brings back what this one
/// did.
#[test]
fn what_is_as_before_is_undone_once_it_is_back() {
    let stub = StubHost::fresh();
    let (theirs, former, ours) = ("a\n", block(&["127.0.0.1 former"]), block(&["127.0.0.1 ours"]));
    stub.put("etc/hosts", format!("{theirs}{former}"));
    let mut disk = Disk::roomy(&hosts(Some(former.clone())));
    let (plan, results) = roll_back_on(&stub, &mut disk, Include::Moderate);
    assert_eq!((only(&plan).state, results.len()), (ItemState::Gone, 0));
    stub.put("etc/hosts", format!("{theirs}{ours}"));
    let (_, results) = roll_back_on(&stub, &mut disk, Include::Moderate);
    assert_eq!(results.get(&1), Some(&UndoResult::Undone));
    assert_eq!(stub.text("etc/hosts"), format!("{theirs}{former}"));
}

#[test]
fn a_changed_hosts_block_is_left() {
    let stub = StubHost::fresh();
    let text = format!("a\n{}", block(&["127.0.0.1 ours", "10.0.0.9 printer"]));
    stub.put("etc/hosts", &text);
    let (plan, _) = roll_back(&stub, &hosts(None));
    assert_eq!(only(&plan).state, ItemState::Manual);
    assert_eq!(stub.text("etc/hosts"), text);
}

/// What was added to a closed file may be a secret, and a mode that somebody chose since is theirs.
#[test]
fn a_file_that_was_closed_for_a_password_is_opened_only_as_it_was() {
    let (theirs, ours) = ("mirrors: {}\n", block(&["configs:"]));
    let former = FormerMode { mode: 0o644, rest_sha256: manifest::sha256_hex(theirs.as_bytes()) };
    let undo = Undo::LineBlock {
        path: REGISTRIES.into(),
        marker: "productive-k3s".to_owned(),
        sha256: manifest::sha256_hex(ours.as_bytes()),
        previous: None,
        former_mode: Some(former),
    };
    let context = record_of([(Component::Registry, undo)]);
    for (added, mode, after) in [("", 0o600, 0o644), ("# a password\n", 0o600, 0o600), ("", 0o640, 0o640)] {
        let stub = StubHost::fresh();
        stub.put(REGISTRIES, format!("{theirs}{ours}{added}"));
        stub.set_mode(REGISTRIES, mode);
        let (_, results) = roll_back(&stub, &context);
        assert_eq!(results[&1], UndoResult::Undone);
        assert_eq!(stub.text(REGISTRIES), format!("{theirs}{added}"));
        assert_eq!(stub.mode(REGISTRIES), after, "{added:?} {mode:o}");
    }
}

#[test]
fn the_export_line_goes_and_the_kernel_is_told() {
    let stub = with_exportfs();
    let (above, below) = ("# mine\n/srv/nfs/k8s-share 10.0.0.5(ro)\n", "/other *(ro)");
    stub.put("etc/exports", format!("{above}{LINE}\n{below}"));
    stub.put("var/lib/nfs/etab", format!("{above}{LINE}\n{below}"));
    let safe = planned(&stub, &export(), Include::Safe);
    assert_eq!(only(&safe).state, ItemState::Excluded, "an export is moderate");
    let (_, results) = roll_back(&stub, &export());
    assert_eq!(results[&1], UndoResult::Undone);
    assert_eq!(stub.text("etc/exports"), format!("{above}{below}"));
    assert_eq!(stub.text("var/lib/nfs/etab"), format!("{above}{below}\n"));
}

#[test]
fn an_export_line_with_another_client_on_it_is_left() {
    let stub = with_exportfs();
    let text = format!("{LINE} 10.0.0.5(ro)\n");
    stub.put("etc/exports", &text);
    let (plan, _) = roll_back(&stub, &export());
    assert_eq!(only(&plan).state, ItemState::Manual);
    assert_eq!(stub.text("etc/exports"), text);
}

#[test]
fn a_kernel_that_was_not_told_is_told_by_the_next_rollback() {
    let stub = with_exportfs();
    stub.put("etc/exports", "");
    stub.put("var/lib/nfs/etab", format!("{LINE}\n"));
    let mut context = export();
    context.begin_undo(1, at(50));
    let (_, results) = roll_back(&stub, &context);
    assert_eq!(results[&1], UndoResult::Undone);
    assert_eq!(stub.text("var/lib/nfs/etab"), "");
}

#[test]
fn a_data_folder_with_content_is_left() {
    let stub = StubHost::fresh();
    stub.put("data/disk.cfg", "precious");
    let context = record_of([(Component::Longhorn, Undo::Directory { path: "/data".into() })]);
    let (plan, _) = roll_back(&stub, &context);
    assert_eq!(only(&plan).state, ItemState::Manual);
    assert_eq!(stub.text("data/disk.cfg"), "precious");
}

/// The caller can put anything into a directory of the caller's: a FIFO must not hold root.
#[test]
fn what_the_caller_has_put_in_the_place_of_the_copy_holds_nobody() {
    let stub = StubHost::fresh();
    let path = "/home/caller/.kube/k3s.yaml";
    std::fs::create_dir_all(stub.path("home/caller/.kube")).expect("made");
    make_fifo(&stub.path(path));
    let context = record_of([(Component::K3s, file(path, "ours\n", PreviousFile::Absent))]);
    let plan = planned(&stub, &context, Include::Moderate);
    assert_eq!(only(&plan).state, ItemState::Manual, "{plan:#?}");
    assert!(only(&plan).reason.to_string().contains("is not a regular file"), "{plan:#?}");
}

/// Between the plan that somebody agreed to and the work more may have become possible.
#[test]
fn what_nobody_agreed_to_is_left() {
    let stub = StubHost::fresh();
    stub.put(CERTIFICATE, "ours\n");
    let context = trust();
    let found = observe_all(&stub.host(), &context);
    let agreed = [context.steps[1].seq].into();
    let plan = bootstrap::rollback::plan_agreed(&context, &found, Include::Moderate, &agreed);
    let states: Vec<_> = plan.items.iter().map(|item| item.state).collect();
    assert_eq!(states, [ItemState::Ready, ItemState::Manual], "{plan:#?}");
    assert!(plan.items[1].reason.is_not_agreed());
    // What stays for another reason says so, and is not what nobody agreed to.
    let context = record_of([
        (Component::DockerRegistryTrust, file(CERTIFICATE, "ours\n", PreviousFile::Absent)),
        (Component::Nfs, Undo::Directory { path: "/srv/nfs/k8s-share".into() }),
    ]);
    stub.put("srv/nfs/k8s-share/.keep", "");
    std::fs::remove_file(stub.path("srv/nfs/k8s-share/.keep")).expect("removed");
    let found = observe_all(&stub.host(), &context);
    let agreed = [context.steps[0].seq].into();
    let plan = bootstrap::rollback::plan_agreed(&context, &found, Include::Safe, &agreed);
    let states: Vec<_> = plan.items.iter().map(|item| item.state).collect();
    assert_eq!(states, [ItemState::Excluded, ItemState::Ready], "{plan:#?}");
}
