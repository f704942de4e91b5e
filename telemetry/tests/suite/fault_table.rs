//! What one pass does for each answer and each fault: its requests, and the result for the documents.
//!
//! `cargo test -p telemetry --test suite -- fault_table --nocapture` prints the table.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use telemetry::{DeliveryEnd, Endpoint, LedgerOutcome};

use crate::support::scratch::Scratch;
use crate::support::server::{Act, FaultServer};
use crate::support::tls::Authority;

/// As many as a run makes.
const DOCUMENTS: usize = 5;

/// What an endpoint does to everything.
#[derive(Clone, Debug)]
enum Fault {
    Answers(Act),
    Refuses,
    IsNotTrusted,
}

/// What a pass did, and what the next one did once the endpoint worked.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    attempts: usize,
    delivered: usize,
    refused: usize,
    kept: usize,
    ended: &'static str,
    later: usize,
}

/// The document is delivered: one request for each.
const DELIVERED: Row = Row { attempts: 5, delivered: 5, refused: 0, kept: 0, ended: "done", later: 0 };

/// The receiver judged the document: each gets its judgement.
const REFUSED: Row = Row { attempts: 5, delivered: 0, refused: 5, kept: 0, ended: "done", later: 0 };

/// The endpoint is misconfigured: one request shows it, and nothing is lost.
const MISCONFIGURED: Row =
    Row { attempts: 1, delivered: 0, refused: 0, kept: 5, ended: "misconfigured", later: 5 };

/// The endpoint asks to wait: the attempts on one document count for all.
const UNAVAILABLE: Row =
    Row { attempts: 3, delivered: 0, refused: 0, kept: 5, ended: "unavailable", later: 5 };

/// There is no answer.
const UNREACHABLE: Row =
    Row { attempts: 3, delivered: 0, refused: 0, kept: 5, ended: "unreachable", later: 5 };

/// The endpoint asks to wait for longer than a pass lasts.
const DEADLINE: Row = Row { attempts: 1, delivered: 0, refused: 0, kept: 5, ended: "deadline", later: 5 };

fn table() -> Vec<(String, Fault, Row)> {
    let status = |status: u16, row| (status.to_string(), Fault::Answers(Act::status(status)), row);
    let waiting = |status, seconds: &str, row| {
        let act = Act::with_header(status, "Retry-After", seconds);
        (format!("{status}, Retry-After {seconds}"), Fault::Answers(act), row)
    };
    let fault = |name: &str, fault| (name.to_owned(), fault, UNREACHABLE);
    let mut rows = Vec::new();
    rows.extend([200, 201, 202, 204].map(|code| status(code, DELIVERED)));
    rows.extend([400, 422].map(|code| status(code, REFUSED)));
    let misconfigured = [301, 302, 304, 307, 308, 401, 403, 404, 405, 407, 409, 410, 413, 415, 431];
    rows.extend(misconfigured.map(|code| status(code, MISCONFIGURED)));
    rows.extend([408, 425, 429, 500, 502, 503, 504].map(|code| status(code, UNAVAILABLE)));
    rows.extend([429, 503].map(|code| waiting(code, "1", UNAVAILABLE)));
    rows.extend([429, 503].map(|code| waiting(code, "3600", DEADLINE)));
    rows.extend([
        fault("refuses connections", Fault::Refuses),
        fault("hangs", Fault::Answers(Act::Silence)),
        fault("resets", Fault::Answers(Act::Reset)),
        fault("speaks no HTTP", Fault::Answers(Act::Garbage)),
        fault("has an unknown certificate", Fault::IsNotTrusted),
    ]);
    rows
}

fn observe(fault: Fault) -> Row {
    let hangs = matches!(fault, Fault::Answers(Act::Silence));
    let server = match fault {
        Fault::Answers(act) => Some(FaultServer::start([act])),
        Fault::IsNotTrusted => {
            Some(FaultServer::start_tls([Act::status(202)], Authority::new(&["localhost"]).server()))
        }
        Fault::Refuses => None,
    };
    // Not a port that was free a moment ago: the server of another test could get it.
    let nobody = || format!("http://{}/telemetry", SocketAddr::from((Ipv4Addr::LOCALHOST, 9)));
    let mut scratch = Scratch::new(&server.as_ref().map_or_else(nobody, FaultServer::url));
    let patience = scratch.settings.clone();
    if hangs {
        scratch = scratch.with_short_timeouts();
    }
    scratch.emit(DOCUMENTS);
    let summary = scratch.deliver();
    let outcomes = scratch.status().ledger;
    let attempts = outcomes.iter().filter(|line| line.outcome != LedgerOutcome::Evicted).count();
    // Where requests arrive, each attempt is one.
    let arrived = server.as_ref().map_or(0, |server| server.received().len());
    assert!(arrived == attempts || arrived == 0, "{arrived} requests for {attempts} attempts");
    let right = FaultServer::start([Act::status(202)]);
    scratch.settings =
        telemetry::DeliverySettings { endpoint: Endpoint::parse(&right.url()).ok(), ..patience };
    let later = scratch.deliver().delivered;
    assert_eq!((right.received().len(), scratch.status().waiting.len()), (later, 0));
    Row {
        attempts,
        delivered: summary.delivered,
        refused: summary.refused,
        kept: summary.waiting,
        ended: word(summary.ended),
        later,
    }
}

fn word(ended: DeliveryEnd) -> &'static str {
    match ended {
        DeliveryEnd::Done => "done",
        DeliveryEnd::Misconfigured(_) => "misconfigured",
        DeliveryEnd::Unavailable(_) => "unavailable",
        DeliveryEnd::Unreachable(_) => "unreachable",
        DeliveryEnd::Deadline => "deadline",
        other => panic!("{other:?}"),
    }
}

#[expect(clippy::print_stdout, reason = "the table is what a reader wants of it")]
#[test]
fn each_answer_and_each_fault_costs_what_the_contract_says_and_loses_nothing() {
    let table = table();
    // They mostly wait, each for its own endpoint.
    let found: Vec<Row> = thread::scope(|scope| {
        let rows = table.iter().map(|(_, fault, _)| scope.spawn(|| observe(fault.clone())));
        let rows: Vec<_> = rows.collect();
        rows.into_iter().map(|row| row.join().expect("no panic")).collect()
    });
    println!("| endpoint | attempts | delivered | refused | kept | ended | later |");
    println!("|---|---|---|---|---|---|---|");
    for ((name, ..), row) in table.iter().zip(&found) {
        let Row { attempts, delivered, refused, kept, ended, later } = row;
        println!("| {name} | {attempts} | {delivered} | {refused} | {kept} | {ended} | {later} |");
    }
    for ((name, _, expected), row) in table.iter().zip(&found) {
        assert_eq!(row, expected, "{name}");
    }
}
