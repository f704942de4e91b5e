//! The receiver on a real socket, with our own sender at the other end.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::path::Path;
use std::thread;

use privacy::Gate;
use schema::{
    Command, CommandName, CommandResult, ComponentLabel, Envelope, EventId, Execution, Id, Mode,
    TelemetryDocument, TelemetryEvent, UtcSeconds,
};
use serde_json::Value;
use telemetry::{ConsentDecision, DeliverySettings, Header, Interactivity, Outbox, OutboxDir};

use crate::service::router;
use crate::store::Store;

fn start(file: &Path) -> SocketAddr {
    let store = Store::open(file).expect("opened");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("set");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, router(store)).await
        })
    });
    address
}

/// Sends one request and returns status and body.
fn request(address: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("connected");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let _ = stream.write_all(body);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, answer.split_once("\r\n\r\n").expect("a body").1.to_owned())
}

fn post(address: SocketAddr, body: &[u8]) -> (u16, Value) {
    let headers = format!("Content-Type: application/json\r\n{}: test\r\n", Header::MARKER);
    let (status, body) = request(address, "POST", "/telemetry", &headers, body);
    (status, serde_json::from_str(&body).unwrap_or_default())
}

/// Tests tell ids by names; a name in hexadecimal, filled up, has the form of an id.
fn id_of(name: &str) -> String {
    let digits = name.bytes().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
    format!("{digits:0<32}")
}

fn document(component: ComponentLabel, run: &str, parent: Option<&str>) -> TelemetryDocument {
    let id = |name: &str| Id::parse(&id_of(name)).expect("an id");
    let envelope =
        Envelope { session_id: id("session-1"), run_id: id(run), parent_run_id: parent.map(id), component };
    let command = Command {
        name: CommandName::Run,
        mode: Mode::Server,
        execution: Execution::DryRun,
        result: CommandResult::Success,
    };
    let at = UtcSeconds::parse("2026-11-22T07:50:02Z").expect("a time");
    envelope.document(TelemetryEvent::Command(command), EventId::random(), at)
}

fn bytes(document: &TelemetryDocument) -> Vec<u8> {
    serde_json::to_vec(document).expect("JSON")
}

#[test]
fn duplicates_are_dropped_also_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.ndjson");
    let body = bytes(&document(ComponentLabel::Core, "run-1", None));
    let address = start(&file);
    assert_eq!(post(address, &body), (202, serde_json::json!({ "status": "accepted" })));
    assert_eq!(post(address, &body), (202, serde_json::json!({ "status": "duplicate" })));
    // A crash may tear the last line.
    fs::OpenOptions::new()
        .append(true)
        .open(&file)
        .and_then(|mut file| file.write_all(b"{\"torn"))
        .expect("written");
    let address = start(&file);
    assert_eq!(post(address, &body).1["status"], "duplicate");
    assert_eq!(post(address, &bytes(&document(ComponentLabel::Core, "run-2", None))).1["status"], "accepted");
    let lines = fs::read_to_string(&file).expect("read");
    assert_eq!(lines.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count(), 2);
}

#[test]
fn what_breaks_the_contract_is_refused_by_rule_and_pointer() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.ndjson");
    let address = start(&file);
    let good = serde_json::to_value(document(ComponentLabel::Core, "run-1", None)).expect("JSON");
    let mut bad = good.clone();
    bad["command"]["hostname"] = "srv01".into();
    let (status, answer) = post(address, bad.to_string().as_bytes());
    assert_eq!(status, 422);
    assert!(answer.to_string().contains("/command") && !answer.to_string().contains("srv01"), "{answer}");
    let (status, answer) = post(address, b"not JSON");
    assert_eq!((status, &answer["violations"][0]["rule"]), (422, &"syntax".into()));
    let headers = "Content-Type: application/json\r\n";
    assert_eq!(request(address, "POST", "/telemetry", headers, good.to_string().as_bytes()).0, 400);
    let headers = format!("Content-Type: text/plain\r\n{}: test\r\n", Header::MARKER);
    assert_eq!(request(address, "POST", "/telemetry", &headers, good.to_string().as_bytes()).0, 415);
    assert_eq!(post(address, &vec![b' '; 64 * 1024 + 1]).0, 413);
    assert_eq!(request(address, "GET", "/telemetry", "", b"").0, 405);
    assert_eq!(fs::read(&file).expect("read"), b"", "nothing of it is kept");
}

#[test]
fn chains_are_put_together_whatever_arrives_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = start(&folder.path().join("events.ndjson"));
    for document in [
        document(ComponentLabel::Core, "core-1", Some("infra-1")),
        document(ComponentLabel::Cli, "cli-1", None),
        document(ComponentLabel::Infra, "infra-1", Some("cli-1")),
        document(ComponentLabel::Core, "circle", Some("circle")),
        document(ComponentLabel::Core, "orphan", Some("never-reported")),
    ] {
        assert_eq!(post(address, &bytes(&document)).0, 202);
    }
    let (status, chains) = request(address, "GET", "/chains", "", b"");
    let chains: Value = serde_json::from_str(&chains).expect("JSON");
    let runs = chains[0]["runs"].as_array().expect("runs").iter();
    let tops: Vec<String> = runs.filter_map(|run| run["run_id"].as_str().map(str::to_owned)).collect();
    assert_eq!((status, tops), (200, ["cli-1", "circle", "orphan"].map(id_of).to_vec()));
    assert_eq!(chains.pointer("/0/runs/0/runs/0/runs/0/run_id"), Some(&id_of("core-1").into()));
    let (_, page) = request(address, "GET", "/chains", "Accept: text/html,*/*\r\n", b"");
    let places: Vec<_> =
        ["cli-1", "infra-1", "core-1"].iter().map(|run| page.find(&format!("run {}", id_of(run)))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{page}");
}

#[test]
fn our_own_sender_is_understood() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = start(&folder.path().join("events.ndjson"));
    let endpoint = format!("http://{address}/telemetry");
    let variable = |name: &str| match name {
        "TELEMETRY_ENABLED" => Some(OsString::from("true")),
        "TELEMETRY_ENDPOINT" => Some(OsString::from(&endpoint)),
        _ => None,
    };
    let (ConsentDecision::Decided(consent), _) =
        telemetry::decide_consent(&variable, Interactivity::NonInteractive)
    else {
        panic!("decided")
    };
    let (proof, gate) = (consent.proof().expect("given"), Gate::default());
    let (settings, _) = DeliverySettings::from_env(&variable, &gate, OutboxDir::below(folder.path()));
    let outbox = Outbox::open(proof, &settings.outbox).expect("opened");
    outbox
        .emit(
            gate.vet(&document(ComponentLabel::Core, "run-1", None)).expect("passes"),
            &telemetry::VettedHeaders::default(),
        )
        .expect("stored");
    let mut go_on = |_| ControlFlow::Continue(());
    let summary = telemetry::deliver(proof, &settings, &gate, &outbox, telemetry::DEADLINE, &mut go_on);
    assert_eq!(summary.expect("a round").delivered, 1);
    let (_, chains) = request(address, "GET", "/chains", "", b"");
    assert!(chains.contains(&id_of("run-1")), "{chains}");
}
