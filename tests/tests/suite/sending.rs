//! `telemetry flush` and `telemetry send`: under which marker events go, and whether the exit code says what became of them.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::{Invocation, Response, Sandbox, Server};

fn enabled(call: Invocation, server: &Server) -> Invocation {
    call.env("TELEMETRY_ENABLED", "true").env("TELEMETRY_ENDPOINT", server.url())
}

/// How many events arrived under each marker.
fn markers(server: &Server) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in server.accepted() {
        let marker = request.header("X-Productive-K3S-Telemetry").expect("a marker");
        *counts.entry(marker.to_owned()).or_default() += 1;
    }
    counts
}

/// Also where another process has got the refusal, so that this one finds nothing to do.
#[test]
fn send_of_a_refused_document_is_no_success() {
    let server = Server::start([Response::Status(422)]);
    let sandbox = Sandbox::new();
    sandbox.dry_run("stack").run().expect(0);
    let run = sandbox.only_run();
    let send = enabled(sandbox.bootstrap(["telemetry", "send"]), &server).args([&run.public]);
    let outcome = send.run().expect(1);
    assert!(outcome.stdout.contains("0 delivered, 1 refused, 0 queued."), "{outcome}");
    assert!(outcome.stderr.starts_with("error: the event was not delivered: "), "{outcome}");
    assert_eq!(server.received().len(), 1);
}

/// The same record was sent before, and its event has the same id.
#[test]
fn an_earlier_delivery_of_the_event_does_not_count_where_the_ledger_can_no_longer_be_written() {
    let server = Server::start([Response::Status(202), Response::Status(422)]);
    let sandbox = Sandbox::new();
    sandbox.dry_run("stack").run().expect(0);
    let send = enabled(sandbox.bootstrap(["telemetry", "send"]), &server).args([sandbox.only_run().public]);
    send.run().expect(0);
    let ledger = sandbox.outbox().join("ledger.jsonl");
    let mut line: Value =
        serde_json::from_slice(&std::fs::read(&ledger).expect("a ledger")).expect("one line");
    assert_eq!(line["outcome"], "delivered");
    line["time"] = "2026-01-02T03:04:05Z".into();
    std::fs::write(&ledger, format!("{line}\n")).expect("ours");
    std::fs::hard_link(&ledger, sandbox.root().join("second-name")).expect("ours");
    let outcome = send.run().expect(1);
    assert!(outcome.stdout.contains("0 delivered, 1 refused, 0 queued."), "{outcome}");
}

/// A network names the machine after the run; here a setting in the environment does.
#[test]
fn what_is_held_for_its_marker_is_sent_under_the_next_one_and_makes_no_other_event_fail() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    let run = sandbox.reporting_run(&server).env("TELEMETRY_ENDPOINT", "");
    run.env("TELEMETRY_MARKER", "acme-fleet").run().expect(0);
    let run = sandbox.only_run();
    let named = |command| {
        let call = sandbox.bootstrap(["telemetry", command]).env("TELEMETRY_ENDPOINT", server.url());
        let url = "https://k3s.acme.example:6443";
        call.env("TELEMETRY_ENABLED", "true").env("PRODUCTIVE_K3S_AGENT_SERVER_URL", url)
    };
    let outcome = named("flush").run().expect(1);
    assert!(outcome.stdout.contains("0 delivered, 0 refused, 5 queued."), "{outcome}");
    let mut other = run.manifest();
    other["started_at"] = "2026-01-02T03:04:05Z".into();
    let other = sandbox.file("other.json", &other.to_string(), 0o600);
    let outcome = named("send").args([other]).run().expect(0);
    assert!(outcome.stdout.contains("1 delivered, 0 refused, 5 queued."), "{outcome}");
    let outcome = named("send").args([&run.public]).run().expect(1);
    assert!(outcome.stdout.contains("0 delivered, 0 refused, 5 queued."), "{outcome}");
    let told = named("status").run().expect(0);
    assert!(told.stdout.contains("another TELEMETRY_MARKER"), "{told}");
    named("send").args([&run.public]).env("TELEMETRY_MARKER", "fleet-7").run().expect(0);
    let markers = markers(&server);
    assert_eq!([schema::DEFAULT_MARKER, "fleet-7"].map(|marker| markers[marker]), [1, 5]);
}

/// A user is called like the marker of what is queued. The marker that the run is given contains a name that it is told.
#[test]
fn what_is_held_takes_no_marker_with_a_name_that_a_run_was_told() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    let run = sandbox.reporting_run(&server).env("TELEMETRY_ENDPOINT", "");
    run.env("TELEMETRY_MARKER", "acme-fleet").run().expect(0);
    let first = sandbox.only_run();
    let named = |call| enabled(call, &server).env("USER", "acme").env("TELEMETRY_MARKER", "zeta-fleet");
    let outcome = named(sandbox.dry_run("single-node").args(["--domain", "zeta.example"])).run().expect(0);
    assert!(outcome.warnings()[0].starts_with("TELEMETRY_MARKER is not a header value"), "{outcome}");
    sandbox.wait_for_deliveries();
    let default = BTreeMap::from([(schema::DEFAULT_MARKER.to_owned(), 5)]);
    assert_eq!((markers(&server), sandbox.queued().len()), (default.clone(), 5), "the delivery of the run");
    let flush = || named(sandbox.bootstrap(["telemetry", "flush"]));
    let outcome = flush().run().expect(1);
    assert!(outcome.warnings()[0].contains("it contains a name that a run was told"), "{outcome}");
    // Nobody knows what a record that cannot be read names.
    let record = std::fs::read(&first.private).expect("a record");
    std::fs::write(&first.private, "{").expect("ours");
    let outcome = flush().env("TELEMETRY_MARKER", "fleet-7").run().expect(1);
    assert!(outcome.warnings()[0].contains("damaged"), "{outcome}");
    assert_eq!((markers(&server), sandbox.queued().len()), (default, 5));
    std::fs::write(&first.private, record).expect("ours");
    let outcome = flush().env("TELEMETRY_MARKER", "fleet-7").run().expect(0);
    assert!(outcome.warnings().is_empty(), "{outcome}");
    assert_eq!(markers(&server)["fleet-7"], 5);
}
