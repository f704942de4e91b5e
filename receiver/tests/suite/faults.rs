//! Deaths under load. The oracle: what was acknowledged is stored, and nothing is stored twice.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use rusqlite::Connection;
use rustix::process::Signal;

use crate::documents::sample;
use crate::support::{Client, Receiver, Site, number_from, on_both_stores, succeeds, wait_until};

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

/// Whether a process has a lock on this file (`proc_locks(5)`).
fn has_lock(pid: u32, file: &Path) -> bool {
    let locks = std::fs::read_to_string("/proc/locks").expect("told");
    let inode = format!(":{}", file.metadata().expect("a file").ino());
    let is_ours = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.contains(&&*pid.to_string()) && words.iter().any(|word| word.ends_with(&inode))
    };
    locks.lines().any(is_ours)
}

/// Closing any descriptor of a file takes the locks that the process has on it (fcntl(2)). Once the service had lost
/// those of its store, the next program that closed the file took itself for the last one, and deleted the log that
/// the service writes to. SQLite 3.40 does so; newer ones ask another file as well.
#[test]
fn a_program_that_closes_the_file_beside_the_service_loses_nothing() {
    let site = Site::sqlite();
    let mut receiver = site.receiver();
    let samples = [sample(), sample()];
    assert_eq!(receiver.client().post(&samples[0].bytes).outcome(), "accepted");
    let rounds = || {
        let connection = Connection::open(site.file()).expect("opened");
        connection.query_row("SELECT count(*) FROM clock", [], |row| row.get::<_, u32>(0)).expect("read")
    };
    wait_until("housekeeping has opened the file", || rounds() == 1);
    assert!(has_lock(receiver.pid(), site.file()));
    // As a backup does, where the program is installed.
    succeeds("sqlite3", &[site.file().to_str().expect("UTF-8"), "SELECT count(*) FROM document"]);
    assert!(site.tend("retain").starts_with("deleted: "));
    assert_eq!(receiver.client().post(&samples[1].bytes).outcome(), "accepted");
    assert!(has_lock(receiver.pid(), site.file()));
    receiver.signal(Signal::KILL);
    receiver.wait();
    assert_eq!(site.stored_events(), samples.map(|sample| sample.event_id));
}
