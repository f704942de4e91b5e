//! The telemetry commands: how an operator inspects and changes the outbox.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::Value;
use tests::{
    Contract, Invocation, ReceivedRequest, Response, Sandbox, Server, TerminalSession, eventually, tree,
};

/// A sandbox whose outbox holds the five documents of a run that could not be delivered, the manifest last but one.
fn with_waiting() -> Sandbox {
    let sandbox = Sandbox::new();
    let call = sandbox.dry_run("server").env("TELEMETRY_ENABLED", "true").env("TELEMETRY_ENDPOINT", "");
    call.run().expect(0);
    assert_eq!(sandbox.queued().len(), schema::delivery::DOCUMENTS_OF_A_RUN);
    sandbox
}

fn enabled(call: Invocation, server: &Server) -> Invocation {
    call.env("TELEMETRY_ENABLED", "true").env("TELEMETRY_ENDPOINT", server.url())
}

#[test]
fn status_tells_what_waits_and_why_it_was_refused() {
    let sandbox = with_waiting();
    let call = sandbox.bootstrap(["telemetry", "status"]).without("TELEMETRY_ENDPOINT");
    sandbox.snapshot("status_waiting", &call.run().expect(0));
    let status = sandbox.bootstrap(["telemetry", "status", "--json"]).run().expect(0).json();
    assert_eq!((status["queued"].as_array().map(Vec::len), &status["enabled"]), (Some(5), &false.into()));

    let server = Server::start([Response::Status(422), Response::Status(202)]);
    let outcome = sandbox.flush(&server).expect(0);
    sandbox.snapshot("flush_one_refused", &outcome);
    sandbox.snapshot("status_refused", &call.run().expect(0));
    let status = sandbox.bootstrap(["telemetry", "status", "--json"]).run().expect(0).json();
    assert_eq!(status["refused"].as_array().map(Vec::len), Some(1), "{status:#}");
    assert_eq!(status["refused"][0]["refusal"]["status"], 422, "{status:#}");
}

#[test]
fn status_tells_until_when_the_endpoint_is_paused() {
    let server = Server::start([Response::Overloaded(50)]);
    let sandbox = Sandbox::new();
    // An hour is beyond the time of a pass, so that it ends at once and leaves the pause to the next one.
    sandbox.reporting_run(&server).run().expect(0);
    let status = || sandbox.bootstrap(["telemetry", "status", "--json"]).run().expect(0).json();
    assert!(eventually(Duration::from_mins(1), || !status()["endpoint_state"].is_null()));
    let state = &status()["endpoint_state"];
    assert_eq!(state["failure"]["status"], 503, "{state}");
    let until = state["not_before"].as_str().expect("a time");
    let shown = sandbox.bootstrap(["telemetry", "status"]).run().expect(0).stdout;
    assert!(shown.contains(&format!("paused     until {until}")), "{shown}");
    sandbox.kill_deliveries();
    let path = sandbox.outbox().join("endpoint-state");
    let text = fs::read_to_string(&path).expect("there");
    fs::write(&path, text.replace(until, "2026-01-01T00:00:00Z")).expect("ours");
    let shown = sandbox.bootstrap(["telemetry", "status"]).run().expect(0).stdout;
    assert!(shown.contains("answered") && !shown.contains("paused"), "what is over is no pause: {shown}");
}

#[test]
fn nobody_has_answered_where_nobody_listens() {
    let sandbox = with_waiting();
    let closed = sandbox.bootstrap(["telemetry", "flush"]).env("TELEMETRY_ENABLED", "true");
    closed.env("TELEMETRY_MAX_RETRIES", "0").run();
    let shown = sandbox.bootstrap(["telemetry", "status"]).run().expect(0).stdout;
    assert!(shown.contains("\nfailed     ") && !shown.contains("answered"), "{shown}");
}

#[test]
fn status_touches_nothing() {
    let sandbox = with_waiting();
    let before = tree(sandbox.root(), None);
    for line in [["telemetry", "status"], ["telemetry", "show"], ["telemetry", "preview"]] {
        sandbox.bootstrap(line).run().expect(0);
        sandbox.bootstrap(line).env("TELEMETRY_ENABLED", "true").run().expect(0);
    }
    assert_eq!(tree(sandbox.root(), None), before);
}

#[test]
fn show_is_what_goes_out() {
    let sandbox = with_waiting();
    let server = Server::start([Response::Status(202)]);
    let call = enabled(sandbox.bootstrap(["telemetry", "show", "--json"]), &server);
    let shown = call.env("TELEMETRY_BEARER_TOKEN", "hunter2-bearer").run().expect(0);
    assert!(!shown.output().contains("hunter2"), "{shown}");
    let shown = shown.json();
    let flush = enabled(sandbox.bootstrap(["telemetry", "flush"]), &server);
    flush.env("TELEMETRY_BEARER_TOKEN", "hunter2-bearer").run().expect(0);
    let received = server.accepted();
    assert_eq!(received.len(), 5);
    for (request, shown) in received.iter().zip(shown.as_array().expect("a list")) {
        let mut body = request.json();
        // The one field that is written at the time of the attempt.
        body["sent_at"] = shown["body"]["sent_at"].clone();
        assert_eq!(body, shown["body"], "but for the time of the attempt");
        for header in shown["headers"].as_array().expect("a list") {
            let (name, value) = header.as_str().and_then(|line| line.split_once(": ")).expect("a header");
            let sent = request
                .header(name)
                .unwrap_or_else(|| panic!("{name} was not sent"))
                .replace("hunter2-bearer", "********");
            assert_eq!(sent, value, "{name}");
        }
    }
}

#[test]
fn show_takes_an_id_that_waits() {
    let sandbox = with_waiting();
    let id = sandbox.queued().remove(0);
    let outcome = sandbox.bootstrap(["telemetry", "show", &id]).run().expect(0);
    assert!(outcome.stdout.contains(&id), "{outcome}");
    let unknown =
        sandbox.bootstrap(["telemetry", "show", "6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10"]).run().expect(1);
    assert!(unknown.stderr.contains("status"), "{unknown}");
}

#[test]
fn preview_is_valid_for_every_mode_and_needs_no_consent() {
    let contract = Contract::published();
    let sandbox = Sandbox::new();
    for mode in schema::Mode::ALL {
        let call = sandbox.bootstrap(["telemetry", "preview", "--json", "--mode", mode.as_str()]);
        let documents = call.run().expect(0).json();
        let documents = documents.as_array().expect("a list");
        assert!(documents.len() >= 3, "{mode}: one of each kind");
        for request in documents {
            contract.check_telemetry(&request["body"]);
        }
        let text =
            sandbox.bootstrap(["telemetry", "preview", "--mode", mode.as_str()]).run().expect(0).stdout;
        let fields = text.lines().filter(|line| line.starts_with("  ") && line.contains(" = ")).count();
        assert!(fields > 60 && text.matches("Purpose:").count() > 60, "{mode}: every field has its purpose");
    }
    assert!(!sandbox.runs_dir().exists(), "nothing is stored");
}

#[test]
fn purge_deletes_what_waits_and_asks_first() {
    let sandbox = with_waiting();
    for (keys, left) in [("n\n", 5), ("\n", 5), ("\x04", 5), ("y\n", 0)] {
        let mut session = TerminalSession::start(&sandbox.bootstrap(["telemetry", "purge"]));
        session.wait_for("[y/N]");
        session.type_keys(keys);
        session.end().expect(if left == 0 { 0 } else { 4 });
        assert_eq!(sandbox.queued().len(), left, "{keys:?}");
    }
    let sandbox = with_waiting();
    sandbox.flush(&Server::start([Response::Status(422)])).expect(0);
    let purged = sandbox.bootstrap(["telemetry", "purge", "--yes", "--json"]).run().expect(0).json();
    assert_eq!((&purged["queued"], &purged["refused"]), (&0.into(), &5.into()));
    let left = String::from_utf8(
        tree(&sandbox.outbox(), None).into_values().flat_map(|entry| entry.content).collect(),
    );
    // The length of the lock is the number of completed purges.
    assert_eq!(left.as_deref(), Ok("\n"), "no document and no ledger");
}

#[test]
fn purge_needs_no_outbox() {
    let sandbox = Sandbox::new();
    sandbox.bootstrap(["telemetry", "purge", "--yes"]).run().expect(0);
    assert!(!sandbox.runs_dir().exists());
}

#[test]
fn send_delivers_the_manifest_of_an_earlier_run_once_there_is_consent() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    sandbox.dry_run("stack").run().expect(0);
    let run = sandbox.only_run();
    let send =
        sandbox.bootstrap(["telemetry", "send"]).args([&run.public]).env("TELEMETRY_ENDPOINT", server.url());
    send.run().expect(2);
    assert!(server.received().is_empty() && !sandbox.outbox().exists(), "not without consent");
    send.env("TELEMETRY_ENABLED", "true").run().expect(0);
    let received = server.accepted();
    assert_eq!(received.len(), 1);
    let body = received[0].json();
    Contract::published().check_telemetry(&body);
    assert_eq!((&body["event_name"], &body["manifest"]), (&"bootstrap.completed".into(), &run.manifest()));
}

/// The manifests that `server` accepted, without what two attempts on one document differ in.
fn manifests(server: &Server) -> Vec<Value> {
    let bodies = server.accepted().iter().map(ReceivedRequest::json).collect::<Vec<_>>();
    let of_manifest = bodies.into_iter().filter(|body| body["event_name"] == "bootstrap.completed");
    let without_attempt = |mut body: Value| {
        let fields = body.as_object_mut().expect("an object");
        for field in ["sent_at", "delivery_attempt", "retry_attempt", "is_retry"] {
            fields.remove(field).expect(field);
        }
        body
    };
    of_manifest.map(without_attempt).collect()
}

/// A receiver that has the manifest from the run itself drops what the operator sends: no part of its key differs.
#[test]
fn send_repeats_the_document_that_the_run_has_reported() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    let [parent, session, other] = ["0123456789abcdef", "9f86d081884c7d65", "4bf92f3577b34da6"];
    let run = sandbox.reporting_run(&server);
    run.env("TELEMETRY_PARENT_RUN_ID", parent).env("TELEMETRY_SESSION_ID", session).run().expect(0);
    sandbox.wait_for_deliveries();
    let run = sandbox.only_run();
    let send = || enabled(sandbox.bootstrap(["telemetry", "send"]), &server).args([&run.public]);
    send().run().expect(0);
    // The chain that the run belonged to counts, and not the one that repeats it.
    send().env("TELEMETRY_SESSION_ID", other).run().expect(0);
    let received = manifests(&server);
    assert_eq!(received.len(), 3);
    assert_eq!(
        (&received[0]["session_id"], &received[0]["parent_run_id"]),
        (&session.into(), &parent.into())
    );
    assert_eq!((&received[1], &received[2]), (&received[0], &received[0]));
}

/// A pipeline may export one run id to hosts that begin in the same second.
#[test]
fn the_manifests_of_two_hosts_with_one_run_id_are_two_events() {
    let server = Server::start([Response::Status(202)]);
    let hosts = [Sandbox::new(), Sandbox::new()];
    for sandbox in &hosts {
        let run = sandbox.reporting_run(&server).env("TELEMETRY_RUN_ID", "9f86d081884c7d65");
        run.env("TELEMETRY_SESSION_ID", "0123456789abcdef").run().expect(0);
        sandbox.wait_for_deliveries();
    }
    let received = manifests(&server);
    assert_eq!(received[0]["run_id"], received[1]["run_id"]);
    assert_ne!(received[0]["event_id"], received[1]["event_id"]);
    // Away from its private record, the manifest is an event of its own, whatever other run has that id here.
    let copied = hosts[0].file("copied.json", &edited_start(&hosts[1].only_run().manifest()), 0o600);
    enabled(hosts[0].bootstrap(["telemetry", "send"]), &server).args([copied]).run().expect(0);
    let ids: BTreeSet<String> = manifests(&server).iter().map(|one| one["event_id"].to_string()).collect();
    assert_eq!(ids.len(), 3);
}

/// The manifest of a run that began at another time.
fn edited_start(manifest: &Value) -> String {
    let mut manifest = manifest.clone();
    manifest["started_at"] = "2026-01-02T03:04:05Z".into();
    manifest.to_string()
}

#[test]
fn send_refuses_what_is_no_public_manifest() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    sandbox.dry_run("single-node").run().expect(0);
    let run = sandbox.only_run();
    let manifest = run.manifest();
    let mut edited = manifest.clone();
    edited["platform"]["os_version"] = "hunter2.example.org".into();
    let event =
        enabled(sandbox.bootstrap(["telemetry", "preview", "--json"]), &server).run().expect(0).json();
    let mut running = manifest;
    for (field, value) in
        [("status", "running".into()), ("exit_code", Value::Null), ("finished_at", Value::Null)]
    {
        running[field] = value;
    }
    let table = [
        ("private", fs::read_to_string(&run.private).expect("there")),
        ("edited", edited.to_string()),
        ("event", event[0]["body"].to_string()),
        ("running", running.to_string()),
        ("no_json", "hunter2".to_owned()),
    ];
    for (name, content) in table {
        let file = sandbox.file(&format!("{name}.json"), &content, 0o600);
        let call = enabled(sandbox.bootstrap(["telemetry", "send"]), &server).args([file]);
        let outcome = call.run().expect(1);
        assert!(!outcome.output().contains("hunter2"), "{name}: {outcome}");
        assert!(outcome.stderr.starts_with("error: "), "{name}: {outcome}");
        // What the gate finds in a private context depends on the names of the machine.
        if name != "private" {
            sandbox.snapshot(&format!("send_{name}"), &outcome);
        }
    }
    assert!(server.received().is_empty() && !sandbox.outbox().exists(), "nothing is stored or sent");
}

#[test]
fn read_only_commands_ask_nothing_and_emit_nothing() {
    let sandbox = Sandbox::new();
    for line in [
        "preflight --mode single-node",
        "verify --mode stack",
        "telemetry status",
        "telemetry preview",
        "telemetry show",
    ] {
        let call = sandbox.bootstrap(line.split_whitespace());
        let outcome = TerminalSession::start(&call).end();
        assert!(!outcome.stderr.contains("[Y/n]"), "{line}: {outcome}");
        call.env("TELEMETRY_ENABLED", "true").run();
        assert!(!sandbox.runs_dir().exists(), "{line}");
    }
}

/// Whatever this machine has: the `PATH` of a sandbox has no helm, and its systemctl knows no service.
#[test]
fn verify_fails_where_nothing_is_installed() {
    let sandbox = Sandbox::new();
    let text = sandbox.bootstrap(["verify", "--mode", "server"]).run().expect(1);
    assert!(
        text.stdout.contains("FAIL") && text.stdout.contains("installed as configured: missing"),
        "{text}"
    );
    assert_eq!(text.stderr, "", "the result is told once");
    let outcome = sandbox.bootstrap(["verify", "--mode", "server", "--json"]).run().expect(1);
    let document = outcome.json();
    assert_eq!((&document["format"], &document["exit_code"]), (&"verify/v1".into(), &1.into()));
    let checks = document["checks"].as_array().expect("a list");
    let of_helm = checks.iter().find(|check| check["component"] == "helm").expect("checked");
    assert_eq!((&of_helm["outcome"], &of_helm["evidence"]), (&"failed".into(), &"missing".into()));
    assert_eq!(document["problems"], checks.iter().filter(|check| check["outcome"] != "ok").count());
}

#[test]
fn preflight_as_a_document_has_a_format_and_says_what_fixes_each_failure() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.bootstrap(["preflight", "--mode", "server", "--json"]).run();
    let document = outcome.json();
    assert_eq!(document["format"], "preflight/v1");
    assert_eq!(document["exit_code"], outcome.code(), "{outcome}");
    let checks = document["checks"].as_array().expect("a list");
    let found = |name: &str| checks.iter().any(|check| check["check"] == name);
    assert!(
        ["os", "ports", "modules", "cgroups", "clock", "swap"].iter().all(|name| found(name)),
        "{outcome}"
    );
    for check in checks {
        assert!(check["evidence"].is_string() && check["severity"].is_string(), "{check}");
    }
}

/// Opting out must work even if other parts of the environment are wrong.
#[test]
fn a_mistyped_input_does_not_keep_anybody_from_opting_out() {
    let sandbox = Sandbox::new();
    for line in ["telemetry status", "telemetry purge --yes"] {
        let call = sandbox.bootstrap(line.split_whitespace()).env("PRODUCTIVE_K3S_TLS_MODE", "letsencript");
        call.run().expect(0);
    }
}

#[test]
fn what_a_receiver_refused_by_mistake_is_sent_once_more_on_request() {
    let server = Server::start([Response::Status(422)]);
    let sandbox = Sandbox::new();
    sandbox.reporting_run(&server).run().expect(0);
    sandbox.wait_for_deliveries();
    sandbox.flush(&server);
    assert!(sandbox.queued().is_empty() && server.accepted().is_empty());
    server.respond_with([Response::Status(202)]);
    let flush = || {
        let call = sandbox.bootstrap(["telemetry", "flush", "--refused"]);
        call.envs([("TELEMETRY_ENABLED", "true"), ("TELEMETRY_ENDPOINT", &server.url())]).run().expect(0)
    };
    let outcome = flush();
    assert!(outcome.stderr.contains("5 refused events are queued again"), "{outcome}");
    assert_eq!(server.accepted().len(), 5);
    assert!(flush().stderr.contains("0 refused events"), "each is sent once more, not for ever");
    assert_eq!(server.accepted().len(), 5);
}
