//! Files in the outbox that were not written there in this form.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use privacy::disk::DiskError;
use privacy::{Gate, LocalIdentifiers};
use schema::EventId;
use telemetry::{
    DeliveryEnd, Endpoint, FailureClass, Outbox, OutboxDir, QueuedRequest, TelemetryError, VettedHeaderValue,
    VettedHeaders,
};

use crate::support::scratch::{CANARY, Scratch, document};
use crate::support::server::{Act, FaultServer, Received};

/// Damages the first of two entries; it is rejected by `rule` and not sent, and the other one is delivered.
fn check_set_aside(rule: &str, spoil: impl FnOnce(&Scratch, EventId)) {
    let server = FaultServer::start([Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    let ids = scratch.emit(2);
    spoil(&scratch, ids[0]);
    let summary = scratch.deliver();
    assert_eq!((summary.delivered, summary.refused, summary.waiting), (1, 1, 0), "{rule}");
    let told = scratch.status();
    let [rejected] = &told.rejected[..] else { panic!("{rule}: {:?}", told.rejected) };
    assert_eq!((rejected.event_id, rejected.reason.rule.as_ref()), (ids[0], rule));
    assert!(told.ledger.iter().any(|line| line.rule.as_deref() == Some(rule)), "{rule}");
    let [sent] = &server.received()[..] else { panic!("{rule}: one request") };
    assert_eq!(sent.json()["event_id"], ids[1].to_string());
}

/// Replaces text in the file of an entry.
fn edit(from: &str, to: &str) -> impl FnOnce(&Scratch, EventId) {
    let (from, to) = (from.to_owned(), to.to_owned());
    move |scratch, id| {
        let text = fs::read_to_string(scratch.file(id)).expect("read");
        assert!(text.contains(&from), "{text}");
        fs::write(scratch.file(id), text.replace(&from, &to)).expect("written");
    }
}

#[test]
fn truncated() {
    check_set_aside("entry.malformed", |scratch, id| {
        let bytes = fs::read(scratch.file(id)).expect("read");
        fs::write(scratch.file(id), &bytes[..bytes.len() / 2]).expect("written");
    });
    check_set_aside("entry.malformed", |scratch, id| fs::write(scratch.file(id), b"").expect("written"));
}

#[test]
fn edited() {
    check_set_aside("entry.malformed", edit("\"mode\":\"server\"", "\"mode\":\"castle\""));
    check_set_aside("entry.malformed", edit("\"command\":{", "\"command\":{\"host\":\"x\","));
    check_set_aside("entry.malformed", edit("\"is_retry\":false", "\"is_retry\":false,\"is_retry\":true"));
    check_set_aside(
        "schema.const",
        edit("\"anonymous_by_contract\":true", "\"anonymous_by_contract\":false"),
    );
}

#[test]
fn edited_to_tell_of_this_machine() {
    check_set_aside("local_identifier", |scratch, id| {
        let run_id = scratch.entry(id)["document"]["run_id"].as_str().expect("an id").to_owned();
        // In hexadecimal, because nothing else has the form of an id.
        let digits = CANARY.bytes().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
        edit(&run_id, &format!("{digits}9f86d0"))(scratch, id);
    });
}

#[test]
fn of_an_unknown_version() {
    check_set_aside("entry.version", edit("{\"version\":2,", "{\"version\":3,"));
}

#[test]
fn too_large() {
    check_set_aside("entry.size", |scratch, id| {
        fs::write(scratch.file(id), vec![b' '; 10 * 1024 * 1024]).expect("written");
    });
}

#[test]
fn a_symbolic_link() {
    check_set_aside("entry.symlink", |scratch, id| {
        let target = scratch.root().join("target.json");
        fs::rename(scratch.file(id), &target).expect("moved");
        symlink(&target, scratch.file(id)).expect("a link");
    });
}

#[test]
fn named_after_another_event() {
    let server = FaultServer::start([Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    let id = scratch.emit(1)[0];
    fs::rename(scratch.file(id), scratch.file(EventId::random())).expect("moved");
    assert_eq!((scratch.deliver().refused, server.received().len()), (1, 0));
    assert_eq!(scratch.status().rejected[0].reason.rule, "entry.name");
}

#[test]
fn changeable_by_everybody() {
    check_set_aside("entry.owner", |scratch, id| {
        fs::set_permissions(scratch.file(id), fs::Permissions::from_mode(0o666)).expect("a mode");
    });
}

#[test]
fn files_of_others_are_left_alone() {
    let server = FaultServer::start([Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    scratch.emit(1);
    for name in ["notes.txt", "notes.json", "0D5A1C7E-6A53-4A9E-8C0F-51B7A2F4D3C8.json"] {
        fs::write(scratch.dir().join(name), b"{}").expect("written");
    }
    let summary = scratch.deliver();
    assert_eq!((summary.delivered, summary.refused), (1, 0));
    assert!(scratch.dir().join("notes.txt").exists() && scratch.dir().join("notes.json").exists());
}

#[test]
fn leftovers_of_a_crash_are_swept() {
    let scratch = Scratch::new("");
    scratch.emit(1);
    let leftover = scratch.dir().join(".tmp-bootstrap-1-0");
    fs::write(&leftover, b"{\"ver").expect("written");
    scratch.outbox();
    assert!(!leftover.exists());
}

#[test]
fn the_outbox_is_private_and_never_a_link() {
    let scratch = Scratch::new("");
    let id = scratch.emit(1)[0];
    let mode = |path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!((mode(scratch.dir().to_owned()), mode(scratch.file(id))), (0o700, 0o600));
    let link = scratch.root().join("link");
    symlink(scratch.dir(), &link).expect("a link");
    let proof = scratch.consent.proof().expect("given");
    let refused = Outbox::open(proof, &OutboxDir::at(&link)).expect_err("refused");
    assert!(matches!(refused, TelemetryError::Disk(DiskError::Symlink { .. })), "{refused}");
    let file = scratch.root().join("file");
    fs::write(&file, b"").expect("written");
    assert!(matches!(
        Outbox::open(proof, &OutboxDir::at(&file)),
        Err(TelemetryError::Disk(DiskError::NotADirectory { .. }))
    ));
}

#[test]
fn a_document_that_is_queued_already_keeps_its_attempts() {
    let scratch = Scratch::new("");
    let document = document();
    let emit = || {
        let vetted = scratch.gate.vet(&document).expect("passes the gate");
        scratch.outbox().emit(vetted, &scratch.settings.headers).expect("stored").event_id
    };
    let id = emit();
    edit("\"attempts\":0", "\"attempts\":1")(&scratch, id);
    assert_eq!((emit(), scratch.attempts(id), scratch.status().waiting.len()), (id, 1, 1));
}

#[test]
fn a_document_takes_the_place_of_an_entry_that_no_delivery_would_send() {
    type Spoil = Box<dyn FnOnce(&Scratch, EventId)>;
    let stale = |scratch: &Scratch, id| {
        let stored = SystemTime::now() - telemetry::MAX_AGE - Duration::from_hours(1);
        File::open(scratch.file(id)).and_then(|file| file.set_modified(stored)).expect("a time");
    };
    let refused = edit("\"last_failure\":null", "\"last_failure\":{\"class\":\"refused\",\"status\":422}");
    let damaged = |scratch: &Scratch, id| fs::write(scratch.file(id), b"{").expect("written");
    let linked = |scratch: &Scratch, id| {
        fs::remove_file(scratch.file(id)).expect("removed");
        symlink("nowhere", scratch.file(id)).expect("a link");
    };
    let spoilers: [(&str, Spoil); 4] = [
        ("stale", Box::new(stale)),
        ("refused", Box::new(refused)),
        ("damaged", Box::new(damaged)),
        ("a link", Box::new(linked)),
    ];
    for (how, spoil) in spoilers {
        let server = FaultServer::start([Act::status(202)]);
        let scratch = Scratch::new(&server.url());
        let document = document();
        let emit = || {
            let vetted = scratch.gate.vet(&document).expect("passes the gate");
            scratch.outbox().emit(vetted, &scratch.settings.headers).expect("stored").event_id
        };
        let id = emit();
        spoil(&scratch, id);
        assert_eq!(emit(), id, "{how}");
        let summary = scratch.deliver();
        assert_eq!((summary.delivered, summary.refused, summary.waiting), (1, 0, 0), "{how}");
    }
}

#[test]
fn an_attempt_that_a_crash_cut_off_is_counted() {
    let server = FaultServer::start([Act::status(202)]);
    let scratch = Scratch::new(&server.url());
    let id = scratch.emit(1)[0];
    // The state after a process died between the count and the request, or between the answer and the removal.
    edit("\"attempts\":0", "\"attempts\":1")(&scratch, id);
    scratch.deliver();
    let sent = server.received()[0].json();
    assert_eq!((&sent["event_id"], &sent["delivery_attempt"]), (&id.to_string().into(), &2.into()));
}

#[test]
fn a_clock_that_was_set_back_holds_nothing_up() {
    let server = FaultServer::start([Act::status(202)]);
    let mut scratch = Scratch::new(&server.url());
    let ids = scratch.emit(2);
    let failed = FaultServer::start([Act::status(503)]);
    let url = scratch.settings.endpoint.clone();
    scratch.settings.endpoint = Endpoint::parse(&failed.url()).ok();
    scratch.settings.max_attempts = 1;
    scratch.deliver();
    let path = scratch.dir().join("endpoint-state");
    let mut state: serde_json::Value =
        serde_json::from_slice(&fs::read(&path).expect("a state")).expect("JSON");
    state["state"]["not_before"] = "2099-01-01T00:00:00Z".into();
    state["endpoint_sha256"] = sha256(url.as_ref().expect("an endpoint").url().as_str()).into();
    fs::write(&path, state.to_string()).expect("written");
    scratch.settings.endpoint = url;
    let future = SystemTime::now() + Duration::from_hours(24 * 365);
    for id in &ids {
        File::open(scratch.file(*id)).and_then(|file| file.set_modified(future)).expect("a time");
    }
    let summary = scratch.deliver();
    assert_eq!((summary.delivered, summary.evicted, summary.ended), (2, 0, DeliveryEnd::Done));
}

#[test]
fn attempts_do_not_make_a_document_younger() {
    let server = FaultServer::start([Act::status(500)]);
    let mut scratch = Scratch::new(&server.url());
    scratch.settings.max_attempts = 1;
    let id = scratch.emit(1)[0];
    let stored = SystemTime::now() - Duration::from_hours(48);
    File::open(scratch.file(id)).and_then(|file| file.set_modified(stored)).expect("a time");
    scratch.deliver();
    assert_eq!(scratch.attempts(id), 1);
    assert_eq!(
        fs::metadata(scratch.file(id)).and_then(|metadata| metadata.modified()).expect("a time"),
        stored
    );
}

fn sha256(text: &str) -> String {
    use sha2::Digest;
    format!("{:x}", sha2::Sha256::digest(text))
}

/// The marker and the user agent of the one request that `server` received.
fn headers_of(server: &FaultServer) -> [Option<String>; 2] {
    let [sent] = &server.received()[..] else { panic!("one request") };
    headers_in(sent)
}

fn headers_in(request: &Received) -> [Option<String>; 2] {
    ["x-productive-k3s-telemetry", "user-agent"].map(|name| request.header(name).map(str::to_owned))
}

#[test]
fn a_header_that_was_edited_is_vetted_again() {
    let default = VettedHeaders::default();
    let too_long = "a".repeat(65);
    // Only a name of this machine may be one no longer tomorrow. What nobody may ever send is not waited for.
    for (spoiled, held) in
        [("on-srv01", 1), ("192.0.2.7", 0), ("a\\r\\nX-Other: b", 0), (too_long.as_str(), 0), ("", 0)]
    {
        let server = FaultServer::start([Act::status(202)]);
        let scratch = Scratch::new(&server.url());
        let [agent, marker] = scratch.emit(2)[..] else { panic!("two") };
        for (id, field, value) in
            [(agent, "user_agent", default.user_agent.as_str()), (marker, "marker", default.marker.as_str())]
        {
            edit(&format!("\"{field}\":\"{value}\""), &format!("\"{field}\":\"{spoiled}\""))(&scratch, id);
        }
        let summary = scratch.deliver();
        assert_eq!((summary.delivered, summary.refused, summary.waiting), (2 - held, 0, held), "{spoiled}");
        let sent = [&default.marker, &default.user_agent].map(|value| Some(value.as_str().to_owned()));
        for request in server.received() {
            assert_eq!(headers_in(&request), sent, "{spoiled}");
        }
    }
}

/// Under another marker, a receiver that knows only this one would refuse it for good.
#[test]
fn a_document_whose_marker_names_the_machine_now_is_kept_until_it_no_longer_does() {
    let server = FaultServer::start([Act::status(202)]);
    let mut scratch = Scratch::new(&server.url());
    let marker = VettedHeaderValue::parse("acme-fleet", &scratch.gate).expect("a header");
    scratch.settings.headers = VettedHeaders { marker, ..VettedHeaders::default() };
    let id = scratch.emit(1)[0];
    let named = Gate::new(LocalIdentifiers::default().with_private(["acme.example"]));
    let before = std::mem::replace(&mut scratch.gate, named);
    for _ in 0..2 {
        let summary = scratch.deliver();
        assert_eq!((summary.delivered, summary.refused, summary.waiting), (0, 0, 1));
    }
    let told = scratch.status();
    let failure = told.waiting[0].last_failure.expect("why it waits");
    assert_eq!((failure.class, told.waiting[0].attempts), (FailureClass::Marker, 0));
    assert_eq!(told.ledger.iter().map(|line| line.failure).collect::<Vec<_>>(), [Some(FailureClass::Marker)]);
    let shown = telemetry::show(&scratch.settings.outbox, &scratch.settings, &scratch.gate, id);
    assert!(matches!(shown, Ok(QueuedRequest::Held(held, FailureClass::Marker)) if held == id), "{shown:?}");
    assert!(server.received().is_empty());
    scratch.gate = before;
    assert_eq!(scratch.deliver().delivered, 1);
    assert_eq!(headers_of(&server)[0].as_deref(), Some("acme-fleet"));
    assert_eq!(server.received()[0].json()["delivery_attempt"], 1);
}

/// Neither is a document that no delivery would send lost, nor does it go under a marker that nobody chose.
#[test]
fn a_document_that_is_held_for_its_marker_takes_the_one_that_the_operator_sets() {
    let server = FaultServer::start([Act::status(503), Act::status(202)]);
    let mut scratch = Scratch::new(&server.url());
    scratch.settings.max_attempts = 1;
    scratch.set_marker("acme-fleet");
    let id = scratch.emit(1)[0];
    scratch.gate = Gate::new(LocalIdentifiers::default().with_private(["acme.example"]));
    // It can no longer be used, so it is no choice.
    scratch.set_marker("acme-fleet");
    assert_eq!((scratch.deliver().waiting, server.received().len()), (1, 0));
    scratch.set_marker("fleet-7");
    scratch.deliver();
    // A pass without the variable goes on under the marker that was chosen.
    scratch.set_marker("");
    assert_eq!(scratch.deliver().delivered, 1);
    let received = server.received();
    let markers = received.iter().map(|request| request.header("x-productive-k3s-telemetry"));
    assert_eq!(markers.collect::<Vec<_>>(), [Some("fleet-7"); 2]);
    assert_eq!(
        (received[1].json()["event_id"].clone(), scratch.status().waiting.len()),
        (id.to_string().into(), 0)
    );
}

#[test]
fn a_header_that_names_the_machine_as_it_is_called_now_costs_no_document() {
    let server = FaultServer::start([Act::status(202)]);
    let mut scratch = Scratch::new(&server.url());
    let value = |text| VettedHeaderValue::parse(text, &scratch.gate).expect("a header");
    scratch.settings.headers =
        VettedHeaders { marker: value("layer-marker"), user_agent: value("acme-cli/1.4") };
    scratch.emit(1);
    // Since then, the network has given the machine a domain.
    scratch.gate = Gate::new(LocalIdentifiers::default().with_private(["acme.example"]));
    assert_eq!(scratch.deliver().delivered, 1);
    let [marker, user_agent] = headers_of(&server);
    assert_eq!(marker.as_deref(), Some("layer-marker"));
    assert_eq!(user_agent.as_deref(), Some(VettedHeaderValue::default_user_agent().as_str()));
}

#[test]
fn headers_travel_with_the_document() {
    let server = FaultServer::start([Act::status(202)]);
    let mut scratch = Scratch::new(&server.url());
    let value = |text| VettedHeaderValue::parse(text, &scratch.gate).expect("a header");
    let headers = VettedHeaders { marker: value("layer-marker"), user_agent: value("layer/2.0") };
    scratch.settings.headers = headers;
    let id = scratch.emit(1)[0];
    // The delivering process has an environment of its own, and does not know what the run knew.
    scratch.settings.headers = VettedHeaders::default();
    let shown = telemetry::show(&scratch.settings.outbox, &scratch.settings, &scratch.gate, id);
    let Ok(QueuedRequest::Sendable(request)) = shown else { panic!("{shown:?}") };
    let shown: Vec<String> = request.headers().iter().map(ToString::to_string).collect();
    assert!(shown.contains(&"User-Agent: layer/2.0".to_owned()), "{shown:?}");
    scratch.deliver();
    assert_eq!(headers_of(&server), ["layer-marker", "layer/2.0"].map(|text| Some(text.to_owned())));
}
