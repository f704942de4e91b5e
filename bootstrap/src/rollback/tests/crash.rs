//! A rollback that dies and is run again.

use manifest::PreviousFile;
use serde_json::json;

use super::*;

const SECRET: &str = "stub/api/api/v1/namespaces/n/secrets/s.json";
const LINE: &str = "/srv/share 192.168.0.0/24(rw)";

/// One step of each kind that a host knows, with what it left.
fn scene() -> (StubHost, PrivateContext) {
    let stub = StubHost::fresh().with_server();
    std::os::unix::fs::symlink("../spare/exportfs", stub.path("stub/bin/exportfs")).expect("link");
    stub.put("srv/other/file", "foreign");
    stub.put("etc/exports", format!("/other *(ro)\n{LINE}\n"));
    stub.put("var/lib/nfs/etab", format!("/other *(ro)\n{LINE}\n"));
    stub.put("etc/made/by-us", "ours");
    stub.put("etc/replaced", "ours");
    stub.put(SECRET, json!({ "metadata": { "uid": "u", "name": "s" } }).to_string());
    let secret = Undo::Object {
        api_version: "v1".to_owned(),
        object_kind: "Secret".to_owned(),
        namespace: Some("n".to_owned()),
        name: "s".to_owned(),
        uid: Some("u".to_owned()),
    };
    let former = PreviousFile::of(b"former", 0o644);
    let context = record_of([
        (Component::Registry, secret),
        (Component::Nfs, Undo::Line { path: "/etc/exports".into(), line: LINE.to_owned() }),
        (Component::DockerRegistryTrust, Undo::Directory { path: "/etc/made".into() }),
        (
            Component::DockerRegistryTrust,
            Undo::file(Path::new("/etc/made/by-us"), b"ours", PreviousFile::Absent),
        ),
        (Component::DockerRegistryTrust, Undo::file(Path::new("/etc/replaced"), b"ours", former)),
    ]);
    (stub, context)
}

/// The journal is written before and after each undo, so dying at each write is dying between any two undos and on both
/// sides of each.
#[test]
fn after_any_death_the_same_command_comes_to_the_same_end() {
    let (whole, context) = scene();
    let (_, fates) = roll_back(&whole, &context);
    assert!(fates.len() == 5 && fates.values().all(|fate| *fate == Fate::Undone), "{fates:?}");
    assert_eq!(whole.text("etc/replaced"), "former");
    let expected: Vec<_> = tree(&whole).into_values().collect();
    for room in 0..10 {
        let (stub, context) = scene();
        let mut disk = Disk { stored: context, room };
        let (_, fates) = roll_back_on(&stub, &mut disk, Some(Include::Moderate));
        assert!(fates.values().any(|fate| matches!(fate, Fate::Failed(_))), "{fates:?}");
        disk.room = usize::MAX;
        let (_, fates) = roll_back_on(&stub, &mut disk, Some(Include::Moderate));
        assert!(fates.values().all(|fate| *fate == Fate::Undone), "after {room}: {fates:?}");
        assert_eq!(tree(&stub).into_values().collect::<Vec<_>>(), expected, "after {room}");
        assert_eq!(stub.text("var/lib/nfs/etab"), "/other *(ro)\n");
        let (plan, fates) = roll_back_on(&stub, &mut disk, Some(Include::Moderate));
        assert!(fates.is_empty() && plan.items.iter().all(|item| item.state == State::Undone));
    }
}

#[test]
fn a_rollback_that_is_stopped_leaves_the_rest_for_the_next() {
    let (stub, context) = scene();
    let (host, mut disk, mut worked_on) = (stub.host(), Disk::roomy(&context), context.clone());
    let plan = planned(&stub, &context, Some(Include::Moderate));
    let seen = std::cell::Cell::new(0);
    let mut report = |event: crate::rollback::Event<'_>| {
        if matches!(event, crate::rollback::Event::Done(..)) {
            seen.set(seen.get() + 1);
        }
    };
    let stop = || seen.get() >= 2;
    let work = Work::new(&host, &mut worked_on, &mut disk, &mut report, &stop);
    let fates = work.hasty(Duration::from_millis(60), Duration::from_millis(5)).all(&plan);
    assert_eq!(fates.values().filter(|fate| **fate == Fate::Undone).count(), 2);
    assert_eq!(fates.values().filter(|fate| matches!(fate, Fate::Left(_))).count(), 3);
    let (_, fates) = roll_back_on(&stub, &mut disk, Some(Include::Moderate));
    assert_eq!(fates.len(), 3);
    assert!(fates.values().all(|fate| *fate == Fate::Undone));
}

#[test]
fn a_failure_leaves_what_it_may_stand_on_and_goes_on_elsewhere() {
    let (stub, context) = scene();
    // Neither can be replaced: a folder is in the place of the temporary file.
    stub.put("etc/.replaced.productive-k3s-new/in-the-way", "");
    let (_, fates) = roll_back(&stub, &context);
    assert!(matches!(fates[&5], Fate::Failed(_)), "{fates:?}");
    assert!(matches!((&fates[&4], &fates[&3]), (Fate::Left(_), Fate::Left(_))), "{fates:?}");
    assert_eq!((&fates[&2], &fates[&1]), (&Fate::Undone, &Fate::Undone));
    assert_eq!(stub.text("etc/made/by-us"), "ours");
}
