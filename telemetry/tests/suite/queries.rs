//! What the operator sees is exactly what is sent.

use std::fs;

use schema::{
    Arch, ComponentLabel, Envelope, EventId, Execution, Finish, Id, Mode, OsFamily, OsId, OsVersion,
    Platform, RunManifest, Support, UtcSeconds,
};
use telemetry::{BearerToken, DeliveryEnd, Endpoint, QueuedRequest, TelemetryError};

use crate::support::scratch::{Scratch, document};
use crate::support::server::{Act, FaultServer};

#[test]
fn the_request_that_is_shown_is_the_one_that_goes_out() {
    let server = FaultServer::start([Act::status(202)]);
    let mut scratch = Scratch::new(&server.url());
    let token = BearerToken::parse("s3cr3t-token").expect("a token");
    let endpoint = Endpoint::parse(&server.url()).expect("an endpoint");
    scratch.settings.endpoint = Some(endpoint.with_token(token).expect("loopback"));
    scratch.emit(1);
    let all = telemetry::show_all(&scratch.settings.outbox, &scratch.settings, &scratch.gate);
    let [QueuedRequest::Sendable(shown)] = &all.expect("shown")[..] else { panic!("one waits") };
    assert_eq!(scratch.deliver().delivered, 1);
    let [sent] = &server.received()[..] else { panic!("one request") };
    // Only the second of the attempt may differ.
    let mut shown_body: serde_json::Value = serde_json::from_slice(shown.body()).expect("JSON");
    shown_body["sent_at"] = sent.json()["sent_at"].clone();
    assert_eq!(shown_body.to_string().as_bytes(), sent.body);
    assert!(sent.head.starts_with(&format!("POST {} HTTP/1.1\r\n", shown.url().path())));
    let names = |lines: Vec<String>| {
        let mut lines: Vec<String> = lines.into_iter().map(|line| line.to_lowercase()).collect();
        lines.sort();
        lines
    };
    let mut expected: Vec<String> = shown.headers().iter().map(ToString::to_string).collect();
    expected.extend([format!("host: {}", server.url().split('/').nth(2).expect("a host"))]);
    expected.extend([format!("content-length: {}", sent.body.len())]);
    let masked = sent.head.replace("s3cr3t-token", "********");
    assert_eq!(
        names(masked.lines().skip(1).filter(|line| !line.is_empty()).map(Into::into).collect()),
        names(expected)
    );
    assert_eq!(sent.header("authorization"), Some("Bearer s3cr3t-token"));
    assert_eq!(sent.header("x-productive-k3s-telemetry"), Some("pk3s-public-v1"));
    assert_eq!(sent.header("x-productive-k3s-contract"), Some(schema::CONTRACT_VERSION));
    assert!(!format!("{shown:?}").contains("s3cr3t"));
}

#[test]
fn a_status_tells_what_waits_and_why() {
    let server = FaultServer::start([Act::status(422), Act::status(503)]);
    let mut scratch = Scratch::new(&server.url());
    scratch.settings.max_attempts = 1;
    let ids = scratch.emit(2);
    assert!(matches!(scratch.deliver().ended, DeliveryEnd::Unavailable(_)));
    fs::write(scratch.file(EventId::random()), b"{").expect("written");
    let told = scratch.status();
    let [waiting] = &told.waiting[..] else { panic!("one waits") };
    assert_eq!(
        (waiting.event_id, waiting.event_name, waiting.attempts),
        (ids[1], "core.command.completed", 1)
    );
    assert_eq!(waiting.last_failure.and_then(|failure| failure.status), Some(503));
    let [rejected] = &told.rejected[..] else { panic!("one is refused") };
    assert_eq!(
        (rejected.event_id, rejected.reason.rule.as_ref(), rejected.attempts),
        (ids[0], "http.422", 1)
    );
    assert_eq!((told.unfit, rejected.entry.is_none(), told.ledger.len()), (1, true, 2));
    assert_eq!(telemetry::status(&scratch.settings.outbox, 1).expect("a status").ledger, told.ledger[1..]);
}

#[test]
fn looking_creates_nothing() {
    let scratch = Scratch::new("http://localhost:1/");
    assert_eq!(scratch.status(), telemetry::OutboxStatus::default());
    let (outbox, settings, gate) = (&scratch.settings.outbox, &scratch.settings, &scratch.gate);
    assert!(telemetry::show_all(outbox, settings, gate).expect("shown").is_empty());
    let id = EventId::random();
    let shown = telemetry::show(outbox, settings, gate, id);
    assert!(matches!(shown, Err(TelemetryError::NotQueued(missing)) if missing == id));
    telemetry::preview(&scratch.settings, &scratch.gate, &document()).expect("a preview");
    assert!(!scratch.dir().exists());
}

#[test]
fn what_may_not_be_sent_is_shown_by_its_rule_and_hides_nothing_else() {
    let scratch = Scratch::new("http://localhost:1/");
    let [good, body, refused] = scratch.emit(3)[..] else { panic!("three") };
    let damaged = EventId::random();
    fs::write(scratch.file(damaged), b"{").expect("written");
    for (id, from, to) in [
        (body, "\"anonymous_by_contract\":true", "\"anonymous_by_contract\":false"),
        (refused, "\"last_failure\":null", "\"last_failure\":{\"class\":\"refused\",\"status\":422}"),
    ] {
        let text = fs::read_to_string(scratch.file(id)).expect("read");
        assert!(text.contains(from), "{text}");
        fs::write(scratch.file(id), text.replace(from, to)).expect("written");
    }
    let (outbox, settings, gate) = (&scratch.settings.outbox, &scratch.settings, &scratch.gate);
    let all = telemetry::show_all(outbox, settings, gate).expect("shown");
    let mut rules: Vec<(EventId, String)> = all
        .iter()
        .filter_map(|found| match found {
            QueuedRequest::Sendable(_) | QueuedRequest::Held(..) => None,
            QueuedRequest::Refused(id, reason) => Some((*id, reason.rule.to_string())),
        })
        .collect();
    rules.sort();
    let mut expected = [(body, "schema.const"), (refused, "http.422"), (damaged, "entry.malformed")]
        .map(|(id, rule)| (id, rule.to_owned()));
    expected.sort();
    assert_eq!((all.len(), rules), (4, expected.to_vec()));
    let shown = telemetry::show(outbox, settings, gate, good).expect("shown");
    let QueuedRequest::Sendable(request) = shown else { panic!("{shown:?}") };
    assert!(String::from_utf8_lossy(request.body()).contains(&good.to_string()));
    let shown = telemetry::show(outbox, settings, gate, refused).expect("shown");
    assert!(matches!(shown, QueuedRequest::Refused(id, _) if id == refused), "{shown:?}");
}

fn manifest() -> RunManifest {
    let platform = Platform {
        support: Support::Supported,
        os_family: OsFamily::Debian,
        os_id: OsId::Ubuntu,
        os_version: OsVersion::or_other("24.04"),
        arch: Arch::Amd64,
    };
    let at = UtcSeconds::parse("2026-11-22T07:50:02Z").expect("a time");
    RunManifest::begin(
        Id::parse("0123456789abcdef").expect("an id"),
        Execution::DryRun,
        Mode::Server,
        platform,
        at,
    )
}

#[test]
fn only_the_manifest_of_a_run_that_ended_becomes_an_event() {
    let scratch = Scratch::new("http://localhost:1/");
    let envelope = Envelope {
        session_id: Id::random(),
        run_id: Id::random(),
        parent_run_id: None,
        component: ComponentLabel::Core,
    };
    let id = EventId::random();
    let event = |bytes: &[u8]| telemetry::manifest_event(bytes, &scratch.gate, &envelope, id);
    let bytes = |manifest: &RunManifest| serde_json::to_vec(manifest).expect("JSON");
    let mut manifest = manifest();
    assert!(matches!(event(&bytes(&manifest)), Err(TelemetryError::NotFinished)));
    manifest.finish(Finish::Success, 0, UtcSeconds::parse("2026-11-22T07:51:02Z").expect("a time"));
    let document = event(&bytes(&manifest)).expect("an event");
    assert_eq!((document.event_name(), document.run_id()), ("bootstrap.completed", &manifest.run_id));
    assert_eq!((document.event_id(), Some(document.occurred_at())), (id, manifest.finished_at));
    scratch.gate.vet(&document).expect("passes the gate");
    // Sent a second time, it is the same document: a receiver drops it.
    assert_eq!(event(&bytes(&manifest)).expect("an event"), document);
    let telemetry_document = serde_json::to_vec(&document).expect("JSON");
    assert!(matches!(event(&telemetry_document), Err(TelemetryError::NotAManifest)));
    assert!(matches!(event(br#"{"steps":[]}"#), Err(TelemetryError::Rejected(_))));
    assert!(matches!(event(b"no JSON"), Err(TelemetryError::Rejected(_))));
}
