//! Purging, also while a delivery is in flight.

use std::fs;
use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use telemetry::{DeliveryEnd, Outbox, PurgeSummary, purge};

use crate::support::scratch::Scratch;
use crate::support::server::{Act, FaultServer, await_that};

const PATIENCE: Duration = Duration::from_mins(1);

/// What remains in the outbox, apart from the lock.
fn left(scratch: &Scratch) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(scratch.dir())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter(|name| name != "lock")
        .collect();
    names.sort();
    names
}

#[test]
fn a_purge_deletes_all_that_waits_and_all_that_was_said_about_it() {
    let server = FaultServer::start([Act::status(400), Act::status(202), Act::status(500)]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(4);
    scratch.deliver();
    let purged = purge(&scratch.settings.outbox, PATIENCE).expect("purged");
    assert_eq!(purged, PurgeSummary { waiting: 2, rejected: 1, left: 0, in_flight: false });
    assert_eq!(left(&scratch), ["rejected"]);
    assert_eq!(scratch.status(), telemetry::OutboxStatus::default());
}

#[test]
fn a_purge_deletes_what_a_killed_process_was_storing() {
    let server = FaultServer::start([Act::status(400)]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(1);
    scratch.deliver();
    for place in [scratch.dir().to_owned(), scratch.dir().join("rejected")] {
        fs::write(place.join(".tmp-bootstrap-1-0"), b"{\"version\":2").expect("written");
    }
    purge(&scratch.settings.outbox, PATIENCE).expect("purged");
    assert_eq!(left(&scratch), ["rejected"]);
    assert_eq!(fs::read_dir(scratch.dir().join("rejected")).expect("there").count(), 0);
}

#[test]
fn purging_where_nothing_is_makes_nothing() {
    let scratch = Scratch::new("");
    assert_eq!(purge(&scratch.settings.outbox, PATIENCE).expect("purged").waiting, 0);
    assert!(!scratch.dir().exists());
}

#[test]
fn a_purge_in_flight_stops_before_the_next_document() {
    // Neither another attempt nor a refusal of the first document may restore it.
    for status in [202, 307, 400, 422, 503] {
        let server = FaultServer::start([Act::Held(status), Act::status(202)]);
        let scratch = Scratch::new(&server.url());
        scratch.emit(3);
        let (summary, purged) = thread::scope(|scope| {
            let delivery = scope.spawn(|| scratch.deliver());
            server.await_requests(1);
            let purge = scope.spawn(|| purge(&scratch.settings.outbox, PATIENCE).expect("purged"));
            await_that("the purge is asked for", || scratch.dir().join("stopped").exists());
            server.release();
            (delivery.join().expect("no panic"), purge.join().expect("no panic"))
        });
        assert!(!purged.in_flight, "{status}: the delivery was waited for");
        assert_eq!(server.received().len(), 1, "{status}");
        assert!(
            matches!(summary.ended, DeliveryEnd::Stopped | DeliveryEnd::Misconfigured(_)),
            "{status}: {summary:?}"
        );
        assert!(scratch.status().waiting.is_empty(), "{status}: {:?}", scratch.status().waiting);
        assert_eq!(left(&scratch), Vec::<String>::new(), "{status}");
    }
}

#[test]
fn a_delivery_that_outlasts_the_purge_deletes_the_rest_itself() {
    let server = FaultServer::start([Act::Held(503), Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(2);
    thread::scope(|scope| {
        let delivery = scope.spawn(|| scratch.deliver());
        server.await_requests(1);
        let purged = purge(&scratch.settings.outbox, Duration::from_millis(100)).expect("purged");
        assert_eq!((purged.waiting, purged.in_flight), (2, true));
        server.release();
        assert_eq!(delivery.join().expect("no panic").ended, DeliveryEnd::Stopped);
    });
    assert_eq!(left(&scratch), Vec::<String>::new());
}

#[test]
fn a_purge_that_died_is_ended_by_the_next_run() {
    let scratch = Scratch::new("");
    scratch.emit(2);
    fs::write(scratch.dir().join("stopped"), b"").expect("written");
    // The new run has consent: what it stores stays.
    let id = scratch.emit(1)[0];
    assert_eq!(left(&scratch), [format!("{id}.json")]);
}

#[test]
fn the_caller_can_stop_before_the_next_document() {
    let server = FaultServer::start([Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(3);
    let mut calls = Vec::new();
    let mut stop_at_the_second = |progress| {
        calls.push(progress);
        if calls.len() < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let proof = scratch.consent.proof().expect("given");
    let outbox = Outbox::open(proof, &scratch.settings.outbox).expect("opened");
    let summary = telemetry::deliver(
        proof,
        &scratch.settings,
        &scratch.gate,
        &outbox,
        PATIENCE,
        &mut stop_at_the_second,
    )
    .expect("a round");
    assert_eq!((summary.delivered, summary.waiting, summary.ended), (1, 2, DeliveryEnd::Stopped));
    assert_eq!(
        calls.iter().map(|progress| (progress.settled, progress.known)).collect::<Vec<_>>(),
        [(0, 3), (1, 3)]
    );
}
