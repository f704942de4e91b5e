//! Deaths under load. The oracle: what was acknowledged is stored, and nothing is stored twice.

use std::collections::HashSet;
use std::sync::Mutex;
use std::thread;

use rusqlite::Connection;
use rustix::process::Signal;

use crate::documents::sample;
use crate::support::{Client, Receiver, Site, number_from, on_both_stores};

on_both_stores! {
    a_killed_receiver_has_what_it_acknowledged,
    a_drained_receiver_has_what_it_acknowledged,
}

/// How often the receiver is killed. More by `RECEIVER_KILL_ROUNDS=1000 cargo test -p receiver faults::sqlite`.
pub(crate) fn rounds() -> usize {
    number_from("RECEIVER_KILL_ROUNDS", 5)
}

/// Sends documents, some of them twice, until the receiver has ended or is draining; what it acknowledged.
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
                // A drain answers 503; a death answers nothing.
                _ => return,
            }
        }
    }
}

/// Serves under load, and ends by the signal after some documents.
pub(crate) fn end_under_load(site: &Site, signal: Signal, acknowledged: &Mutex<HashSet<String>>) {
    let mut receiver = site.receiver();
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
}

/// What was acknowledged is stored, and nothing is stored twice.
#[track_caller]
pub(crate) fn check_oracle(site: &Site, acknowledged: &HashSet<String>) {
    let stored = site.stored_events();
    let distinct: HashSet<&String> = stored.iter().collect();
    assert_eq!(distinct.len(), stored.len(), "nothing is stored twice");
    let lost = acknowledged.iter().filter(|event| !distinct.contains(event)).count();
    assert_eq!(lost, 0, "of {} acknowledged", acknowledged.len());
}

fn a_killed_receiver_has_what_it_acknowledged(site: &Site) {
    let acknowledged = Mutex::default();
    for _ in 0..rounds() {
        end_under_load(site, Signal::KILL, &acknowledged);
        check_oracle(site, &acknowledged.lock().expect("no panic"));
    }
}

fn a_drained_receiver_has_what_it_acknowledged(site: &Site) {
    let acknowledged = Mutex::default();
    for _ in 0..3 {
        end_under_load(site, Signal::TERM, &acknowledged);
        check_oracle(site, &acknowledged.lock().expect("no panic"));
    }
}

/// Closing any descriptor of a file takes the locks that the process has on it (fcntl(2)). Once the service had lost
/// those of its store, the next program that closed the file took itself for the last one, and deleted the log that
/// the service writes to.
#[test]
fn a_program_that_closes_the_file_beside_the_service_loses_nothing() {
    let site = Site::sqlite();
    let mut receiver = site.receiver();
    let samples = [sample(), sample()];
    assert_eq!(receiver.client().post(&samples[0].bytes).outcome(), "accepted");
    let connection = Connection::open(site.file()).expect("opened");
    let count = connection.query_row("SELECT count(*) FROM document", [], |row| row.get(0));
    assert_eq!(count, Ok(1));
    drop(connection);
    assert!(site.tend("retain").starts_with("deleted: "));
    assert_eq!(receiver.client().post(&samples[1].bytes).outcome(), "accepted");
    receiver.signal(Signal::KILL);
    receiver.wait();
    assert_eq!(site.stored_events(), samples.map(|sample| sample.event_id));
}
