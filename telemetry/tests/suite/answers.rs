//! What each answer means.

use std::time::{Duration, Instant, SystemTime};

use telemetry::{AttemptFailure, DeliveryEnd, Endpoint, FailureClass, LedgerOutcome};

use crate::support::scratch::Scratch;
use crate::support::server::{Act, FaultServer};

#[test]
fn every_2xx_is_delivered_byte_for_byte_and_written_down() {
    for status in [200, 201, 202, 204, 299] {
        let server = FaultServer::start([Act::status(status)]);
        let scratch = Scratch::new(&server.url());
        let id = scratch.emit(1)[0];
        let summary = scratch.deliver();
        assert_eq!(
            (summary.delivered, summary.waiting, summary.ended),
            (1, 0, DeliveryEnd::Done),
            "{status}"
        );
        let [received] = &server.received()[..] else { panic!("one request") };
        scratch.gate.check(&received.body).expect("what was sent passes the gate");
        assert_eq!(received.json()["event_id"], id.to_string());
        let told = scratch.status();
        let [line] = &told.ledger[..] else { panic!("one line") };
        assert_eq!(
            (line.outcome, line.event_id, line.status),
            (LedgerOutcome::Delivered, Some(id), Some(status))
        );
        assert_eq!((line.attempt, line.sha256.as_deref()), (Some(1), Some(sha256(&received.body).as_str())));
        assert_eq!(line.event_name.as_deref(), received.json()["event_name"].as_str());
        assert!(told.waiting.is_empty() && told.rejected.is_empty());
    }
}

fn sha256(body: &[u8]) -> String {
    use sha2::Digest;
    format!("{:x}", sha2::Sha256::digest(body))
}

#[test]
fn a_permanent_refusal_is_set_aside_and_the_rest_goes_on() {
    let refusals = [400, 422];
    let acts = refusals.iter().map(|status| Act::status(*status)).chain([Act::status(202)]);
    let server = FaultServer::start(acts);
    let scratch = Scratch::new(&server.url());
    let ids = scratch.emit(refusals.len() + 1);
    let summary = scratch.deliver();
    assert_eq!((summary.refused, summary.delivered, summary.ended), (refusals.len(), 1, DeliveryEnd::Done));
    assert_eq!(server.received().len(), refusals.len() + 1, "no refusal is tried again");
    let mut found: Vec<u16> = scratch.status().rejected.iter().filter_map(|one| one.reason.status).collect();
    found.sort_unstable();
    assert_eq!(found, refusals);
    assert!(ids.iter().all(|id| !scratch.file(*id).exists()));
    for (line, sent) in scratch.status().ledger.iter().zip(server.received()).take(refusals.len()) {
        let rule = line.status.map(|status| format!("http.{status}"));
        assert_eq!((line.outcome, line.rule.clone()), (LedgerOutcome::Refused, rule));
        assert_eq!((line.attempt, line.sha256.as_deref()), (Some(1), Some(sha256(&sent.body).as_str())));
    }
}

const UNAVAILABLE: AttemptFailure = AttemptFailure { class: FailureClass::Status, status: Some(500) };

#[test]
fn any_other_status_is_the_endpoints_and_loses_nothing() {
    for status in [301, 302, 304, 307, 401, 403, 404, 405, 407, 409, 410, 413, 415, 451] {
        let server = FaultServer::start([Act::status(202), Act::status(status)]);
        let mut scratch = Scratch::new(&server.url());
        let ids = scratch.emit(3);
        let summary = scratch.deliver();
        let DeliveryEnd::Misconfigured(failure) = summary.ended else { panic!("{status}: {summary:?}") };
        assert_eq!(
            (failure.status, summary.delivered, summary.waiting, summary.refused),
            (Some(status), 1, 2, 0)
        );
        // Only a proxy asks to authenticate to a proxy.
        let class = if status == 407 { FailureClass::Proxy } else { FailureClass::Misconfigured };
        assert_eq!(failure.class, class, "{status}");
        assert_eq!(server.received().len(), 2, "{status}: the rest is not tried");
        assert_eq!(ids[1..].iter().map(|id| scratch.attempts(*id)).collect::<Vec<_>>(), [1, 0], "{status}");
        let told = scratch.status();
        assert_eq!(told.endpoint_state.map(|state| (state.failure, state.not_before)), Some((failure, None)));
        assert_eq!(told.waiting[0].last_failure, Some(failure), "{status}");
        // The endpoint works again: everything arrives with the next pass, and the state is removed.
        let server = FaultServer::start([Act::status(202)]);
        scratch.settings.endpoint = Endpoint::parse(&server.url()).ok();
        assert_eq!((scratch.deliver().delivered, server.received().len()), (2, 2), "{status}");
        assert_eq!(scratch.status().endpoint_state, None);
    }
}

#[test]
fn the_endpoint_is_paused_and_not_the_document() {
    let acts = [Act::with_header(503, "Retry-After", "2"), Act::status(202)];
    let server = FaultServer::start(acts);
    let scratch = Scratch::new(&server.url());
    let ids = scratch.emit(3);
    assert_eq!(scratch.deliver().delivered, 3);
    let received = server.received();
    let sent: Vec<_> = received.iter().map(|request| request.json()["event_id"].clone()).collect();
    let expected = [ids[0], ids[0], ids[1], ids[2]].map(|id| serde_json::json!(id.to_string()));
    assert_eq!(sent, expected, "the same document is tried first");
    assert!(received[1].at - received[0].at >= Duration::from_secs(2), "nothing is sent in the pause");
}

#[test]
fn a_pause_outlasts_its_pass_and_binds_the_next() {
    let server = FaultServer::start([Act::with_header(503, "Retry-After", "2"), Act::status(202)]);
    let mut scratch = Scratch::new(&server.url());
    scratch.settings.max_attempts = 1;
    scratch.emit(1);
    assert!(matches!(scratch.deliver().ended, DeliveryEnd::Unavailable(_)));
    // Stored after the failure: the pause applies to it too.
    scratch.emit(1);
    assert_eq!(scratch.deliver().delivered, 2);
    let received = server.received();
    assert_eq!(received.len(), 3);
    assert!(received[1].at - received[0].at >= Duration::from_secs(2), "the next pass waits");
}

#[test]
fn a_pause_of_one_endpoint_does_not_bind_another() {
    let server = FaultServer::start([Act::with_header(503, "Retry-After", "50")]);
    let mut scratch = Scratch::new(&server.url());
    scratch.settings.max_attempts = 1;
    scratch.emit(1);
    scratch.deliver();
    let other = FaultServer::start([Act::status(202)]);
    scratch.settings.endpoint = Endpoint::parse(&other.url()).ok();
    let summary = scratch.deliver_within(Duration::from_secs(30));
    assert_eq!((summary.delivered, summary.ended), (1, DeliveryEnd::Done));
}

#[test]
fn only_failures_in_a_row_end_a_pass() {
    let acts = [500, 500, 202, 503, 408, 400, 500, 429, 202].map(Act::status);
    let server = FaultServer::start(acts);
    let scratch = Scratch::new(&server.url());
    scratch.emit(3);
    let summary = scratch.deliver();
    assert_eq!((summary.delivered, summary.refused, summary.ended), (2, 1, DeliveryEnd::Done));
    assert_eq!(server.received().len(), 9);
}

#[test]
fn what_asks_for_another_attempt_gets_it_marked_as_a_retry() {
    for status in [408, 425, 429, 500, 502, 503, 599] {
        let server = FaultServer::start([Act::status(status), Act::status(202)]);
        let scratch = Scratch::new(&server.url());
        scratch.emit(1);
        assert_eq!(scratch.deliver().delivered, 1, "{status}");
        let [first, second] = &server.received()[..] else { panic!("two requests") };
        let (first, second) = (first.json(), second.json());
        assert_eq!(first["event_id"], second["event_id"]);
        let marks = |document: &serde_json::Value| {
            ["delivery_attempt", "retry_attempt", "is_retry"].map(|field| document[field].to_string())
        };
        assert_eq!(
            (marks(&first), marks(&second)),
            (["1", "0", "false"].map(Into::into), ["2", "1", "true"].map(Into::into))
        );
        let outcomes: Vec<_> =
            scratch.status().ledger.iter().map(|line| (line.outcome, line.status)).collect();
        assert_eq!(outcomes, [(LedgerOutcome::Failed, Some(status)), (LedgerOutcome::Delivered, Some(202))]);
    }
}

#[test]
fn twice_unavailable_is_survived_in_one_round() {
    let server = FaultServer::start([Act::status(503), Act::status(503), Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(1);
    let summary = scratch.deliver();
    assert_eq!((summary.delivered, summary.ended, server.received().len()), (1, DeliveryEnd::Done, 3));
}

#[test]
fn a_server_that_fails_for_ever_gets_its_attempts_and_the_document_waits() {
    let server = FaultServer::start([Act::status(500)]);
    let mut scratch = Scratch::new(&server.url());
    let ids = scratch.emit(2);
    let summary = scratch.deliver();
    assert_eq!(
        (summary.delivered, summary.waiting, summary.ended),
        (0, 2, DeliveryEnd::Unavailable(UNAVAILABLE))
    );
    assert_eq!(ids.iter().map(|id| scratch.attempts(*id)).collect::<Vec<_>>(), [3, 0]);
    assert_eq!(
        server.received().len(),
        3,
        "an endpoint that is down gets three requests, not three a document"
    );
    assert_eq!(scratch.entry(ids[0])["last_failure"]["status"], 500);
    // The next pass continues the count, and with it the mark.
    let server = FaultServer::start([Act::status(202)]);
    scratch.settings.endpoint = Endpoint::parse(&server.url()).ok();
    assert_eq!(scratch.deliver().delivered, 2);
    let attempts =
        server.received().iter().map(|sent| sent.json()["delivery_attempt"].clone()).collect::<Vec<_>>();
    assert_eq!(attempts, [1, 4], "what was not tried goes first");
}

#[test]
fn a_document_that_makes_the_endpoint_fail_does_not_hold_up_the_others() {
    let server = FaultServer::start([500, 500, 500, 202, 202, 500].map(Act::status));
    let scratch = Scratch::new(&server.url());
    let ids = scratch.emit(3);
    assert!(matches!(scratch.deliver().ended, DeliveryEnd::Unavailable(_)));
    let summary = scratch.deliver();
    assert_eq!((summary.delivered, summary.waiting), (2, 1));
    let sent: Vec<_> = server.received().iter().map(|request| request.json()["event_id"].clone()).collect();
    let [bad, second, third] = [0, 1, 2].map(|at| serde_json::json!(ids[at].to_string()));
    assert_eq!(sent, [&bad, &bad, &bad, &second, &third, &bad, &bad, &bad].map(Clone::clone));
    assert_eq!(scratch.attempts(ids[0]), 6, "it is not given up");
}

#[test]
fn a_document_whose_attempts_were_not_all_made_keeps_its_place() {
    let server = FaultServer::start([Act::status(503), Act::status(202)]);
    let mut scratch = Scratch::new(&server.url());
    scratch.settings.max_attempts = 1;
    let first = scratch.emit(1)[0];
    scratch.deliver();
    // One attempt of three: the document has not yet ended a pass.
    scratch.settings.max_attempts = 3;
    let second = scratch.emit(1)[0];
    assert_eq!(scratch.deliver().delivered, 2);
    let sent: Vec<_> = server.received().iter().map(|request| request.json()["event_id"].clone()).collect();
    assert_eq!(sent, [first, first, second].map(|id| serde_json::json!(id.to_string())));
}

#[test]
fn the_number_of_attempts_is_the_setting() {
    let server = FaultServer::start([Act::status(500)]);
    let mut scratch = Scratch::new(&server.url());
    scratch.settings.max_attempts = 1;
    scratch.emit(1);
    scratch.deliver();
    assert_eq!(server.received().len(), 1);
}

#[test]
fn retry_after_is_kept_to_in_both_forms() {
    let in_three_seconds = || SystemTime::now() + Duration::from_secs(3);
    for date in [None, Some(in_three_seconds())] {
        let value = &date.map_or("2".to_owned(), httpdate::fmt_http_date);
        let server = FaultServer::start([Act::with_header(429, "Retry-After", value), Act::status(202)]);
        let scratch = Scratch::new(&server.url());
        scratch.emit(1);
        assert_eq!(scratch.deliver().delivered, 1, "{value}");
        let [first, second] = &server.received()[..] else { panic!("two requests") };
        match date {
            None => assert!(second.at - first.at >= Duration::from_secs(2), "{value}: too early"),
            // The header has no fractions of a second.
            Some(date) => assert!(second.arrived_at() + Duration::from_secs(1) >= date, "{value}: too early"),
        }
    }
}

#[test]
fn an_absurd_retry_after_ends_the_round_and_does_not_outlast_it() {
    // The next pass waits for its time, so these are side by side.
    std::thread::scope(|scope| {
        for value in ["99999999999999999999", "86400", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            scope.spawn(move || {
                // Enough for an answer, however busy the machine is.
                let round = Duration::from_secs(20);
                let server =
                    FaultServer::start([Act::with_header(429, "Retry-After", value), Act::status(202)]);
                let scratch = Scratch::new(&server.url());
                let id = scratch.emit(1)[0];
                let summary = scratch.deliver_within(round);
                assert_eq!(
                    (summary.ended, summary.waiting, server.received().len()),
                    (DeliveryEnd::Deadline, 1, 1),
                    "{value}"
                );
                assert_eq!(scratch.attempts(id), 1);
                let state = scratch.status().endpoint_state.expect("a failure is remembered");
                let not_before = state.not_before.expect("a pause");
                let latest = chrono::Utc::now() + round + Duration::from_secs(1);
                assert!(not_before <= latest.into(), "{value}: {not_before}");
                assert_eq!(scratch.deliver().delivered, 1, "{value}");
            });
        }
    });
}

#[test]
fn redirects_are_never_followed() {
    let other = FaultServer::start([Act::status(202)]);
    for status in [301, 302, 307, 308] {
        let server = FaultServer::start([Act::with_header(status, "Location", &other.url())]);
        let scratch = Scratch::new(&server.url());
        scratch.emit(1);
        let summary = scratch.deliver();
        assert!(matches!(summary.ended, DeliveryEnd::Misconfigured(_)), "{status}: {summary:?}");
        assert_eq!((summary.refused, summary.waiting), (0, 1), "{status}");
    }
    assert!(other.received().is_empty());
}

#[test]
fn one_connection_carries_many_documents() {
    // Many servers send the head first; without reading the body, the connection could not be used again.
    let server = FaultServer::start([Act::LateBody(202, r#"{"status":"accepted"}"#.to_owned())]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(5);
    assert_eq!(scratch.deliver().delivered, 5);
    assert!(server.received().iter().all(|request| request.connection == 0));
}

#[test]
fn documents_go_in_the_order_in_which_they_were_stored() {
    let server = FaultServer::start([Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    let ids = scratch.emit(8);
    scratch.deliver();
    let arrived: Vec<_> =
        server.received().iter().map(|request| request.json()["event_id"].clone()).collect();
    assert_eq!(arrived, ids.iter().map(|id| serde_json::json!(id.to_string())).collect::<Vec<_>>());
}

#[test]
fn nobody_waits_for_a_time_that_is_after_the_round() {
    let server = FaultServer::start([Act::with_header(503, "Retry-After", "3600")]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(1);
    let started = Instant::now();
    assert_eq!(scratch.deliver().ended, DeliveryEnd::Deadline);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}
