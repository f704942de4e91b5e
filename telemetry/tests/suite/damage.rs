//! Parts of the outbox that no document depends on: what fails there is a warning, and delivery continues.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use schema::EventId;
use sha2::Digest;
use telemetry::{DeliveryEnd, LedgerOutcome, MAX_ENTRIES, OutboxWarning, RequeueSummary, purge};

use crate::support::scratch::{Scratch, document};
use crate::support::server::{Act, FaultServer, await_that};

const PATIENCE: Duration = Duration::from_mins(1);

/// Ways to make a place of the outbox unusable, also for root, which ignores permissions.
fn ruin(scratch: &Scratch, name: &str, how: &str) {
    let path = scratch.dir().join(name);
    match how {
        "a file" => fs::write(path, b"no directory").expect("written"),
        "a directory" => fs::create_dir(path).expect("made"),
        "a link" => symlink(scratch.root(), path).expect("linked"),
        "hard link" => {
            let other = scratch.root().join("other");
            fs::write(&other, b"").expect("written");
            fs::hard_link(other, path).expect("linked");
        }
        _ => unreachable!("a way"),
    }
}

#[test]
fn a_ledger_that_cannot_be_used_stops_nothing() {
    for how in ["a directory", "a link", "hard link"] {
        let server = FaultServer::start([Act::status(400), Act::status(202)]);
        let scratch = Scratch::new(&server.url());
        scratch.emit(3);
        ruin(&scratch, "ledger.jsonl", how);
        let summary = scratch.deliver();
        assert_eq!((summary.delivered, summary.refused, summary.ended), (2, 1, DeliveryEnd::Done), "{how}");
        assert_eq!(summary.warning, Some(OutboxWarning::Ledger), "{how}");
        assert_eq!(scratch.status().rejected.len(), 1, "{how}");
        assert!(!purge(&scratch.settings.outbox, PATIENCE).expect("purged").in_flight, "{how}");
    }
}

#[test]
fn a_ledger_that_is_no_text_is_written_on() {
    let server = FaultServer::start([Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(1);
    fs::write(scratch.dir().join("ledger.jsonl"), [0xff, 0, b'{', b'\n']).expect("written");
    assert_eq!(scratch.deliver().warning, None);
    assert_eq!(scratch.status().ledger.len(), 1);
    fs::write(scratch.dir().join("ledger.jsonl"), vec![b'x'; 1024 * 1024]).expect("written");
    assert_eq!(scratch.status().warnings, [OutboxWarning::Ledger]);
    scratch.emit(1);
    assert_eq!(scratch.deliver().warning, None);
    assert_eq!(scratch.status().ledger.len(), 1);
}

#[test]
fn a_tampered_ledger_overflows_no_sum() {
    let scratch = Scratch::new("");
    scratch.outbox();
    let line = format!(
        "{{\"time\":\"2026-11-22T07:50:02Z\",\"outcome\":\"evicted\",\"documents\":{}}}\n",
        usize::MAX
    );
    fs::write(scratch.dir().join("ledger.jsonl"), line.repeat(3)).expect("written");
    assert_eq!(scratch.status().evicted, usize::MAX);
}

#[test]
fn sparse_files_overflow_no_sum() {
    let scratch = Scratch::new("");
    scratch.outbox();
    for _ in 0..3 {
        let file = fs::File::create(scratch.file(EventId::random())).expect("made");
        // The longest that ext4 takes; what is sparse takes no room.
        file.set_len(1 << 43).expect("sparse");
    }
    let id = scratch.emit(1)[0];
    assert_eq!(scratch.status().waiting.iter().map(|queued| queued.event_id).collect::<Vec<_>>(), [id]);
}

#[test]
fn a_place_for_rejected_documents_that_cannot_be_used_stops_nothing() {
    for how in ["a file", "a link"] {
        let server = FaultServer::start([Act::status(422), Act::status(202)]);
        let scratch = Scratch::new(&server.url());
        let ids = scratch.emit(3);
        fs::write(scratch.file(EventId::random()), b"{").expect("written");
        ruin(&scratch, "rejected", how);
        let summary = scratch.deliver();
        assert_eq!((summary.delivered, summary.refused, summary.ended), (2, 2, DeliveryEnd::Done), "{how}");
        assert_eq!(summary.warning, Some(OutboxWarning::Rejected), "{how}");
        assert!(scratch.file(ids[0]).exists(), "{how}: what cannot be moved is not lost");
        assert_eq!(scratch.status().warnings, [OutboxWarning::Rejected], "{how}");
        // The endpoint is not asked again what it has answered.
        let summary = scratch.deliver();
        assert_eq!((summary.delivered, summary.refused, server.received().len()), (0, 2, 3), "{how}");
        let waiting = scratch.status().waiting;
        assert_eq!(waiting[0].last_failure.and_then(|failure| failure.status), Some(422), "{how}");
        assert_eq!(purge(&scratch.settings.outbox, PATIENCE).expect("purged").waiting, 2, "{how}");
    }
}

#[test]
fn what_the_endpoint_refused_is_set_aside_once_that_is_possible() {
    let server = FaultServer::start([Act::status(422), Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    let id = scratch.emit(1)[0];
    ruin(&scratch, "rejected", "a file");
    assert_eq!(scratch.deliver().warning, Some(OutboxWarning::Rejected));
    fs::remove_file(scratch.dir().join("rejected")).expect("removed");
    let summary = scratch.deliver();
    assert_eq!((summary.refused, summary.waiting, summary.warning), (1, 0, None));
    let told = scratch.status();
    assert_eq!((told.rejected[0].event_id, told.rejected[0].reason.status), (id, Some(422)));
    let refusals = told.ledger.iter().filter(|line| line.status == Some(422));
    assert_eq!((refusals.count(), server.received().len()), (1, 1), "it was refused once");
    // On request it is sent again.
    let requeued = scratch.outbox().requeue_rejected(PATIENCE).expect("put back");
    assert_eq!(requeued, Some(RequeueSummary { requeued: 1, kept: 0 }));
    assert_eq!((scratch.deliver().delivered, server.received().len()), (1, 2));
}

#[test]
fn a_refusal_after_a_purge_leaves_no_document() {
    for status in [400, 422] {
        let server = FaultServer::start([Act::Held(status), Act::status(202)]);
        let scratch = Scratch::new(&server.url());
        scratch.emit(2);
        std::thread::scope(|scope| {
            let delivery = scope.spawn(|| scratch.deliver());
            server.await_requests(1);
            let purge = scope.spawn(|| purge(&scratch.settings.outbox, PATIENCE).expect("purged"));
            await_that("the first look of the purge is over", || {
                scratch.dir().join("stopped").exists() && scratch.status().waiting.is_empty()
            });
            server.release();
            assert_eq!(delivery.join().expect("no panic").ended, DeliveryEnd::Stopped);
            purge.join().expect("no panic");
        });
        assert_eq!(scratch.status(), telemetry::OutboxStatus::default(), "{status}");
        let left = fs::read_dir(scratch.dir().join("rejected")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{status}");
    }
}

#[test]
fn what_was_refused_can_be_put_back() {
    let server = FaultServer::start([Act::status(400), Act::status(422), Act::status(202)]);
    let mut scratch = Scratch::new(&server.url());
    let ids = scratch.emit(2);
    let spoiled = scratch.emit(1)[0];
    fs::write(scratch.file(spoiled), b"{").expect("written");
    assert_eq!(scratch.deliver().refused, 3);
    let requeued = scratch.outbox().requeue_rejected(PATIENCE).expect("put back");
    assert_eq!(requeued, Some(RequeueSummary { requeued: 2, kept: 1 }), "a damaged file stays");
    let told = scratch.status();
    assert_eq!((told.rejected.len(), told.waiting.len()), (1, 2));
    scratch.settings.max_attempts = 1;
    assert_eq!(scratch.deliver().delivered, 2);
    let last: Vec<_> =
        server.received()[2..].iter().map(|sent| sent.json()["delivery_attempt"].clone()).collect();
    assert_eq!(last, [2, 2], "attempts count on");
    assert!(ids.iter().all(|id| !scratch.dir().join(format!("rejected/{id}.json")).exists()));
}

/// It was stored again since, with other headers, and may have been tried already.
#[test]
fn what_was_refused_replaces_no_newer_entry_of_its_event() {
    let server = FaultServer::start([Act::status(400), Act::status(503), Act::status(202)]);
    let mut scratch = Scratch::new(&server.url());
    scratch.settings.max_attempts = 1;
    let document = document();
    let emit = |scratch: &Scratch| {
        let vetted = scratch.gate.vet(&document).expect("passes the gate");
        scratch.outbox().emit(vetted, &scratch.settings.headers).expect("stored").event_id
    };
    let id = emit(&scratch);
    make_older(&scratch.file(id), 25);
    assert_eq!(scratch.deliver().refused, 1);
    scratch.set_marker("fleet-7");
    emit(&scratch);
    assert_eq!(scratch.deliver().waiting, 1);
    let (entry, stored) = (scratch.entry(id), stored_at(&scratch.file(id)));
    let requeued = scratch.outbox().requeue_rejected(PATIENCE).expect("put back");
    assert_eq!(requeued, Some(RequeueSummary { requeued: 1, kept: 0 }));
    assert_eq!((scratch.entry(id), stored_at(&scratch.file(id))), (entry, stored));
    assert!(scratch.status().rejected.is_empty());
    assert_eq!(scratch.deliver().delivered, 1);
    assert_eq!(server.received()[2].header("x-productive-k3s-telemetry"), Some("fleet-7"));
}

#[test]
fn what_is_too_old_stays_refused_and_so_does_what_finds_no_room() {
    let server = FaultServer::start([Act::status(400)]);
    let scratch = Scratch::new(&server.url());
    let [old, young] = scratch.emit(2)[..] else { panic!("two") };
    scratch.deliver();
    let path = scratch.dir().join(format!("rejected/{old}.json"));
    make_older(&path, 31);
    let queued = scratch.emit(MAX_ENTRIES);
    let requeue = || scratch.outbox().requeue_rejected(PATIENCE).expect("tried").expect("nobody delivers");
    assert_eq!(requeue(), RequeueSummary { requeued: 0, kept: 2 }, "nothing is evicted for it");
    fs::remove_file(scratch.file(queued[0])).expect("removed");
    assert_eq!(requeue(), RequeueSummary { requeued: 1, kept: 1 });
    assert!(scratch.file(young).exists() && path.exists());
    make_older(&path, 29);
    fs::remove_file(scratch.file(queued[1])).expect("removed");
    assert_eq!(requeue(), RequeueSummary { requeued: 1, kept: 0 });
}

/// Makes the document in this file so many days old, and returns when it was stored then.
fn make_older(path: &Path, days: u64) -> SystemTime {
    let stored = SystemTime::now() - Duration::from_hours(24 * days);
    fs::File::open(path).and_then(|file| file.set_modified(stored)).expect("a time");
    stored
}

fn stored_at(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|data| data.modified()).expect("a time")
}

/// Receivers remember ids for as long as a document may be queued.
#[test]
fn no_refusal_makes_a_document_younger() {
    let server = FaultServer::start([Act::status(400), Act::status(503), Act::status(202)]);
    let mut scratch = Scratch::new(&server.url());
    scratch.settings.max_attempts = 1;
    let id = scratch.emit(1)[0];
    let stored = make_older(&scratch.file(id), 25);
    scratch.deliver();
    assert_eq!(stored_at(&scratch.dir().join(format!("rejected/{id}.json"))), stored);
    scratch.outbox().requeue_rejected(PATIENCE).expect("put back");
    assert_eq!(stored_at(&scratch.file(id)), stored);
    scratch.deliver();
    assert_eq!((stored_at(&scratch.file(id)), scratch.attempts(id)), (stored, 2));
}

#[test]
fn nothing_is_put_back_while_somebody_delivers() {
    let server = FaultServer::start([Act::status(400), Act::Held(202)]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(2);
    std::thread::scope(|scope| {
        let delivery = scope.spawn(|| scratch.deliver());
        server.await_requests(2);
        assert_eq!(scratch.outbox().requeue_rejected(Duration::from_millis(100)).expect("tried"), None);
        server.release();
        assert_eq!(delivery.join().expect("no panic").delivered, 1);
    });
}

#[test]
fn what_the_gate_refused_is_put_back_and_refused_again() {
    let server = FaultServer::start([Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    let id = scratch.emit(1)[0];
    let text = fs::read_to_string(scratch.file(id)).expect("read");
    let spoiled = text.replace("\"anonymous_by_contract\":true", "\"anonymous_by_contract\":false");
    fs::write(scratch.file(id), spoiled).expect("written");
    scratch.deliver();
    scratch.outbox().requeue_rejected(PATIENCE).expect("put back");
    assert_eq!((scratch.deliver().refused, server.received().len()), (1, 0));
}

#[test]
fn the_ledger_says_how_often_a_document_was_sent_before_the_gate_refused_it() {
    let server = FaultServer::start([Act::status(503)]);
    let mut scratch = Scratch::new(&server.url());
    scratch.settings.max_attempts = 1;
    let [tried, never_tried] = scratch.emit(2)[..] else { panic!("two") };
    scratch.deliver();
    let spoil = |id| {
        let text = fs::read_to_string(scratch.file(id)).expect("read");
        let spoiled = text.replace("\"anonymous_by_contract\":true", "\"anonymous_by_contract\":false");
        fs::write(scratch.file(id), &spoiled).expect("written");
        format!("{:x}", sha2::Sha256::digest(spoiled))
    };
    let sums = [tried, never_tried].map(spoil);
    assert_eq!(scratch.deliver().refused, 2);
    let told = scratch.status();
    for ((id, sum), attempts) in [tried, never_tried].into_iter().zip(sums).zip([Some(1), None]) {
        let mut lines = told.ledger.iter().filter(|line| line.event_id == Some(id) && line.rule.is_some());
        let line = lines.next().expect("a line");
        assert_eq!((line.outcome, line.attempt), (LedgerOutcome::Refused, attempts));
        assert_eq!((line.event_name.is_some(), line.sha256.as_ref()), (true, Some(&sum)));
    }
}
