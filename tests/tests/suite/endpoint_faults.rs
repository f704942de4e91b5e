//! Endpoints that misbehave: the run does not notice, and nothing is lost.

use tests::{Outcome, Response, Sandbox, Server, is_root, skip};

/// A run with telemetry off: its output, without what differs from run to run.
fn without_telemetry() -> Vec<String> {
    let sandbox = Sandbox::new();
    let outcome = sandbox.dry_run("server").env("TELEMETRY_ENABLED", "false").run();
    said(&sandbox, &outcome)
}

fn said(sandbox: &Sandbox, outcome: &Outcome) -> Vec<String> {
    let id = sandbox.only_run().id;
    let root = sandbox.root().display().to_string();
    let text = format!("{}\n{}\n{}", outcome.status, outcome.stdout, outcome.stderr);
    // Others fill the disk of this machine between two runs.
    let lines = text.replace(&id, "ID").replace(&root, "ROOT");
    lines.lines().filter(|line| !line.contains("of free disk")).map(str::to_owned).collect()
}

/// Runs against `endpoint`, to which a request may take so many seconds, and passes if the run is as without telemetry.
/// Returns the sandbox with the queued documents.
fn unnoticed_within(seconds: &str, name: &str, endpoint: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let call = sandbox.dry_run("server").env("TELEMETRY_ENABLED", "true").env("TELEMETRY_ENDPOINT", endpoint);
    let outcome =
        call.env("TELEMETRY_REQUEST_TIMEOUT_SECONDS", seconds).env("TELEMETRY_MAX_RETRIES", "2").run();
    assert_eq!(said(&sandbox, &outcome), without_telemetry(), "{name}");
    sandbox
}

fn unnoticed(name: &str, endpoint: &str) -> Sandbox {
    unnoticed_within("2", name, endpoint)
}

/// As [`unnoticed`], where an attempt ends after two minutes, without an answer: the run has ended while it goes on.
fn not_waited_for(name: &str, endpoint: &str) -> Sandbox {
    let sandbox = unnoticed_within("120", name, endpoint);
    assert!(!sandbox.deliveries().is_empty(), "{name}: the run has waited for its delivery");
    sandbox.kill_deliveries();
    sandbox
}

/// The documents of the run, still in the outbox, arrive once the endpoint works again.
fn nothing_is_lost(name: &str, sandbox: &Sandbox) {
    sandbox.wait_for_deliveries();
    assert_eq!(sandbox.queued().len(), 5, "{name}");
    let well = Server::start([Response::Status(202)]);
    sandbox.flush(&well).expect(0);
    assert_eq!((well.accepted().len(), sandbox.queued().len()), (5, 0), "{name}");
}

#[test]
fn refused() {
    // Not a port that was free a moment ago: the endpoint of another test could get it.
    let endpoint = "http://127.0.0.1:9/telemetry";
    nothing_is_lost("refused", &unnoticed("refused", endpoint));
}

#[test]
fn unresolvable() {
    nothing_is_lost("unresolvable", &unnoticed("unresolvable", "http://endpoint.invalid/telemetry"));
}

#[test]
fn hanging() {
    let server = Server::start([Response::Never]);
    let sandbox = not_waited_for("hanging", &server.url());
    nothing_is_lost("hanging", &sandbox);
}

#[test]
fn trickling() {
    let server = Server::start([Response::Trickle]);
    let sandbox = not_waited_for("trickling", &server.url());
    nothing_is_lost("trickling", &sandbox);
}

#[test]
fn failing_for_ever() {
    let server = Server::start([Response::Status(500)]);
    nothing_is_lost("failing", &unnoticed("failing", &server.url()));
}

/// A run starts two deliveries, each of which may make two attempts here. What one delivery does to every answer is in
/// `telemetry fault_table`; `cargo test -p tests -- answers_of_every_kind --nocapture` prints this table.
#[expect(clippy::print_stdout, reason = "the table is what a reader wants of it")]
#[test]
fn answers_of_every_kind() {
    println!("| status | requests in a run | kept |");
    for (status, requests, kept) in [
        (204, 5..=5, 0),
        (307, 1..=2, 5),
        (400, 5..=5, 0),
        (401, 1..=2, 5),
        (407, 1..=2, 5),
        (413, 1..=2, 5),
        (429, 2..=4, 5),
        (503, 2..=4, 5),
    ] {
        let name = status.to_string();
        let server = Server::start([Response::Status(status)]);
        // It answers at once, but a busy machine may take a while to send and to see it.
        let sandbox = unnoticed_within("120", &name, &server.url());
        sandbox.wait_for_deliveries();
        let (received, queued) = (server.received().len(), sandbox.queued().len());
        println!("| {status} | {received} | {queued} |");
        assert!(requests.contains(&received), "{status}: {received} requests");
        assert_eq!(queued, kept, "{status}");
        if kept > 0 {
            nothing_is_lost(&name, &sandbox);
        }
    }
}

#[test]
fn a_delivery_keeps_no_descriptor_of_the_run() {
    let server = Server::start([Response::Never]);
    let sandbox = Sandbox::new();
    // A reader of the whole output would wait for the delivery, if that held the pipe, and then find none.
    sandbox.reporting_run(&server).run().expect(0);
    let deliveries = sandbox.deliveries();
    assert!(!deliveries.is_empty(), "it continues after the run");
    for pid in &deliveries {
        assert_eq!(group(*pid), Some(pid.to_string()), "a process group of its own");
    }
    if !is_root() {
        return skip("the descriptors of a delivery", "they are closed to all but root");
    }
    for pid in deliveries {
        let target = |descriptor: u32| {
            std::fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).expect("it is alive")
        };
        assert_eq!(target(0), sandbox.outbox(), "the one that the run has opened");
        for descriptor in 1..3 {
            assert_eq!(target(descriptor).to_str(), Some("/dev/null"), "{descriptor}");
        }
    }
}

/// The third field behind the name, see `proc_pid_stat(5)`.
fn group(pid: u32) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    status.rsplit(") ").next()?.split(' ').nth(2).map(str::to_owned)
}

#[test]
fn purging_stops_a_delivery_that_is_under_way() {
    let server = Server::start([Response::Delayed(300)]);
    let sandbox = Sandbox::new();
    sandbox.reporting_run(&server).run().expect(0);
    sandbox.bootstrap(["telemetry", "purge", "--yes"]).run().expect(0);
    sandbox.wait_for_deliveries();
    assert!(server.received().len() < 5, "{} went out all the same", server.received().len());
    assert!(sandbox.queued().is_empty());
}
