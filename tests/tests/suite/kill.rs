//! SIGKILL at random moments over the life of a run and its delivery: what the outbox accepted arrives.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::Signal;
use tests::{Contract, Response, Sandbox, Server, eventually, tree};

/// How often something is killed; `E2E_KILLS` sets another number.
fn rounds() -> usize {
    std::env::var("E2E_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

/// Records every event that the outbox ever held.
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

/// Runs and kills at random, and returns the runs that ended normally.
fn rounds_of_killing(sandbox: &Sandbox, server: &Server, random: &mut fastrand::Rng) -> BTreeSet<String> {
    let mut complete = BTreeSet::new();
    for round in 0..rounds() {
        server.respond_with([Response::Delayed(random.u64(0..15))]);
        let id = format!("9f86d081{round:08x}");
        let running = sandbox.reporting_run(server).env("TELEMETRY_RUN_ID", &id).start();
        // Over the whole life of a run and its delivery, at no event in particular.
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
        // Otherwise the outbox would reach its bounds, and the oldest would be evicted by design.
        if round % 20 == 19 {
            sandbox.flush(server).expect(0);
        }
    }
    complete
}

/// Passes if nothing is left in the outbox that should not be, temporary files above all.
fn is_clean(sandbox: &Sandbox) {
    let status = sandbox.bootstrap(["telemetry", "status", "--json"]).run().expect(0).json();
    assert_eq!((&status["evicted"], status["refused"].as_array().map(Vec::len)), (&0.into(), Some(0)));
    let left: Vec<PathBuf> = tree(&sandbox.outbox(), None).into_keys().collect();
    let is_expected = |path: &PathBuf| ["ledger.jsonl", "lock"].iter().any(|name| path.ends_with(name));
    assert!(left.iter().all(is_expected), "{left:?}");
}

#[test]
fn what_the_outbox_accepted_arrives() {
    let named = std::env::var("E2E_SEED").ok().and_then(|text| text.parse().ok());
    let seed = named.unwrap_or_else(|| fastrand::u64(..));
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    let watcher = Watcher::start(sandbox.outbox());
    let complete = rounds_of_killing(&sandbox, &server, &mut fastrand::Rng::with_seed(seed));
    server.respond_with([Response::Status(202)]);
    sandbox.flush(&server).expect(0);
    let held = watcher.end();
    is_clean(&sandbox);

    let contract = Contract::published();
    let mut arrived: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for request in server.received() {
        contract.check_telemetry(&request.json());
        arrived.entry(request.word("run_id")).or_default().insert(request.word("event_id"));
    }
    let all: BTreeSet<String> = arrived.values().flatten().cloned().collect();
    let lost: Vec<&String> = held.difference(&all).collect();
    assert!(lost.is_empty(), "seed {seed}: {lost:?} of {} never arrived", held.len());
    for id in &complete {
        assert_eq!(arrived[id].len(), 5, "seed {seed}: {id} ended normally");
    }
    assert!(!complete.is_empty() && complete.len() < rounds(), "seed {seed}: both kinds of end occur");
    assert!(held.len() > rounds(), "seed {seed}: {} documents", held.len());
}

/// Killed with a request out, the outbox is as after a death right before the request or right before the removal: the
/// attempt is counted, and the entry is there.
#[test]
fn killed_with_a_request_in_flight_the_same_event_goes_again_as_a_retry() {
    let server = Server::start([Response::Never]);
    let sandbox = Sandbox::new();
    sandbox.reporting_run(&server).run().expect(0);
    assert!(eventually(Duration::from_secs(30), || !server.received().is_empty()), "nobody delivers");
    sandbox.kill_deliveries();
    sandbox.wait_for_deliveries();
    assert_eq!(sandbox.queued().len(), 5, "nothing is lost");

    let well = Server::start([Response::Status(202)]);
    sandbox.flush(&well).expect(0);
    let tried = server.received()[0].word("event_id");
    let again =
        well.accepted().into_iter().find(|request| request.word("event_id") == tried).expect("sent again");
    let body = again.json();
    assert_eq!((&body["delivery_attempt"], &body["is_retry"]), (&2.into(), &true.into()), "{body:#}");
    assert_eq!((well.accepted().len(), sandbox.queued().len()), (5, 0));
}
