//! Endpoints that do not answer as they should.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use telemetry::{DeliveryEnd, FailureClass};

use crate::support::scratch::Scratch;
use crate::support::server::{Act, FaultServer};
use crate::support::tls::Authority;

/// The pass ends with this failure after the attempts on the first document; the second keeps its count.
fn check_unreachable(scratch: &Scratch, class: FailureClass) {
    let endpoint = scratch.settings.endpoint.as_ref().expect("an endpoint").url();
    let ids = scratch.emit(2);
    let summary = scratch.deliver();
    let DeliveryEnd::Unreachable(failure) = summary.ended else { panic!("{endpoint}: {summary:?}") };
    assert_eq!((failure.class, summary.waiting), (class, 2), "{endpoint}");
    assert_eq!(ids.iter().map(|id| scratch.attempts(*id)).collect::<Vec<_>>(), [3, 0], "{endpoint}");
    let told = scratch.status();
    assert_eq!(told.ledger.len(), 3);
    assert!(told.ledger.iter().all(|line| line.failure == Some(class)));
}

#[test]
fn refused() {
    // Not a port that was free a moment ago: the server of another test could get it.
    check_unreachable(&Scratch::new("http://127.0.0.1:9/telemetry"), FailureClass::Connect);
}

#[test]
fn unresolvable() {
    // A label of 64 characters is not a name, so the resolver refuses it without a query.
    check_unreachable(
        &Scratch::new(&format!("http://{}.invalid/telemetry", "a".repeat(64))),
        FailureClass::Dns,
    );
}

#[test]
fn accepts_and_never_answers() {
    let server = FaultServer::start([Act::Silence]);
    check_unreachable(&Scratch::new(&server.url()).with_short_timeouts(), FailureClass::Timeout);
}

#[test]
fn answers_one_byte_a_second() {
    let server = FaultServer::start([Act::Trickle]);
    check_unreachable(&Scratch::new(&server.url()).with_short_timeouts(), FailureClass::Timeout);
}

#[test]
fn resets_after_the_body() {
    let server = FaultServer::start([Act::Reset]);
    check_unreachable(&Scratch::new(&server.url()), FailureClass::Connection);
}

#[test]
fn certificate_is_not_trusted() {
    let authority = Authority::new(&["localhost"]);
    let server = FaultServer::start_tls([Act::status(202)], authority.server());
    check_unreachable(&Scratch::new(&server.url()), FailureClass::Tls);
    assert!(server.received().is_empty(), "nothing is sent to a stranger");
}

#[test]
fn a_tls_endpoint_that_never_shakes_hands_times_out() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let scratch = Scratch::new(&format!("https://localhost:{port}/telemetry")).with_short_timeouts();
    check_unreachable(&scratch, FailureClass::Timeout);
}

#[test]
fn an_endless_answer_is_not_read() {
    let server = FaultServer::start([Act::Endless]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(2);
    let summary = scratch.deliver();
    assert_eq!((summary.delivered, summary.ended), (2, DeliveryEnd::Done));
    // Beyond a few kilobytes, the data was in the buffers of the sockets when the connections were closed.
    assert!(server.endless_bytes() < 32 * 1024 * 1024, "{}", server.endless_bytes());
}

#[test]
fn an_answer_that_announces_more_than_is_read_is_not_waited_for() {
    // The body never comes. Whoever waited for it would wait for the whole pass, and the second document with it.
    let server = FaultServer::start([Act::Announces(202, schema::delivery::MAX_ANSWER_BYTES + 1)]);
    let mut scratch = Scratch::new(&server.url());
    scratch.settings.request_timeout = telemetry::DEADLINE;
    scratch.emit(2);
    let summary = scratch.deliver();
    assert_eq!((summary.delivered, summary.ended), (2, DeliveryEnd::Done));
}

#[test]
fn a_round_ends_in_time_whatever_the_endpoint_does() {
    for act in [Act::Silence, Act::Trickle, Act::status(503), Act::with_header(503, "Retry-After", "1")] {
        let server = FaultServer::start([act.clone()]);
        let mut scratch = Scratch::new(&server.url());
        scratch.settings.request_timeout = Duration::from_mins(1);
        scratch.settings.max_attempts = 10;
        scratch.emit(3);
        let started = Instant::now();
        let summary = scratch.deliver_within(Duration::from_secs(2));
        // One attempt alone may take a minute. The margin is for a busy machine.
        assert!(started.elapsed() < Duration::from_secs(30), "{act:?}: {:?}", started.elapsed());
        assert_eq!((summary.waiting, summary.ended), (3, DeliveryEnd::Deadline), "{act:?}");
    }
}

#[test]
fn without_an_endpoint_everything_waits() {
    let scratch = Scratch::new("");
    let id = scratch.emit(1)[0];
    let summary = scratch.deliver();
    assert_eq!((summary.ended, summary.waiting, scratch.attempts(id)), (DeliveryEnd::NoEndpoint, 1, 0));
}
