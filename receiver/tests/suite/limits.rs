//! When a resource runs out: the disk, connections, memory for slow readers.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, Signal, getrlimit, setrlimit};

use crate::documents::sample;
use crate::support::{Client, Receiver, Site, number_from, succeeds, wait_until};

/// A separate small file system, which is removed with this value.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        let path = at.to_str().expect("UTF-8");
        if succeeds("mount", &["-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", path]) {
            return Some(Self(at));
        }
        crate::support::skip("a full disk", "only root can mount a tmpfs");
        None
    }

    /// Leaves so many bytes free.
    fn fill(&self, free: u64) {
        let stat = rustix::fs::statvfs(self.0).expect("told");
        let zeros = vec![0; usize::try_from(stat.f_bavail * stat.f_frsize - free).expect("small")];
        #[expect(clippy::disallowed_methods, reason = "a file of the test")]
        File::create(self.0.join("filler")).and_then(|mut file| file.write_all(&zeros)).expect("filled");
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).expect("removed");
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        succeeds("umount", &["--lazy", self.0.to_str().expect("UTF-8")]);
    }
}

/// Sends documents until one is not accepted; the answer to that one.
fn fill_up(receiver: &Receiver) -> String {
    let mut client = receiver.client();
    for _ in 0..100_000 {
        let reply = client.post(&sample().bytes);
        if reply.status != 202 {
            assert_eq!(reply.status, 503, "{reply:?}");
            return reply.json()["reason"].as_str().expect("a reason").to_owned();
        }
    }
    panic!("the disk does not fill");
}

#[test]
fn a_disk_that_is_full_sends_away_and_recovers_by_itself() {
    let site = Site::sqlite();
    let Some(disk) = SmallDisk::mount(site.path()) else { return };
    let receiver = site.receiver_with(&["--disk-reserve", "4MiB"]);
    assert_eq!(receiver.client().post(&sample().bytes).outcome(), "accepted");
    disk.fill(4 * 1024 * 1024 + 256 * 1024);
    assert_eq!(fill_up(&receiver), "disk_reserve");
    wait_until("it is told", || receiver.admin("/health/ready").0 == 503);
    disk.empty();
    assert_eq!(receiver.client().post(&sample().bytes).outcome(), "accepted");
    wait_until("it is told", || receiver.admin("/health/ready").0 == 200);
    // Without a reserve the write itself fails, which is safe as well.
    drop(receiver);
    let mut receiver = site.receiver();
    disk.fill(512 * 1024);
    assert_eq!(fill_up(&receiver), "store");
    disk.empty();
    assert_eq!(receiver.client().post(&sample().bytes).outcome(), "accepted");
    receiver.stop();
    assert!(site.tend("verify").starts_with("whole: "));
}

#[test]
fn a_spool_whose_disk_is_full_sends_away() {
    let Some(server) = crate::support::Postgres::own() else { return };
    let site = Site::on(&server);
    let spool = site.path().join("spool");
    std::fs::create_dir(&spool).expect("made");
    let Some(disk) = SmallDisk::mount(&spool) else { return };
    let receiver = site.receiver_with(&["--disk-reserve", "4MiB"]);
    disk.fill(4 * 1024 * 1024 + 64 * 1024);
    server.stop();
    assert_eq!(fill_up(&receiver), "disk_reserve");
    wait_until("it is told", || receiver.admin("/health/ready").0 == 503);
    server.start();
    wait_until("the spool is drained", || {
        receiver.metric("receiver_store_outage") == 0 && receiver.metric("receiver_spool_bytes") == 0
    });
    assert_eq!(receiver.client().post(&sample().bytes).outcome(), "accepted");
    assert_eq!(receiver.admin("/health/ready").0, 200, "the server takes documents, whatever the disk here");
}

/// The most memory that a process has used so far, in KiB (proc(5)).
fn peak_memory_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("told");
    peak.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

/// More by `RECEIVER_CONNECTIONS=10000 cargo test -p receiver many_connections`.
#[test]
fn many_connections_take_little_memory_and_none_is_sent_away() {
    let site = Site::sqlite();
    let count = number_from("RECEIVER_CONNECTIONS", 2_000);
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("raised");
    // On a busy machine the last one sends a good while after the first one was open.
    let receiver = site.receiver_with(&["--header-timeout-seconds", "300"]);
    let mut clients: Vec<Client> = (0..count).map(|_| receiver.client()).collect();
    for _ in 0..2 {
        // All are open, and all send before any is answered.
        for client in &mut clients {
            client.send_post(&sample().bytes);
        }
        for client in &mut clients {
            assert_eq!(client.reply().expect("a response").outcome(), "accepted");
        }
    }
    assert!(receiver.metric("receiver_connections") >= count as u64);
    let peak = peak_memory_kib(receiver.pid());
    let _ = writeln!(std::io::stderr(), "{count} connections: peak memory {} MiB", peak / 1024);
    assert!(peak <= 512 * 1024, "{peak} KiB for {count} connections");
}

#[test]
fn readers_who_do_not_read_hold_nobody_up() {
    let site = Site::sqlite();
    let receiver = site.receiver();
    let request = "GET /contract HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(200);
    let _silent: Vec<Client> = (0..50)
        .map(|_| {
            let mut client = receiver.client();
            // It stops accepting requests when its answers are not read.
            client.set_write_timeout(Duration::from_millis(200));
            let _ = client.send(request.as_bytes());
            client
        })
        .collect();
    let mut client = receiver.client();
    for _ in 0..20 {
        assert_eq!(client.post(&sample().bytes).outcome(), "accepted");
        assert_eq!(client.get("/").status, 200);
    }
    assert!(peak_memory_kib(receiver.pid()) < 256 * 1024, "answers that nobody takes are not kept");
}

#[test]
fn pages_that_wait_for_the_store_are_bounded_and_delay_no_end() {
    let Some(site) = Site::postgres() else { return };
    let mut receiver = site.receiver();
    let held = site.database().hold("LOCK TABLE closed_week");
    let _readers: Vec<Client> = (0..200)
        .map(|_| {
            let mut client = receiver.client();
            client.send(b"GET /charts/results HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
            client
        })
        .collect();
    wait_until("more are sent away", || {
        receiver.client().get("/charts/results").body.contains("too many pages wait")
    });
    assert_eq!(receiver.client().post(&sample().bytes).outcome(), "accepted");
    receiver.signal(Signal::TERM);
    // The drain, and not all the pages one after the other.
    wait_until("it has ended", || receiver.has_ended());
    drop(held);
}
