//! SIGKILL at random moments over the life of a run and its delivery: what the outbox accepted arrives.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::Signal;
use tests::{Act, Contract, Sandbox, Server, tree};

/// How often something is killed; `E2E_KILLS` says another number.
fn rounds() -> usize {
    std::env::var("E2E_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

/// Writes down every event that the outbox ever held.
struct Watcher {
    seen: Arc<Mutex<BTreeSet<String>>>,
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watcher {
    fn start(outbox: PathBuf) -> Self {
        let (seen, stopped) = (Arc::<Mutex<BTreeSet<String>>>::default(), Arc::<AtomicBool>::default());
        let (into, until) = (Arc::clone(&seen), Arc::clone(&stopped));
        let thread = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let names = fs::read_dir(&outbox).into_iter().flatten();
                let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
                let ids = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned));
                into.lock().expect("no panic").extend(ids);
                thread::sleep(Duration::from_millis(1));
            }
        });
        Self { seen, stopped, thread }
    }

    fn end(self) -> BTreeSet<String> {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.join().expect("no panic");
        self.seen.lock().expect("no panic").clone()
    }
}

#[test]
fn what_the_outbox_accepted_arrives() {
    let seed = std::env::var("E2E_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let server = Server::start([Act::After(1)]);
    let sandbox = Sandbox::new();
    let watcher = Watcher::start(sandbox.outbox());
    let mut complete = BTreeSet::new();
    for round in 0..rounds() {
        server.act([Act::After(random.u64(0..15))]);
        let id = format!("round-{round}");
        let running = sandbox.reporting_run(&server).env("TELEMETRY_RUN_ID", &id).start();
        thread::sleep(Duration::from_millis(random.u64(0..80)));
        if random.bool() {
            running.signal(Signal::KILL);
        } else {
            sandbox.kill_deliveries();
        }
        if running.end().status.success() {
            complete.insert(id);
        }
        thread::sleep(Duration::from_millis(random.u64(0..60)));
        sandbox.kill_deliveries();
    }
    server.act([Act::Status(202)]);
    sandbox.flush(&server).expect(0);
    sandbox.settle();
    let seen = watcher.end();

    let contract = Contract::published();
    let arrived: Vec<_> = server.received().iter().map(|request| request.json()).collect();
    arrived.iter().for_each(|body| contract.check_telemetry(body));
    let ids: BTreeSet<String> = arrived.iter().map(|body| body["event_id"].as_str().expect("an id").to_owned()).collect();
    let lost: Vec<&String> = seen.difference(&ids).collect();
    assert!(lost.is_empty(), "seed {seed}: {lost:?} of {} never arrived", seen.len());
    for id in &complete {
        let of_run: BTreeSet<&str> = arrived.iter().filter(|body| body["run_id"] == id.as_str()).map(|body| body["event_id"].as_str().expect("an id")).collect();
        assert_eq!(of_run.len(), 5, "seed {seed}: {id} ended in good order");
    }
    assert!(!complete.is_empty() && seen.len() > rounds(), "seed {seed}: something happened");
    let left: Vec<PathBuf> = tree(&sandbox.outbox(), None).into_keys().collect();
    let is_expected = |path: &PathBuf| ["ledger.jsonl", "lock"].iter().any(|name| path.ends_with(name));
    assert!(left.iter().all(is_expected), "seed {seed}: {left:?}");
}
