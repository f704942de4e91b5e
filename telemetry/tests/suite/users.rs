//! Two users and one outbox: neither touches what belongs to the other.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use privacy::disk::DiskError;
use schema::EventId;
use telemetry::{Outbox, OutboxDir, OutboxWarning, PurgeSummary, TelemetryError, purge, status};

use crate::support::scratch::{Scratch, document};
use crate::support::server::{Act, FaultServer};

const OTHER: u32 = 61_000;
const PATIENCE: Duration = Duration::from_mins(1);

/// Whether the test must be skipped, which is reported past the test harness and which CI does not allow.
fn skips(test: &str) -> bool {
    if rustix::process::geteuid().is_root() {
        return false;
    }
    let _ = writeln!(std::io::stderr(), "SKIP {test}: only root can give files away");
    assert!(std::env::var_os("CI").is_none(), "CI leaves no test out");
    true
}

/// Owner, mode and content of everything below `path`.
fn tree(path: &Path) -> BTreeMap<PathBuf, (u32, u32, Option<Vec<u8>>)> {
    let mut found = BTreeMap::new();
    let data = fs::symlink_metadata(path).expect("metadata");
    let content = if data.is_dir() { None } else { fs::read(path).ok() };
    for entry in fs::read_dir(path).into_iter().flatten() {
        found.extend(tree(&entry.expect("an entry").path()));
    }
    found.insert(path.to_owned(), (data.uid(), data.mode(), content));
    found
}

/// Changes the owner of everything below `path`.
fn give_away(path: &Path) {
    for path in tree(path).keys() {
        chown(path, Some(OTHER), Some(OTHER)).expect("root gives away what it likes");
    }
}

#[test]
fn the_outbox_of_another_user_is_not_touched() {
    if skips("the_outbox_of_another_user_is_not_touched") {
        return;
    }
    let server = FaultServer::start([Act::status(400), Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(2);
    assert_eq!(scratch.deliver().refused, 1);
    scratch.emit(1);
    give_away(scratch.dir());
    let before = tree(scratch.root());
    let (outbox, proof) = (&scratch.settings.outbox, scratch.consent.proof().expect("given"));
    let foreign = |error: &TelemetryError| matches!(error, TelemetryError::Disk(DiskError::Foreign { .. }));
    assert!(foreign(&Outbox::open(proof, outbox).expect_err("not ours")));
    assert!(foreign(&Outbox::open_existing(proof, outbox).expect_err("not ours")));
    assert!(foreign(&status(outbox, 10).expect_err("not ours")));
    let purged = purge(outbox, PATIENCE).expect("purged");
    assert_eq!(purged, PurgeSummary { left: 1, ..PurgeSummary::default() });
    assert_eq!(tree(scratch.root()), before, "nothing is set aside, given away or left");
}

#[test]
fn a_document_does_not_replace_the_file_of_another_user() {
    if skips("a_document_does_not_replace_the_file_of_another_user") {
        return;
    }
    let scratch = Scratch::new("");
    let document = document();
    let emit = || {
        let vetted = scratch.gate.vet(&document).expect("passes the gate");
        scratch.outbox().emit(vetted, &scratch.settings.headers)
    };
    let theirs = scratch.file(emit().expect("stored").event_id);
    fs::write(&theirs, b"{").expect("written");
    chown(&theirs, Some(OTHER), Some(OTHER)).expect("root gives away what it likes");
    assert!(matches!(emit(), Err(TelemetryError::Disk(DiskError::Foreign { .. }))));
    assert_eq!(fs::read(&theirs).expect("read"), b"{");
}

#[test]
fn a_purge_in_the_outbox_of_another_user_takes_our_own_documents() {
    if skips("a_purge_in_the_outbox_of_another_user_takes_our_own_documents") {
        return;
    }
    let scratch = Scratch::new("");
    let ids = scratch.emit(2);
    give_away(scratch.dir());
    chown(scratch.file(ids[0]), Some(0), Some(0)).expect("root takes what it likes");
    let purged = purge(&scratch.settings.outbox, PATIENCE).expect("purged");
    assert_eq!(purged, PurgeSummary { waiting: 1, left: 1, ..PurgeSummary::default() });
    let left: Vec<_> = tree(scratch.dir()).into_keys().collect();
    assert_eq!(left, [scratch.dir().to_owned(), scratch.file(ids[1])]);
}

#[test]
fn entries_of_another_user_are_left_alone_and_hold_nothing_up() {
    if skips("entries_of_another_user_are_left_alone_and_hold_nothing_up") {
        return;
    }
    let server = FaultServer::start([Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    let [theirs, ours] = scratch.emit(2)[..] else { panic!("two") };
    let damaged = scratch.file(EventId::random());
    fs::write(&damaged, b"{").expect("written");
    for path in [&scratch.file(theirs), &damaged] {
        chown(path, Some(OTHER), Some(OTHER)).expect("root gives away what it likes");
    }
    let told = scratch.status();
    assert_eq!((told.waiting.len(), told.unfit, told.foreign), (1, 0, 2));
    let summary = scratch.deliver();
    assert_eq!((summary.delivered, summary.refused, summary.waiting, summary.warning), (1, 0, 0, None));
    assert!(!scratch.file(ours).exists() && scratch.file(theirs).exists() && damaged.exists());
    // Not even to keep the bounds.
    scratch.emit(telemetry::MAX_ENTRIES + 3);
    assert_eq!(scratch.status().waiting.len(), telemetry::MAX_ENTRIES);
    assert_eq!(scratch.status().foreign, 2);
    let purged = purge(&scratch.settings.outbox, PATIENCE).expect("purged");
    assert_eq!((purged.waiting, purged.left, purged.in_flight), (telemetry::MAX_ENTRIES, 2, false));
    assert!(scratch.file(theirs).exists() && damaged.exists());
}

#[test]
fn a_place_for_rejected_documents_of_another_user_is_a_warning() {
    if skips("a_place_for_rejected_documents_of_another_user_is_a_warning") {
        return;
    }
    let server = FaultServer::start([Act::status(422), Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(2);
    fs::create_dir(scratch.dir().join("rejected")).expect("made");
    fs::write(scratch.dir().join(format!("rejected/{}.json", EventId::random())), b"{}").expect("written");
    give_away(&scratch.dir().join("rejected"));
    let before = tree(&scratch.dir().join("rejected"));
    let summary = scratch.deliver();
    assert_eq!((summary.delivered, summary.refused, summary.waiting), (1, 1, 1));
    assert_eq!(summary.warning, Some(OutboxWarning::Rejected));
    let purged = purge(&scratch.settings.outbox, PATIENCE).expect("purged");
    assert_eq!((purged.waiting, purged.rejected, purged.left), (1, 0, 1));
    assert_eq!(tree(&scratch.dir().join("rejected")), before);
}

#[test]
fn an_outbox_that_is_held_open_is_not_redirected() {
    let scratch = Scratch::new("");
    let runs = std::sync::Arc::new(privacy::disk::PrivateDir::open(scratch.root()).expect("open"));
    let proof = scratch.consent.proof().expect("given");
    let place = OutboxDir::within(&runs);
    drop(Outbox::open(proof, &place).expect("made"));
    let held = place.clone().held_open();
    let moved = scratch.root().join("moved");
    fs::rename(place.path(), &moved).expect("moved");
    fs::create_dir(place.path()).expect("another one");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).expect("a mode");
    fs::write(moved.join(format!("{}.json", EventId::random())), b"{").expect("written");
    assert_eq!(status(&held, 0).expect("a status").unfit, 1, "the one that was opened");
    assert_eq!(status(&place, 0).expect("a status").unfit, 0, "the one of that name");
    assert_eq!(purge(&held, PATIENCE).expect("purged").waiting, 1);
}
