//! PostgreSQL unreachable: every document is still accepted, kept in the spool, and stored once when it is reachable again.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::documents::sample;
use crate::faults::{check_oracle, end_under_load, rounds};
use crate::support::{Postgres, Receiver, Site, skip, succeeds, wait_until};

/// The answers to senders.
#[derive(Default)]
struct Told {
    acknowledged: Mutex<HashSet<String>>,
    queued: AtomicUsize,
    ends: AtomicBool,
}

impl Told {
    fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    fn acknowledged(&self) -> usize {
        self.acknowledged.lock().expect("no panic").len()
    }

    /// Sends documents until the test ends; each must be accepted.
    fn send(&self, receiver: &Receiver) {
        let mut client = receiver.client();
        while !self.ends.load(Ordering::Relaxed) {
            let sample = sample();
            let outcome = client.post(&sample.bytes).outcome();
            self.queued.fetch_add(usize::from(outcome == "queued"), Ordering::Relaxed);
            self.acknowledged.lock().expect("no panic").insert(sample.event_id);
        }
    }
}

fn wait_until_drained(receiver: &Receiver) {
    wait_until("the spool is drained", || {
        receiver.metric("receiver_store_outage") == 0 && receiver.metric("receiver_spool_bytes") == 0
    });
}

fn set_aside(site: &Site) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(site.path().join("spool")).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("damaged-")))
        .collect()
}

#[test]
fn a_server_that_is_stopped_and_started_under_load_loses_nothing_and_nobody_is_sent_away() {
    let Some(server) = Postgres::own() else { return };
    let site = Site::on(&server);
    let receiver = site.receiver();
    let told = Told::default();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| told.send(&receiver));
        }
        for _ in 0..2 {
            let before = told.acknowledged();
            wait_until("documents are stored", || told.acknowledged() > before + 200);
            let before = told.queued();
            server.stop();
            wait_until("documents are queued", || told.queued() > before + 200);
            assert_eq!(receiver.admin("/health/ready").0, 200, "documents are welcome");
            server.start();
            wait_until("the store is back", || receiver.metric("receiver_store_outage") == 0);
        }
        told.ends.store(true, Ordering::Relaxed);
    });
    wait_until_drained(&receiver);
    check_oracle(&site, &told.acknowledged.lock().expect("no panic"));
    assert_eq!(set_aside(&site), [""; 0].map(PathBuf::from));
}

#[test]
fn a_receiver_starts_while_the_server_is_down_and_its_death_loses_nothing() {
    let Some(server) = Postgres::own() else { return };
    let site = Site::on(&server);
    server.stop();
    let samples = [sample(), sample(), sample()];
    for sample in &samples[..2] {
        // Each of them dies with its own segment.
        let receiver = site.receiver();
        assert_eq!(receiver.client().post(&sample.bytes).outcome(), "queued");
        assert_eq!(receiver.client().get("/charts/results").status, 503, "pages need the store");
    }
    let receiver = site.receiver();
    assert_eq!(receiver.client().post(&samples[2].bytes).outcome(), "queued");
    server.start();
    wait_until_drained(&receiver);
    check_oracle(&site, &samples.iter().map(|sample| sample.event_id.clone()).collect());
    assert_eq!(receiver.client().post(&samples[0].bytes).outcome(), "duplicate");
    assert_eq!(receiver.client().get("/charts/results").status, 200);
}

#[test]
fn a_receiver_that_is_killed_while_it_spools_has_what_it_acknowledged() {
    let Some(server) = Postgres::own() else { return };
    let site = Site::on(&server);
    let acknowledged = Mutex::default();
    for _ in 0..rounds().div_ceil(5) {
        server.stop();
        for _ in 0..3 {
            end_under_load(&site, Signal::KILL, &acknowledged);
        }
        server.start();
        // Killed while it drains, too.
        end_under_load(&site, Signal::KILL, &acknowledged);
        wait_until_drained(&site.receiver());
        check_oracle(&site, &acknowledged.lock().expect("no panic"));
    }
    assert_eq!(set_aside(&site), [""; 0].map(PathBuf::from), "a line that was cut off is no damage");
}

#[test]
fn a_server_that_is_too_slow_is_as_good_as_none() {
    let Some(site) = Site::postgres() else { return };
    let receiver = site.receiver();
    assert_eq!(receiver.client().post(&sample().bytes).outcome(), "accepted");
    let held = site.database().hold("LOCK TABLE document");
    let sample = sample();
    assert_eq!(receiver.client().post(&sample.bytes).outcome(), "queued");
    drop(held);
    wait_until_drained(&receiver);
    assert_eq!(receiver.client().post(&sample.bytes).outcome(), "duplicate");
    assert_eq!(site.stored_events().len(), 2);
}

/// The week in which it was spooled may be closed when it is stored.
#[test]
fn a_document_of_the_spool_counts_from_when_it_is_stored() {
    let Some(site) = Site::postgres() else { return };
    let receiver = site.receiver();
    let held = site.database().hold("LOCK TABLE document");
    assert_eq!(receiver.client().post(&sample().bytes).outcome(), "queued");
    let now = || site.database().sql("SELECT extract(epoch FROM now())::bigint").trim().parse::<i64>();
    let queued_at = now().expect("a time");
    // An attempt to store it waits for the lock for less than this.
    wait_until("time has passed", || now().is_ok_and(|now| now > queued_at + 3));
    drop(held);
    wait_until_drained(&receiver);
    let received_at = site.database().sql("SELECT received_at FROM document");
    assert!(received_at.trim().parse::<i64>().expect("one document") > queued_at, "{received_at}");
}

#[test]
fn a_receiver_tells_from_its_start_what_is_spooled() {
    let Some(site) = Site::postgres() else { return };
    let receiver = site.receiver();
    // Nothing can be drained, and to try takes seconds.
    let held = site.database().hold("LOCK TABLE document");
    assert_eq!(receiver.client().post(&sample().bytes).outcome(), "queued");
    drop(receiver);
    let receiver = site.receiver();
    assert_ne!(receiver.metric("receiver_spool_bytes"), 0);
    drop(held);
    wait_until_drained(&receiver);
    assert_eq!(site.stored_events().len(), 1);
}

#[test]
fn a_server_that_hangs_is_as_good_as_none() {
    let Some(site) = Site::postgres() else { return };
    let receiver = site.receiver();
    // Both writers have a connection after this.
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).for_each(|_| drop(receiver.client().post(&sample().bytes).outcome())));
        }
    });
    let backends = site.database().sql(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'receiver'",
    );
    let signal = |signal: Signal| {
        for pid in backends.lines() {
            let pid = Pid::from_raw(pid.parse().expect("a number")).expect("a process id");
            // One of them may have ended: its client has disconnected.
            let _ = kill_process(pid, signal);
        }
    };
    signal(Signal::STOP);
    let sample = sample();
    let outcome = receiver.client().post(&sample.bytes).outcome();
    wait_until("a connection of its own drains", || {
        receiver.metric("receiver_store_outage") == 0 && receiver.metric("receiver_spool_bytes") == 0
    });
    let again = receiver.client().post(&sample.bytes).outcome();
    signal(Signal::CONT);
    assert_eq!((outcome.as_str(), again.as_str()), ("queued", "duplicate"));
}

#[test]
fn a_server_that_answers_and_stores_nothing_is_out_of_reach_until_it_stores() {
    let Some(site) = Site::postgres() else { return };
    site.tend("migrate");
    site.execute(
        "CREATE SEQUENCE tried;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM nextval('tried'); RAISE 'no space' USING ERRCODE = 'disk_full'; END $$;
         CREATE TRIGGER fail BEFORE INSERT ON document FOR EACH ROW EXECUTE FUNCTION fail()",
    );
    // Nothing can be spooled either, so there is nothing to drain.
    let mut receiver = site.receiver_with(&["--disk-reserve", "1000TiB"]);
    assert_eq!(receiver.client().post(&sample().bytes).status, 503);
    wait_until("it was tried a few times", || {
        let tried = site.database().sql("SELECT last_value FROM tried");
        tried.trim().parse::<u32>().expect("a number") > 5
    });
    assert_eq!((receiver.metric("receiver_store_outage"), receiver.admin("/health/ready").0), (1, 503));
    site.execute("DROP TRIGGER fail ON document");
    wait_until("the store is back", || receiver.metric("receiver_store_outage") == 0);
    assert_eq!(site.stored_events(), [""; 0], "what was tried is not kept");
    assert_eq!(receiver.client().post(&sample().bytes).outcome(), "accepted");
    let log = receiver.stop().1;
    assert_eq!(log.matches("the store is back").count(), 1, "{log}");
}

#[test]
fn a_server_that_will_never_let_us_in_is_told_at_the_start() {
    let Some(site) = Site::postgres() else { return };
    for (change, told) in [("?sslmode=verify-full", "--store-root-cert"), ("_missing", "SQLSTATE 3D000")] {
        let mut command = site.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("RECEIVER_STORE", site.database().url() + change);
        let output = command.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(told), "{change}: {said}");
    }
}

#[test]
fn a_damaged_spool_stops_nothing_and_what_can_be_read_is_stored() {
    let Some(server) = Postgres::own() else { return };
    let site = Site::on(&server);
    server.stop();
    let samples = [sample(), sample()];
    {
        let receiver = site.receiver();
        for sample in &samples {
            assert_eq!(receiver.client().post(&sample.bytes).outcome(), "queued");
        }
    }
    let spool = site.path().join("spool");
    let segment = spool.join("segment-00000000000000000001");
    let mut bytes = std::fs::read(&segment).expect("a segment");
    bytes[30] ^= 1;
    let write = |name: &str, bytes: &[u8]| {
        #[expect(clippy::disallowed_methods, reason = "a file of the test")]
        std::fs::write(spool.join(name), bytes).expect("written");
    };
    write("segment-00000000000000000001", &bytes);
    write("segment-00000000000000000007", b"\xff\xfe\n\n\0");
    write("segment-00000000000000000008", b"");
    write("segment-x", b"somebody else's");
    std::os::unix::fs::symlink("/etc/hostname", spool.join("segment-00000000000000000009")).expect("a link");
    server.start();
    let mut receiver = site.receiver();
    wait_until("the spool is looked through", || {
        receiver.metric("receiver_spool_damaged_total") == 3 && receiver.metric("receiver_spool_bytes") == 0
    });
    check_oracle(&site, &HashSet::from([samples[1].event_id.clone()]));
    assert_eq!(set_aside(&site).len(), 3);
    assert_eq!(receiver.client().post(&samples[0].bytes).outcome(), "accepted");
    let log = receiver.stop().1;
    assert!(log.contains("damaged-00000000000000000001: cannot be read or stored: 1 lines"), "{log}");
}

/// A file under another name, until this is dropped.
struct BoundFile<'a>(&'a Path);

impl<'a> BoundFile<'a> {
    fn new(file: &str, at: &'a Path) -> Option<Self> {
        if succeeds("mount", &["--bind", file, at.to_str().expect("UTF-8")]) {
            return Some(Self(at));
        }
        skip("a disk that fails", "only root can mount a file");
        None
    }
}

impl Drop for BoundFile<'_> {
    fn drop(&mut self) {
        succeeds("umount", &["--lazy", self.0.to_str().expect("UTF-8")]);
    }
}

#[test]
fn a_segment_that_cannot_be_read_for_now_stays_and_does_not_delay_the_rest() {
    let Some(server) = Postgres::own() else { return };
    let site = Site::on(&server);
    server.stop();
    let samples = [sample(), sample()];
    for sample in &samples {
        // Each leaves a segment.
        assert_eq!(site.receiver().client().post(&sample.bytes).outcome(), "queued");
    }
    let segment = site.path().join("spool/segment-00000000000000000001");
    // Nothing is mapped at the beginning of a process, so reading this file fails as on a broken disk.
    let Some(broken) = BoundFile::new("/proc/self/mem", &segment) else { return };
    server.start();
    let mut receiver = site.receiver();
    wait_until("the other segment is stored", || site.stored_events() == [samples[1].event_id.clone()]);
    assert_eq!(receiver.metric("receiver_spool_damaged_total"), 0);
    drop(broken);
    wait_until("the segment can be read again", || site.stored_events().len() == 2);
    check_oracle(&site, &samples.iter().map(|sample| sample.event_id.clone()).collect());
    assert_eq!(set_aside(&site), [""; 0].map(PathBuf::from));
    let log = receiver.stop().1;
    assert_eq!(log.matches("it stays and is tried again").count(), 1, "{log}");
}

#[test]
fn a_document_that_the_database_does_not_take_does_not_stop_the_others() {
    let Some(server) = Postgres::own() else { return };
    let site = Site::on(&server);
    let (good, bad) = ([sample(), sample(), sample()], sample());
    site.poison(&bad.event_id);
    {
        let receiver = site.receiver();
        assert_eq!(receiver.client().post(&bad.bytes).status, 503, "it may be stored by a later build");
        assert_eq!(receiver.client().post(&good[0].bytes).outcome(), "accepted");
        assert_eq!(receiver.metric("receiver_poisoned_total"), 1);
    }
    server.stop();
    let mut receiver = site.receiver();
    for sample in [&good[1], &bad, &good[2]] {
        assert_eq!(receiver.client().post(&sample.bytes).outcome(), "queued");
    }
    server.start();
    wait_until("the spool is looked through", || receiver.metric("receiver_spool_damaged_total") == 1);
    check_oracle(&site, &good.iter().map(|sample| sample.event_id.clone()).collect());
    assert_eq!(site.stored_events().len(), 3);
    let log = receiver.stop().1;
    assert!(
        log.contains("SQLSTATE 23514") && !log.contains(": of "),
        "no value of the server's message: {log}"
    );
}

#[test]
fn a_spool_is_for_one_instance_and_a_check_beside_it_says_whose_it_is() {
    let Some(site) = Site::postgres() else { return };
    let run = |command: &str| {
        let output = site.command(&[command, "--listen", "127.0.0.1:0"]).output().expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let spool = site.path().join("spool").display().to_string();
    let missing = run("check");
    assert!(missing.0 == Some(0) && missing.1.contains("not there yet"), "{missing:?}");
    drop(site.receiver());
    let free = run("check");
    assert!(
        free.0 == Some(0) && free.1.contains(&format!("spool: {spool}, not in use, 0 bytes wait")),
        "{free:?}"
    );
    let receiver = site.receiver();
    let holder = format!("in use by process {};", receiver.pid());
    let beside = run("check");
    assert_eq!(beside.0, Some(0), "{beside:?}");
    assert!(beside.1.contains("documents\nspool: ") && beside.1.contains(&holder), "{beside:?}");
    let second = run("serve");
    assert!(second.0 == Some(1) && second.2.contains(&holder), "{second:?}");
    // A service that is gone has nothing any more, whatever its file says.
    drop(receiver);
    assert!(run("check").1.contains("not in use"));
}
