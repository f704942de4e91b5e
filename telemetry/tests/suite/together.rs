//! Several processes on one outbox. Locks belong to open files, so threads conflict as processes do.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use telemetry::DeliveryEnd;

use crate::support::scratch::Scratch;
use crate::support::server::{Act, FaultServer};

#[test]
fn two_deliveries_send_every_document_once() {
    let server = FaultServer::start([Act::LateBody(202, "accepted".to_owned())]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(20);
    let summaries = thread::scope(|scope| {
        let rounds = [(); 2].map(|()| scope.spawn(|| scratch.deliver()));
        rounds.map(|round| round.join().expect("no panic"))
    });
    assert_eq!(summaries.iter().map(|summary| summary.delivered).sum::<usize>(), 20);
    assert!(summaries.iter().all(|summary| summary.ended == DeliveryEnd::Done));
    let ids: HashSet<String> =
        server.received().iter().map(|sent| sent.json()["event_id"].to_string()).collect();
    assert_eq!((ids.len(), server.received().len()), (20, 20));
}

#[test]
fn a_delivery_that_never_gets_its_turn_leaves() {
    let server = FaultServer::start([Act::Held(202)]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(1);
    thread::scope(|scope| {
        let first = scope.spawn(|| scratch.deliver());
        server.await_requests(1);
        assert_eq!(scratch.deliver_within(Duration::from_millis(200)).ended, DeliveryEnd::Busy);
        server.release();
        assert_eq!(first.join().expect("no panic").delivered, 1);
    });
    assert_eq!(server.received().len(), 1);
}

#[test]
fn what_is_stored_during_a_round_is_sent_in_it() {
    let server = FaultServer::start([Act::Held(202), Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(1);
    let summary = thread::scope(|scope| {
        let round = scope.spawn(|| scratch.deliver());
        server.await_requests(1);
        scratch.emit(1);
        server.release();
        round.join().expect("no panic")
    });
    assert_eq!((summary.delivered, summary.waiting), (2, 0));
}

#[test]
fn runs_store_side_by_side() {
    let scratch = Scratch::new("");
    let stored: HashSet<_> = thread::scope(|scope| {
        let runs = [(); 4].map(|()| scope.spawn(|| scratch.emit(10)));
        runs.into_iter().flat_map(|run| run.join().expect("no panic")).collect()
    });
    let waiting: HashSet<_> = scratch.status().waiting.iter().map(|waiting| waiting.event_id).collect();
    assert_eq!((stored.len(), &waiting), (40, &stored));
}
