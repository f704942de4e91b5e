//! Deaths under load. The oracle: what was acknowledged is stored, and nothing is stored twice.

use std::collections::HashSet;
use std::sync::Mutex;
use std::thread;

use rustix::process::Signal;

use crate::documents::sample;
use crate::support::{Client, Receiver, stored_events};

/// How often the receiver is killed. More by `RECEIVER_KILL_ROUNDS=1000 cargo test -p receiver faults`.
fn rounds() -> usize {
    std::env::var("RECEIVER_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5)
}

/// Sends documents, each twice now and then, until the receiver is gone or says that it goes; what it acknowledged.
fn send_until_the_end(receiver: &Receiver, acknowledged: &Mutex<HashSet<String>>) {
    let mut client: Client = receiver.client();
    loop {
        let sample = sample();
        for _ in 0..=fastrand::u8(..2) {
            match client.try_post(&sample.bytes) {
                Some(reply) if reply.status == 202 => {
                    acknowledged.lock().expect("no panic").insert(sample.event_id.clone());
                    if reply.header("connection") == Some("close") {
                        return;
                    }
                }
                // A drain sends away; a death says nothing.
                _ => return,
            }
        }
    }
}

/// Serves under load, ends by the signal after some documents, and compares.
fn end_under_load(directory: &std::path::Path, signal: Signal, acknowledged: &Mutex<HashSet<String>>) {
    let mut receiver = Receiver::start(directory);
    let before = acknowledged.lock().expect("no panic").len();
    let enough = before + fastrand::usize(1..300);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| send_until_the_end(&receiver, acknowledged));
        }
        while acknowledged.lock().expect("no panic").len() < enough {
            thread::yield_now();
        }
        receiver.signal(signal);
    });
    receiver.wait();
    let stored = stored_events(&receiver.store);
    let distinct: HashSet<&String> = stored.iter().collect();
    assert_eq!(distinct.len(), stored.len(), "nothing is stored twice");
    let acknowledged = acknowledged.lock().expect("no panic");
    let lost = acknowledged.iter().filter(|event| !distinct.contains(event)).count();
    assert_eq!(lost, 0, "of {} acknowledged", acknowledged.len());
}

#[test]
fn a_killed_receiver_has_what_it_acknowledged() {
    let directory = tempfile::tempdir().expect("a directory");
    let acknowledged = Mutex::default();
    for _ in 0..rounds() {
        end_under_load(directory.path(), Signal::KILL, &acknowledged);
    }
}

#[test]
fn a_drained_receiver_has_what_it_acknowledged() {
    let directory = tempfile::tempdir().expect("a directory");
    let acknowledged = Mutex::default();
    for _ in 0..3 {
        end_under_load(directory.path(), Signal::TERM, &acknowledged);
    }
}
