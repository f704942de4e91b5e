//! How much can be queued, and that nothing costs more because much is queued.

use std::fs::{self, File};
use std::time::{Duration, Instant, SystemTime};

use schema::EventId;
use telemetry::{MAX_AGE, MAX_BYTES, MAX_ENTRIES};

use crate::support::scratch::{Scratch, document};
use crate::support::server::{Act, FaultServer};

/// Fills the outbox by hand, padded to `size` bytes, one second older than the one before.
fn fill(scratch: &Scratch, count: usize, size: usize) -> Vec<EventId> {
    scratch.outbox();
    let now = SystemTime::now();
    let write = |index: usize| {
        let document = document();
        let entry = serde_json::json!({
            "version": 2,
            "document": document,
            "headers": { "marker": "pk3s-public-v1", "user_agent": "layer/1.0" },
            "attempts": 0,
            "last_failure": null,
        });
        let mut text = entry.to_string();
        text.push_str(&" ".repeat(size.saturating_sub(text.len())));
        let path = scratch.file(document.event_id());
        fs::write(&path, text).expect("written");
        let stored = now - Duration::from_secs(index as u64 + 1);
        File::open(path).and_then(|file| file.set_modified(stored)).expect("a time");
        document.event_id()
    };
    (0..count).map(write).collect()
}

fn waiting(scratch: &Scratch) -> Vec<EventId> {
    scratch.status().waiting.iter().map(|waiting| waiting.event_id).collect()
}

#[test]
fn the_oldest_go_and_are_counted() {
    let scratch = Scratch::new("");
    let old = fill(&scratch, MAX_ENTRIES + 40, 0);
    let new = scratch.emit(2);
    let kept = waiting(&scratch);
    assert_eq!(kept.len(), MAX_ENTRIES);
    assert!(new.iter().all(|id| kept.contains(id)));
    // The list of the filled ones begins with the youngest.
    assert!(old[..MAX_ENTRIES - 2].iter().all(|id| kept.contains(id)));
    assert_eq!(scratch.status().evicted, 42);
}

#[test]
fn bytes_are_bounded_too() {
    let scratch = Scratch::new("");
    fill(&scratch, 200, 64 * 1024);
    let new = scratch.emit(1)[0];
    let bytes: u64 =
        waiting(&scratch).iter().map(|id| fs::metadata(scratch.file(*id)).expect("there").len()).sum();
    assert!(bytes <= MAX_BYTES && bytes > MAX_BYTES - 2 * 64 * 1024, "{bytes}");
    assert!(waiting(&scratch).contains(&new));
}

#[test]
fn a_month_is_the_longest() {
    for emits in [true, false] {
        let server = FaultServer::start([Act::status(202)]);
        let scratch = Scratch::new(&server.url());
        let [old, young] = scratch.emit(2)[..] else { panic!("two") };
        for (id, age) in [
            (old, MAX_AGE + Duration::from_hours(1)),
            (young, MAX_AGE.saturating_sub(Duration::from_hours(1))),
        ] {
            File::open(scratch.file(id))
                .and_then(|file| file.set_modified(SystemTime::now() - age))
                .expect("a time");
        }
        if emits {
            scratch.emit(1);
        } else {
            let summary = scratch.deliver();
            assert_eq!((summary.delivered, summary.evicted), (1, 1));
        }
        assert!(!scratch.file(old).exists());
        assert_eq!(scratch.status().evicted, 1);
        assert_eq!(scratch.file(young).exists(), emits);
    }
}

#[test]
fn one_oversized_file_does_not_push_documents_out() {
    let scratch = Scratch::new("");
    let ids = scratch.emit(3);
    let junk = scratch.file(EventId::random());
    fs::write(&junk, vec![b' '; 10 * 1024 * 1024]).expect("written");
    let new = scratch.emit(1);
    assert!(!junk.exists());
    assert!(ids.iter().chain(&new).all(|id| scratch.file(*id).exists()));
}

#[test]
fn documents_from_the_future_of_the_clock_go_before_those_of_today() {
    let scratch = Scratch::new("");
    let future = fill(&scratch, MAX_ENTRIES, 0);
    for id in &future {
        let later = SystemTime::now() + Duration::from_hours(1);
        File::open(scratch.file(*id)).and_then(|file| file.set_modified(later)).expect("a time");
    }
    let today = scratch.emit(3);
    assert!(today.iter().all(|id| scratch.file(*id).exists()));
    assert_eq!(waiting(&scratch).len(), MAX_ENTRIES);
}

#[test]
fn rejected_documents_have_the_same_bounds() {
    let server = FaultServer::start([Act::status(400)]);
    let scratch = Scratch::new(&server.url());
    fill(&scratch, MAX_ENTRIES + 20, 0);
    let summary = scratch.deliver();
    assert_eq!((summary.refused, scratch.status().rejected.len()), (MAX_ENTRIES + 20, MAX_ENTRIES));
    assert_eq!(scratch.status().evicted, 20);
}

#[test]
fn the_ledger_keeps_its_newest_lines() {
    let server = FaultServer::start([Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    scratch.outbox();
    let ledger = scratch.dir().join("ledger.jsonl");
    let line = "{\"time\":\"2026-11-22T07:50:02Z\",\"outcome\":\"evicted\",\"documents\":1}\n";
    fs::write(&ledger, line.repeat(256 * 1024 / line.len())).expect("written");
    let id = scratch.emit(1)[0];
    scratch.deliver();
    let told = scratch.status();
    assert_eq!(told.ledger.last().and_then(|line| line.event_id), Some(id));
    let text = fs::read_to_string(&ledger).expect("read");
    let is_whole = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    assert!(text.lines().all(is_whole), "the first line that is kept is whole: {:?}", text.lines().next());
    let size = fs::metadata(&ledger).expect("there").len();
    assert!(size > 100 * 1024 && size < 200 * 1024, "{size}");
}

#[test]
fn ten_thousand_documents_cost_the_same_each() {
    let server = FaultServer::start([Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    let ids = fill(&scratch, 10_000, 0);
    // The oldest are evicted first.
    let summary = scratch.deliver_until(|progress| progress.settled == 20);
    assert_eq!(summary.delivered, 20, "{summary:?}");
    assert_eq!(summary.delivered + summary.waiting, ids.len());
    let oldest: Vec<String> = ids.iter().rev().take(5).map(ToString::to_string).collect();
    let arrived: Vec<String> = server
        .received()
        .iter()
        .take(5)
        .map(|sent| sent.json()["event_id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(arrived, oldest);
    // A document is stored as usual, and queued documents are reduced to the bounds.
    scratch.emit(1);
    assert_eq!(waiting(&scratch).len(), MAX_ENTRIES);
}

#[test]
#[ignore = "a measurement"]
fn draining_ten_thousand_is_measured() {
    use std::io::Write;
    let server = FaultServer::start([Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    for count in [100, 10_000] {
        fill(&scratch, count, 0);
        let started = Instant::now();
        let delivered = scratch.deliver_within(telemetry::DEADLINE).delivered;
        let each = started.elapsed() / u32::try_from(delivered.max(1)).expect("few");
        let memory = fs::read_to_string("/proc/self/status").expect("Linux");
        let peak = memory.lines().find(|line| line.starts_with("VmHWM")).expect("a peak");
        writeln!(std::io::stderr(), "{delivered} of {count}: {each:?} each, {peak}").expect("written");
    }
}
