//! The answers to a sender.

use std::thread;

use schema::{ComponentLabel, Finish, Id};
use serde_json::{Value, json};

use crate::documents::{in_session, sample, sample_at};
use crate::fleet::hosts;
use crate::support::{Site, on_both_stores};

on_both_stores! {
    a_document_is_accepted_once_and_remembered_over_a_restart,
    the_same_document_a_thousand_times_at_once_is_accepted_once,
    a_body_is_judged_by_the_gate,
    clocks_that_are_far_off_are_stored_as_they_are,
    ids_of_every_form_are_kept_apart,
    a_number_is_stored_as_it_was_read_however_it_was_written,
}

const JSON: &str = "Content-Type: application/json\r\n";
const MARKER: &str = "X-Productive-K3S-Telemetry: test\r\n";

fn a_document_is_accepted_once_and_remembered_over_a_restart(site: &Site) {
    let sample = sample();
    let mut receiver = site.receiver();
    let mut client = receiver.client();
    assert_eq!(client.post(&sample.bytes).outcome(), "accepted");
    let mut again: Value = serde_json::from_slice(&sample.bytes).expect("JSON");
    again["delivery_attempt"] = 2.into();
    again["retry_attempt"] = 1.into();
    again["is_retry"] = true.into();
    again["sent_at"] = "2026-11-23T00:00:00Z".into();
    assert_eq!(client.post(again.to_string().as_bytes()).outcome(), "duplicate");
    assert!(receiver.stop().0.success());
    let receiver = site.receiver();
    assert_eq!(receiver.client().post(&sample.bytes).outcome(), "duplicate");
    assert_eq!(site.stored_events(), [sample.event_id]);
}

fn the_same_document_a_thousand_times_at_once_is_accepted_once(site: &Site) {
    let receiver = site.receiver();
    let sample = sample();
    let accepted: usize = thread::scope(|scope| {
        let senders: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = receiver.client();
                    (0..50).filter(|_| client.post(&sample.bytes).outcome() == "accepted").count()
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().expect("no panic")).sum()
    });
    assert_eq!((accepted, site.stored_events().len()), (1, 1));
}

#[test]
fn headers_decide_before_the_body() {
    let site = Site::sqlite();
    let receiver = site.receiver();
    let body = sample().bytes;
    let mut client = receiver.client();
    let long = format!("X-Productive-K3S-Telemetry: {}\r\n", "m".repeat(65));
    for (headers, expected) in [
        (JSON.to_owned(), 400),
        (format!("{JSON}X-Productive-K3S-Telemetry:\r\n"), 400),
        (format!("{JSON}X-Productive-K3S-Telemetry: caf\u{e9}\r\n"), 400),
        (format!("{JSON}{long}"), 400),
        (format!("{JSON}{MARKER}{MARKER}"), 400),
        (MARKER.to_owned(), 415),
        (format!("{MARKER}Content-Type: text/plain\r\n"), 415),
        (format!("{MARKER}Content-Type: application/json; charset=latin-1\r\n"), 415),
        (format!("{MARKER}{JSON}{JSON}"), 415),
        (format!("{MARKER}Content-Type: application/json; charset=utf-8\r\n"), 202),
    ] {
        let reply = client.post_with(&headers, &body).expect("a response");
        assert_eq!(reply.status, expected, "{headers:?}: {reply:?}");
    }
    for (method, path, expected) in [
        ("GET", "/telemetry", 405),
        ("PUT", "/telemetry", 405),
        ("GET", "/nowhere", 404),
        ("POST", "/nowhere", 404),
    ] {
        assert_eq!(client.request(method, path, "Content-Length: 0\r\n").status, expected, "{method} {path}");
    }
}

fn a_body_is_judged_by_the_gate(site: &Site) {
    let receiver = site.receiver();
    let mut client = receiver.client();
    let good: Value = serde_json::from_slice(&sample().bytes).expect("JSON");
    let mut named = good.clone();
    named["command"]["hostname"] = "srv01".into();
    let reply = client.post(named.to_string().as_bytes());
    assert_eq!(reply.status, 422);
    assert!(reply.body.contains("/command") && !reply.body.contains("srv01"), "{reply:?}");
    assert_eq!(client.post(b"{\"a\": 1} {}").json()["violations"][0]["rule"], "syntax");
    let mut newer = good.clone();
    newer["telemetry_meta"]["contract_version"] = "1.99.0".into();
    newer["later"] = true.into();
    let reply = client.post(newer.to_string().as_bytes());
    assert_eq!((reply.status, reply.json()["reason"].clone()), (503, json!("newer_contract")));
    let seconds: u16 = reply.header("retry-after").expect("a pause").parse().expect("seconds");
    assert!((2..=8).contains(&seconds), "{seconds}");
    assert_eq!(
        receiver.metric("receiver_answers_total{outcome=\"newer_contract\"}"),
        1,
        "it is alarmed by this"
    );
    assert_eq!(client.post(&vec![b' '; 64 * 1024 + 1]).status, 413);
    assert_eq!(site.stored_events(), [""; 0]);
}

#[test]
fn tokens_are_asked_for_where_they_are_configured() {
    let site = Site::sqlite();
    let tokens = site.path().join("tokens");
    #[expect(clippy::disallowed_methods, reason = "a file of the test")]
    std::fs::write(&tokens, "0123456789abcdef-old\n0123456789abcdef-new\n").expect("written");
    let mut receiver = site.receiver_with(&["--ingest-tokens-file", tokens.to_str().expect("UTF-8")]);
    let mut client = receiver.client();
    let body = sample().bytes;
    for (line, expected) in [
        ("", 401),
        ("Authorization: Bearer 0123456789abcdef\r\n", 401),
        ("Authorization: Basic 0123456789abcdef-new\r\n", 401),
        ("Authorization: Bearer 0123456789abcdef-old\r\n", 202),
        ("Authorization: bearer 0123456789abcdef-new\r\n", 202),
    ] {
        let reply = client.post_with(&format!("{JSON}{MARKER}{line}"), &body).expect("a response");
        assert_eq!(reply.status, expected, "{line:?}");
        assert_eq!(reply.header("www-authenticate"), (expected == 401).then_some("Bearer"));
    }
    let log = receiver.stop().1;
    assert!(!log.contains("0123456789abcdef"), "{log}");
}

fn clocks_that_are_far_off_are_stored_as_they_are(site: &Site) {
    let receiver = site.receiver();
    let mut client = receiver.client();
    for at in ["1970-01-01T00:00:00Z", "2099-12-31T23:59:59Z", "9999-12-31T23:59:59Z"] {
        assert_eq!(client.post(&sample_at(at).bytes).outcome(), "accepted", "{at}");
    }
}

fn ids_of_every_form_are_kept_apart(site: &Site) {
    let mut receiver = site.receiver();
    let mut client = receiver.client();
    let run = Id::random();
    for session in
        ["9f86d081884c7d65", "6f1c1f3e3b8e4d539a550b6f3a2c7d10", "6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10"]
    {
        let session = Id::parse(session).expect("an id");
        let sample = in_session(&session, &run, Some(&run), ComponentLabel::Cli, "2026-11-22T07:50:02Z");
        assert_eq!(client.post(&sample.bytes).outcome(), "accepted");
    }
    receiver.stop();
    let kept = site.dump();
    assert_eq!(kept.matches("core.command.completed|cli|").count(), 3, "{kept}");
}

/// `jsonb` takes fewer digits than JSON has: one such document would be a fault in its batch, over and over.
fn a_number_is_stored_as_it_was_read_however_it_was_written(site: &Site) {
    let mut receiver = site.receiver();
    let mut client = receiver.client();
    let zeros = format!("0.{}", "0".repeat(60_000));
    let written = ["0e-20000", &zeros, "-0.0", "0.0000000000000000000000000000000192168001001e-300"];
    let succeeded = hosts(40, 3).into_iter().filter(|host| host.finish == Some(Finish::Success));
    for (host, number) in succeeded.zip(written) {
        let document = String::from_utf8(host.documents().pop().expect("a manifest")).expect("UTF-8");
        let odd = document.replace("\"exit_code\":0", &format!("\"exit_code\":{number}"));
        assert_ne!(odd, document);
        assert_eq!(client.post(odd.as_bytes()).outcome(), "accepted", "{number:.40}");
    }
    assert_eq!(receiver.metric("receiver_poisoned_total"), 0);
    receiver.stop();
    let kept = site.dump().replace(' ', "");
    assert_eq!(kept.matches("\"exit_code\":0,").count(), written.len(), "{kept}");
}
