//! A rollback that dies and is run again.

use manifest::PreviousFile;
use serde_json::json;

use super::*;

const SECRET: &str = "stub/api/api/v1/namespaces/registry/secrets/registry-htpasswd.json";
const LINE: &str = "/srv/share 192.168.0.0/24(rw)";

/// One step of each kind that a host knows, with what it left.
fn scene() -> (StubHost, PrivateContext) {
    let stub = StubHost::fresh().with_server();
    std::os::unix::fs::symlink("../optional/exportfs", stub.path("stub/bin/exportfs")).expect("link");
    stub.put("srv/other/file", "foreign");
    stub.put("etc/exports", format!("/other *(ro)\n{LINE}\n"));
    stub.put("var/lib/nfs/etab", format!("/other *(ro)\n{LINE}\n"));
    stub.put("etc/docker/certs.d/made/ca.crt", "ours");
    stub.put("etc/docker/certs.d/replaced/ca.crt", "ours");
    stub.put(SECRET, json!({ "metadata": { "uid": "u", "name": "registry-htpasswd" } }).to_string());
    let secret = Undo::Object {
        api_version: "v1".to_owned(),
        object_kind: "Secret".to_owned(),
        namespace: Some("registry".to_owned()),
        name: "registry-htpasswd".to_owned(),
        uid: Some("u".to_owned()),
    };
    let former = PreviousFile::of(b"former", 0o644);
    let context = record_of([
        (Component::Registry, secret),
        (Component::Nfs, Undo::Line { path: "/etc/exports".into(), line: LINE.to_owned() }),
        (Component::DockerRegistryTrust, Undo::Directory { path: "/etc/docker/certs.d/made".into() }),
        (
            Component::DockerRegistryTrust,
            Undo::file(Path::new("/etc/docker/certs.d/made/ca.crt"), b"ours", PreviousFile::Absent),
        ),
        (
            Component::DockerRegistryTrust,
            Undo::file(Path::new("/etc/docker/certs.d/replaced/ca.crt"), b"ours", former),
        ),
    ]);
    (stub, context)
}

/// The journal is written before and after each undo, so dying at each write is dying between any two undos and on both
/// sides of each.
#[test]
fn after_any_death_the_same_command_comes_to_the_same_end() {
    let (whole, context) = scene();
    let (_, results) = roll_back(&whole, &context);
    assert!(
        results.len() == 5 && results.values().all(|result| *result == UndoResult::Undone),
        "{results:?}"
    );
    assert_eq!(whole.text("etc/docker/certs.d/replaced/ca.crt"), "former");
    let expected: Vec<_> = tree(&whole).into_values().collect();
    for room in 0..10 {
        let (stub, context) = scene();
        let mut disk = Disk::with_room(context, room);
        let (_, results) = roll_back_on(&stub, &mut disk, Include::Moderate);
        assert!(results.values().any(|result| matches!(result, UndoResult::Failed { .. })), "{results:?}");
        disk.room = usize::MAX;
        let (_, results) = roll_back_on(&stub, &mut disk, Include::Moderate);
        assert!(results.values().all(|result| *result == UndoResult::Undone), "after {room}: {results:?}");
        assert_eq!(tree(&stub).into_values().collect::<Vec<_>>(), expected, "after {room}");
        assert_eq!(stub.text("var/lib/nfs/etab"), "/other *(ro)\n");
        let (plan, results) = roll_back_on(&stub, &mut disk, Include::Moderate);
        assert!(results.is_empty() && plan.items.iter().all(|item| item.state == ItemState::Undone));
    }
}

#[test]
fn a_rollback_that_is_stopped_leaves_the_rest_for_the_next() {
    let (stub, context) = scene();
    let (host, mut disk) = (stub.host(), Disk::roomy(&context));
    let plan = planned(&stub, &context, Include::Moderate);
    let seen = std::cell::Cell::new(0);
    let mut report = |event: RollbackEvent<'_>| {
        if matches!(event, RollbackEvent::Done(..)) {
            seen.set(seen.get() + 1);
        }
    };
    let stop = || seen.get() >= 2;
    let work = RollbackExecutor::new(&host, &mut disk, &mut report, &stop);
    let results = work.with_timing(stub.timing()).all(&plan);
    assert_eq!(results.values().filter(|result| **result == UndoResult::Undone).count(), 2);
    assert_eq!(results.values().filter(|result| matches!(result, UndoResult::Left(_))).count(), 3);
    let (_, results) = roll_back_on(&stub, &mut disk, Include::Moderate);
    assert_eq!(results.len(), 3);
    assert!(results.values().all(|result| *result == UndoResult::Undone));
}

#[test]
fn a_failure_leaves_what_it_may_stand_on_and_goes_on_elsewhere() {
    let (stub, context) = scene();
    // Neither can be replaced: a folder is in the place of the temporary file.
    stub.put("etc/docker/certs.d/replaced/.ca.crt.productive-k3s-new/in-the-way", "");
    let (_, results) = roll_back(&stub, &context);
    assert!(matches!(results[&5], UndoResult::Failed { .. }), "{results:?}");
    assert!(
        matches!((&results[&4], &results[&3]), (UndoResult::Left(_), UndoResult::Left(_))),
        "{results:?}"
    );
    assert_eq!((&results[&2], &results[&1]), (&UndoResult::Undone, &UndoResult::Undone));
    assert_eq!(stub.text("etc/docker/certs.d/made/ca.crt"), "ours");
}
